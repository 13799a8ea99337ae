"""The providers of a channel as its setting names them: URLs separated by spaces, the preferred first.

The scheme says the kind of provider, the query its options. Every kind takes `name` (its name in records; unless given, the
channel's in small letters for http, else the kind), `rate` (messages a second at most) and, where it speaks TLS, `ca` (a file
of root certificates to trust instead of the machine's).
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from bankalerts.errors import BankalertsError

OPTIONS_OF_ALL = frozenset({"name", "rate", "ca"})
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class ProviderUrl:
    """One provider's URL in its parts. `options` are those of its kind, decoded; `port` is None where the URL has none.

    `variable` is the setting that it came from; `shown` is the URL without its secrets and options, for error messages.
    """

    variable: str
    shown: str
    scheme: str
    name: str
    rate_per_s: float | None
    host: str
    port: int | None
    user: str | None
    password: str | None
    path: str
    options: Mapping[str, str]
    ca: str | None

    @property
    def is_secure(self) -> bool:
        """Whether the scheme promises TLS from the first byte."""
        return self.scheme.endswith("s")

    @property
    def http_url(self) -> str:
        """The address to call: without a prefix to its scheme, user, or the options of all kinds."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        netloc = host if self.port is None else f"{host}:{self.port}"
        return urlunsplit((self.scheme.rpartition("+")[2], netloc, self.path, urlencode(self.options), ""))

    def only(self, *known: str) -> None:
        """Raises BankalertsError for an option that is not among `known`."""
        unknown = sorted(self.options.keys() - set(known))
        if unknown:
            takes = ", ".join(sorted({*known, *OPTIONS_OF_ALL}))
            raise self.error(f"has an option {unknown[0]!r}: {self.scheme} takes {takes}")

    def required(self, option: str) -> str:
        """The option's value. Raises BankalertsError when it is not given."""
        if not self.options.get(option):
            raise self.error(f"has no option {option!r}: write {self.shown}?{option}=...")
        return self.options[option]

    def file(self, option: str) -> str:
        """What the file that the option names holds. Raises BankalertsError when it cannot be read."""
        path = self.required(option)
        try:
            return Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise self.error(f"names the file {path!r} in {option!r}, which cannot be read ({error})") from error

    def tls_context(self) -> ssl.SSLContext:
        """Verifies by the machine's root certificates, or by those of `ca`. Raises BankalertsError for a file that has none."""
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise self.error(f"names the certificates {self.ca!r} in 'ca', which cannot be used ({error})") from error

    def error(self, what: str) -> BankalertsError:
        """An error about this URL; `what` goes on from its name."""
        return BankalertsError(f"{self.variable}: {self.shown} {what}")


def provider_urls(variable: str, text: str, channel: str, schemes: Collection[str]) -> list[ProviderUrl]:
    """The providers that the setting `variable` with the value `text` names for a channel (by its name).

    Raises BankalertsError, which holds no password and no option's value: for none at all, a scheme that is not among
    `schemes`, no host, an option given twice, a rate or a name that is none, a name taken twice.
    """
    found: list[ProviderUrl] = []
    for url in text.split():
        found.append(_provider_url(variable, url, channel, schemes, {other.name for other in found}))
    if not found:
        raise BankalertsError(f"{variable} is empty: write {_forms(schemes)}")
    return found


def _provider_url(variable: str, url: str, channel: str, schemes: Collection[str], taken: set[str]) -> ProviderUrl:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BankalertsError(f"{variable} has an address that is none ({error}): write {_forms(schemes)}") from error
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if parts.scheme not in schemes or not host:
        raise BankalertsError(f"{variable} has {shown!r}: write {_forms(schemes)}")
    options = _options(variable, shown, parts)
    return ProviderUrl(
        variable=variable,
        shown=shown,
        scheme=parts.scheme,
        name=_name(variable, shown, options.pop("name", None), _default_name(parts.scheme, channel), taken),
        rate_per_s=_rate(variable, shown, options.pop("rate", None)),
        host=host,
        port=port,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        path=parts.path,
        ca=options.pop("ca", None),
        options=options,
    )


def _options(variable: str, shown: str, parts: SplitResult) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        raise BankalertsError(f"{variable}: {shown} has an option twice: give each once")
    return options


def _default_name(scheme: str, channel: str) -> str:
    kind, _, carrier = scheme.partition("+")
    if carrier:
        return kind
    return channel.lower() if kind in ("http", "https") else kind.removesuffix("s")


def _name(variable: str, shown: str, given: str | None, default: str, taken: set[str]) -> str:
    if given is None:
        numbered = (f"{default}{number}" for number in range(2, len(taken) + 3))
        return next(name for name in (default, *numbered) if name not in taken)
    if not NAME.fullmatch(given) or given in taken:
        why = "which another one has" if given in taken else "which is none: use small letters, digits, _ and -"
        raise BankalertsError(f"{variable}: {shown} has the name {given!r}, {why}")
    return given


def _rate(variable: str, shown: str, given: str | None) -> float | None:
    if given is None:
        return None
    try:
        rate = float(given)
    except ValueError:
        rate = 0.0
    # inf and nan are floats too.
    if not 0.01 <= rate <= 1_000_000:
        raise BankalertsError(f"{variable}: {shown} has the rate {given!r}: write messages a second, 0.01 to 1000000")
    return rate


def _forms(schemes: Collection[str]) -> str:
    return " or ".join(f"{scheme}://host:port" for scheme in schemes) + ", several separated by spaces"
