"""Money and time as a customer reads them: their locale, their time zone, their bank's digits. CLDR data by Babel."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import babel
from babel.dates import format_date, format_time, format_timedelta, get_timezone
from babel.numbers import NumberPattern, get_currency_symbol

from notifier import words

FALLBACK_LOCALE = "en"
# CLDR puts this between a time and AM: phones draw a box for it, and one of it makes an SMS twice as long.
NARROW_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"
# What the alphabet of SMS has no place for: one of these, and 70 characters fit instead of 160.
PLAIN_SPACES = dict.fromkeys(map(ord, f"{NO_BREAK_SPACE}{NARROW_SPACE}\u2007\u2009"), " ")
PLACE = "\u00a4"  # where a pattern has the currency's symbol


# CLDR's minimumGroupingDigits, which Babel does not carry: digits before the first group sign at least. Elsewhere one.
LEAST_GROUPED = {"es": 2, "es_MX": 1, "hu": 2, "it": 2, "pl": 2, "pt_PT": 2}


class Hidden:
    """A value that is not shown. Whatever a template does with it, it stays hidden; no comparison with it is true."""

    def __str__(self) -> str:
        return HIDDEN_TEXT

    def _itself(self, *_others: object) -> Hidden:
        return self

    def _is_not(self, _other: object) -> bool:
        return False

    __abs__ = __neg__ = __add__ = __radd__ = __sub__ = __rsub__ = _itself
    __lt__ = __le__ = __gt__ = __ge__ = _is_not


# In the alphabet of SMS, so that hiding does not make it two.
HIDDEN_TEXT = "***"
HIDDEN = Hidden()


class Writer:
    """Writes for one customer. `minor_digits` says by currency how many digits the minor unit has (ISO 4217)."""

    def __init__(self, locale: str, time_zone: str, minor_digits: Mapping[str, int]) -> None:
        self._locale = known_locale(locale)
        self._time_zone = get_timezone(time_zone)
        self._minor_digits = minor_digits

    def money(self, minor: int | Hidden, currency: str) -> str:
        """An amount in minor units, such as 123456 EUR as €1,234.56. Raises TypeError for anything but an integer."""
        if type(minor) is not int:
            if minor is HIDDEN:
                return str(minor)
            raise TypeError("money is written from a whole number of minor units")
        return _money_form(self._locale, currency, self._minor_digits[currency]).write(minor)

    def when(self, time: datetime) -> str:
        """Date and time of day, such as 22 Nov 2026, 19:30."""
        local = time.astimezone(self._time_zone)
        day = format_date(local, "medium", locale=self._locale)
        hour = format_time(local, "short", locale=self._locale)
        return _date_and_time(self._locale).format(hour, day).replace(NARROW_SPACE, " ")

    def duration(self, seconds: int) -> str:
        """A length of time, rounded, in the largest unit of which it has two: 90 minutes, 7 months."""
        return str(format_timedelta(timedelta(seconds=seconds), threshold=2, locale=self._locale))

    def country(self, code: str) -> str:
        """The name of an ISO 3166 country; the code where CLDR has no name."""
        return str(self._locale.territories.get(code, code))

    def reason(self, code: str) -> str:
        """Why something was refused, to be read after a colon."""
        return words.reason(code, self._locale.language)

    def merchant_category(self, code: str) -> str:
        """What kind of shop a merchant category is."""
        return words.merchant_category(code, self._locale.language)


@functools.cache
def known_locale(tag: str) -> babel.Locale:
    """The locale of a BCP 47 tag; where CLDR has none, its language's; where it has not even that, English."""
    for known in (tag, tag.partition("-")[0], FALLBACK_LOCALE):
        try:
            return babel.Locale.parse(known, sep="-")
        except (babel.UnknownLocaleError, ValueError):
            continue
    raise AssertionError(f"Babel has no {FALLBACK_LOCALE}")


@dataclass(frozen=True, slots=True)
class MoneyForm:
    """How a locale writes a currency. Babel's own formatting of one amount costs as much as the rest of its message."""

    before: tuple[str, str]  # what stands before the number: of a positive one, of a negative one
    behind: tuple[str, str]
    decimal: str
    group: str
    first_group: int  # digits of the group at the decimal sign
    next_groups: int
    grouped_from: int  # digits that a whole number has at least where it is grouped
    minor_digits: int

    def write(self, minor: int) -> str:
        """The amount of so many minor units."""
        digits = str(abs(minor)).rjust(self.minor_digits + 1, "0")
        cut = len(digits) - self.minor_digits
        whole, sign = digits[:cut], int(minor < 0)
        if len(whole) >= self.grouped_from:
            cut = len(whole) - self.first_group
            groups = [whole[cut:]]
            while cut > 0:
                groups.append(whole[max(cut - self.next_groups, 0) : cut])
                cut -= self.next_groups
            whole = self.group.join(reversed(groups))
        fraction = self.decimal + digits[-self.minor_digits :] if self.minor_digits else ""
        return f"{self.before[sign]}{whole}{fraction}{self.behind[sign]}"


@functools.cache
def _money_form(locale: babel.Locale, currency: str, digits: int) -> MoneyForm:
    # CLDR's own digits of a currency differ from ISO 4217 for some (HUF, IDR): amounts are kept in ISO's units.
    pattern: NumberPattern = locale.currency_formats["standard"]
    symbols = locale.number_symbols["latn"]
    # Babel leaves out rules of CLDR: the locale's own minus sign, its signs for money (fr-CH), a space between letters and
    # digits (EUR 5), and that some languages write 1000 and 10.000.
    symbol, minus = get_currency_symbol(currency, locale), symbols["minusSign"]
    before = symbol + NO_BREAK_SPACE if _wants_space(symbol[-1]) else symbol
    behind = NO_BREAK_SPACE + symbol if _wants_space(symbol[0]) else symbol

    def shown(part: str, edge: str, sign: str) -> str:
        return _unquoted(re.sub(edge, sign, part.replace("-", minus)).replace(PLACE, symbol))

    least = next((LEAST_GROUPED[tag] for tag in (str(locale), locale.language) if tag in LEAST_GROUPED), 1)
    return MoneyForm(
        before=(shown(pattern.prefix[0], f"{PLACE}$", before), shown(pattern.prefix[1], f"{PLACE}$", before)),
        behind=(shown(pattern.suffix[0], f"^{PLACE}", behind), shown(pattern.suffix[1], f"^{PLACE}", behind)),
        decimal=symbols.get("currencyDecimal") or symbols["decimal"],
        group=symbols.get("currencyGroup") or symbols["group"],
        first_group=pattern.grouping[0],
        next_groups=pattern.grouping[1],
        grouped_from=pattern.grouping[0] + least,
        minor_digits=digits,
    )


def _unquoted(text: str) -> str:
    return re.sub(r"'([^']*)'", lambda found: found[1] or "'", text)


def _wants_space(edge: str) -> bool:
    # CLDR's currencySpacing: neither a symbol such as the euro sign, nor a space already.
    return unicodedata.category(edge)[0] not in "SZ"


@functools.cache
def _date_and_time(locale: babel.Locale) -> str:
    # {0} is the time, {1} the date; CLDR quotes literal words: "{1} 'um' {0}".
    return re.sub(r"'([^']*)'", r"\1", str(locale.datetime_formats["medium"]))
