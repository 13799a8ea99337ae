"""What customers would read: an example of an alert type on each channel and in each locale. Nothing is stored or sent."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from bankalerts.database import Connection, connected
from bankalerts.errors import BankalertsError
from bankalerts.report.alert_types import began_at, defaults
from bankalerts.report.examples import LOCALES, Example, message, read_examples, read_templates
from notifier import sms_text
from notifier.address_book import Template
from notifier.channels import Channel, discover
from notifier.mail import as_html
from notifier.message import Text
from notifier.render import RenderError, choose
from notifier.templates import INSTEAD
from notifier.writing import FALLBACK_LOCALE
from sql import queries

_sql = queries("alert_types", "psycopg")

Templates = Mapping[tuple[str, str], Template]
LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
DRAFT = 0  # its version


@dataclass(frozen=True)
class Draft:
    """A template that is not in the bank."""

    subject: str | None
    body: str


@dataclass(frozen=True)
class Asked:
    """What is asked: None for every channel, for LOCALES, for the first example that alerts, for the templates of the bank."""

    alert_type: str
    channel: str | None = None
    locale: str | None = None
    example_no: int | None = None
    draft: Draft | None = None
    shows_balance: bool = False
    html: bool = False


@dataclass(frozen=True)
class Told:
    """An example, its parameters with the defaults, and what evidence has of the event that it alerts at."""

    example: Example
    row: Mapping[str, Any]
    parameters: Mapping[str, Any]
    shown: Mapping[str, Any]
    minor_digits: Mapping[str, int]


def draft(file: Path | None, subject: str | None, body: str | None) -> Draft | None:
    """The draft that the options give. Raises BankalertsError."""
    if file is None:
        if subject is not None and body is None:
            raise BankalertsError("--subject alone is no draft: give --body too")
        return None if body is None else Draft(subject, body)
    if subject is not None or body is not None:
        raise BankalertsError("a draft is either in --file or in --subject and --body: leave one out")
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BankalertsError(f"{file} cannot be read ({error}): write body = '...' and subject = '...' as TOML") from error
    texts = {name: given.pop(name, None) for name in ("subject", "body")}
    if given or not isinstance(texts["body"], str) or not isinstance(texts["subject"], str | None):
        raise BankalertsError(f"{file} is no draft: it holds body and may hold subject, both texts, and nothing else")
    return Draft(texts["subject"], texts["body"])


def run(database_url: str, asked: Asked, *, as_json: bool = False) -> bool:
    """The command `bankalerts preview`; returns whether all could be shown. Raises BankalertsError for what there is not."""
    channels, locales = _channels(asked.channel), _locales(asked.locale)
    with connected(database_url, "preview") as connection:
        told = _told(connection, asked)
        templates = read_templates(connection)
        if asked.draft is not None:
            _check(connection, asked.alert_type, asked.draft)
    found = [
        row
        for name, channel in channels.items()
        for row in _messages(name, channel, locales, _of(templates, name, asked), told, asked)
    ]
    if as_json:
        example = {"alert_type": asked.alert_type, "example_no": told.example.example_no, "says": told.example.says}
        sys.stdout.write(json.dumps({**example, "messages": found}) + "\n")
    elif asked.html:
        sys.stdout.write("".join(row["html"] for row in found if row.get("html")))
    else:
        show(told, found, Console())
    return all(row["fault"] is None for row in found)


def show(told: Told, found: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print them as a customer reads them; which template each is from comes before it."""

    def say(text: str, style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    given = f", with {json.dumps(told.parameters)}" if told.parameters else ""
    say(f"{told.example.alert_type}, example {told.example.example_no}{given}: {told.example.says}")
    for row in found:
        segments = f", {row['segments']} x {row['alphabet']}" if row["segments"] else ""
        say(f"\n{row['channel']} {row['locale']} ({row['template'] or 'no template'}{segments})", "bold")
        if row["fault"]:
            say(f"cannot be shown: {row['fault']}", "red")
            continue
        if row["subject"] is not None:
            say(row["subject"], "underline")
        say(row["body"])


def _messages(
    name: str, channel: type[Channel], locales: Sequence[str], templates: Templates, told: Told, asked: Asked
) -> Iterator[dict[str, Any]]:
    hides = getattr(channel, "balance_is_private", False) and not asked.shows_balance
    alert = told.example.alerts[0]
    began = began_at(told.row, told.parameters)
    for locale in locales:
        row: dict[str, Any] = {"channel": name, "locale": locale, **dict.fromkeys(("template", "subject", "body", "segments"))}
        row |= {"alphabet": None, "fault": None}
        try:
            row["template"] = _named(choose(templates, asked.alert_type, locale))
            given = (told.example, alert, told.parameters, templates, locale, told.shown, began, hides, told.minor_digits)
            text = message(*given, plain_spaces=getattr(channel, "plain_spaces", False))
            row |= {"subject": text.subject, "body": text.body, **_of_channel(name, channel, text, locale, asked)}
        except (RenderError, sms_text.TooLongError) as error:
            row["fault"] = str(error)
        yield row


def _of_channel(name: str, channel: type[Channel], text: Text, locale: str, asked: Asked) -> dict[str, Any]:
    if name == "SMS":
        encoded = sms_text.encode(text.body)
        return {"subject": None, "segments": len(encoded.parts), "alphabet": encoded.alphabet.name}
    if name == "EMAIL" and asked.html:
        return {"html": as_html(text.subject, text.body, locale)}
    return {} if getattr(channel, "has_subject", True) else {"subject": None}


def _of(templates: Mapping[str, Templates], channel: str, asked: Asked) -> Templates:
    """The channel's templates of the type, as the notifier takes them; a draft in their place."""
    own = {key: template for key, template in templates.get(channel, {}).items() if key[0] == asked.alert_type}
    if not own and channel in INSTEAD:
        return _of(templates, INSTEAD[channel], asked)
    if asked.draft is None:
        return own
    like = next(iter(own.values()), Template(asked.alert_type, FALLBACK_LOCALE, DRAFT, None, ""))
    text = replace(like, locale=FALLBACK_LOCALE, version=DRAFT, subject=asked.draft.subject, body=asked.draft.body)
    return {(asked.alert_type, FALLBACK_LOCALE): text}


def _told(connection: Connection, asked: Asked) -> Told:
    rows = {row["alert_type"]: row for (row,) in _sql.list_alert_types(connection)}
    if asked.alert_type not in rows:
        raise BankalertsError(f"there is no alert type {asked.alert_type}; `bankalerts types` lists those that there are")
    of_type = [example for example in read_examples(connection) if example.alert_type == asked.alert_type and example.alerts]
    found = [example for example in of_type if asked.example_no in (None, example.example_no)]
    if not found:
        numbers = ", ".join(str(example.example_no) for example in of_type) or "none: insert one into bank.alert_type_example"
        raise BankalertsError(f"{asked.alert_type} has no such example with an alert; it has {numbers}")
    row, example = rows[asked.alert_type], found[0]
    columns = example.events[example.alerts[0].index].columns
    names = (name.removeprefix("event.") for name in _sql.read_names(connection, alert_type=asked.alert_type))
    shown = {name: columns.get(name) for name in names if "." not in name}
    parameters = {**defaults(row), **(example.parameters or {})}
    return Told(example, row, parameters, {**shown, **columns}, dict(_sql.list_minor_digits(connection)))


def _check(connection: Connection, alert_type: str, given: Draft) -> None:
    for what, text in (("subject", given.subject), ("body", given.body)):
        fault = None if text is None else _sql.read_fault(connection, alert_type=alert_type, text=text)
        if fault is not None:
            raise BankalertsError(f"the draft's {what} is refused: {fault}")


def _channels(channel: str | None) -> dict[str, type[Channel]]:
    known = discover()
    if channel is None:
        return known
    if channel not in known:
        raise BankalertsError(f"there is no channel {channel}; there are {', '.join(known)}")
    return {channel: known[channel]}


def _locales(locale: str | None) -> Sequence[str]:
    if locale is None:
        return LOCALES
    if not LOCALE.fullmatch(locale):
        raise BankalertsError(f"{locale} is no locale: write it as nl-NL")
    return [locale]


def _named(template: Template) -> str:
    return "draft" if template.version == DRAFT else f"{template.locale}, version {template.version}"
