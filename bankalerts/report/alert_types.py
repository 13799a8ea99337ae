"""The alert types that there are: a table, JSON, or the page docs/alert-types.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from bankalerts.database import connected
from bankalerts.report.examples import BEGAN_AT, LOCALES, TIME_ZONE, Example, message, read_examples, read_templates
from engine.schedule import compile_schedule, next_due
from notifier.address_book import Template
from notifier.writing import NO_BREAK_SPACE
from sql import queries

_sql = queries("alert_types", "psycopg")

AlertType = Mapping[str, Any]
HEADING = """# Alert types

`bankalerts types --markdown` writes this page from the database (`make alert-types`), and a test holds it to that. How to
add a type: [designing an alert type](designing-alert-types.md).
"""
KINDS = {
    "ACCOUNT_ENTRY": "account entry",
    "CARD_AUTHORISATION": "card authorisation",
    "PAYMENT_ORDER": "payment order",
    "CUSTOMER_ACTIVITY": "customer activity",
}
# the expressions of a type in the order of the page, with what each says
EXPRESSIONS = {
    "window_aggregate": "window",
    "window_condition": "which events count",
    "window_length": "window length, seconds",
    "timer_arm": "starts waiting when",
    "timer_cancel": "stops waiting when",
    "timer_key": "waits once for each",
    "timer_after": "waits, seconds",
    "timer_schedule": "schedule",
    "condition": "alerts when",
    "rearm_condition": "armed again when",
    "cool_down": "cool-down, seconds",
}


def run(database_url: str, *, as_json: bool = False, as_markdown: bool = False) -> None:
    """The command `bankalerts types`."""
    with connected(database_url, "types") as connection:
        types: list[AlertType] = [row for (row,) in _sql.list_alert_types(connection)]
        examples = read_examples(connection)
        templates = read_templates(connection)["SMS"]
    if as_json:
        sys.stdout.write(json.dumps({"alert_types": types}) + "\n")
    elif as_markdown:
        sys.stdout.write(page(types, examples, templates))
    else:
        show(types, Console())


def show(types: Sequence[AlertType], console: Console) -> None:
    """Print the types as a table."""
    if not types:
        console.print("no alert types: `bankalerts prepare` puts the product's own in place")
        return
    table = Table()
    table.add_column("alert type", no_wrap=True)
    table.add_column("title")
    table.add_column("parameters", no_wrap=True)
    for row in types:
        title = f"{row['title']} (mandatory)" if row["mandatory"] else row["title"]
        table.add_row(row["alert_type"], title, "\n".join(_short(row)))
    console.print(table)


def page(types: Sequence[AlertType], examples: Sequence[Example], templates: Mapping[tuple[str, str], Template]) -> str:
    """docs/alert-types.md."""
    lines = [HEADING, "| alert type | title | category | event | mandatory |", "|---|---|---|---|---|"]
    lines += [
        f"| [`{row['alert_type']}`](#{row['alert_type'].lower()}) | {row['title']} | {row['category']} | {_kind(row)}"
        f" | {'yes' if row['mandatory'] else ''} |"
        for row in types
    ]
    for row in types:
        of_type = [example for example in examples if example.alert_type == row["alert_type"]]
        lines += ["", *_section(row, of_type, templates)]
    return "\n".join(lines) + "\n"


def defaults(row: AlertType) -> dict[str, Any]:
    """The parameters that a preference may leave out, with their values."""
    return {name: rule["default"] for name, rule in row["parameters"].items() if "default" in rule}


def _section(row: AlertType, examples: Sequence[Example], templates: Mapping[tuple[str, str], Template]) -> Iterator[str]:
    yield f"## {row['alert_type']}"
    yield ""
    yield f"{row['title']}: {_kind(row)}{_statuses(row)}, {row['category']}, {row['purpose'].lower()}."
    if row["mandatory"]:
        channels = ", ".join(row["default_channels"])
        yield f"Mandatory: every permitted customer gets it, on {channels} unless a preference names other channels."
    if row["uses_balance"]:
        yield "For customers with `may_see_balance` alone."
    yield ""
    for name, says in EXPRESSIONS.items():
        if row.get(name) is not None:
            yield f"- {says}: `{_expression(row, name)}`"
    for parameter in _parameters(row):
        yield f"- parameter {parameter}"
    for example in examples:
        yield ""
        yield from _told(row, example, templates)


def _told(row: AlertType, example: Example, templates: Mapping[tuple[str, str], Template]) -> Iterator[str]:
    given = "" if not example.parameters else f" `{json.dumps(example.parameters)}`:"
    yield f"Example:{given} {example.says}"
    for alert in example.alerts[:1]:
        event = example.events[alert.index]
        for locale in LOCALES:
            text = message(
                example, alert, {**defaults(row), **(example.parameters or {})}, templates, locale, _shown(event.columns)
            )
            yield f"> {text.body.replace(NO_BREAK_SPACE, ' ')}  "


def began_at(row: AlertType, parameters: Mapping[str, Any]) -> datetime:
    """When an example begins; one of a schedule begins at a time that is due."""
    if row["timer_schedule"] is None:
        return BEGAN_AT
    kinds = {name: rule["type"] for name, rule in row["parameters"].items()}
    return next_due(compile_schedule(row["timer_schedule"], kinds), parameters, TIME_ZONE, BEGAN_AT) or BEGAN_AT


def _shown(columns: Mapping[str, Any]) -> dict[str, Any]:
    # an example names the columns that matter; the others are NULL, as they are in the evidence
    return {**dict.fromkeys(("country", "original_currency", "decline_reason", "disclosable_reason")), **columns}


def _kind(row: AlertType) -> str:
    return KINDS[row["event_kind"]]


def _statuses(row: AlertType) -> str:
    return f" {' or '.join(row['statuses'])}" if row["statuses"] else ""


def _expression(row: AlertType, name: str) -> str:
    if name == "window_aggregate":
        value = f" of {row['window_value']}" if row["window_value"] else ""
        group = f", by {' and '.join(row['window_group'])}" if row["window_group"] else ""
        return f"{row[name].lower()}{value}{group}"
    return json.dumps(row[name]) if isinstance(row[name], dict) else str(row[name])


def _short(row: AlertType) -> list[str]:
    """The parameters' names, with the value where one may be left out."""
    given = defaults(row)
    return [f"{name}={json.dumps(given[name])}" if name in given else name for name in row["parameters"]]


def _parameters(row: AlertType) -> list[str]:
    return [f"`{name}`: {_rule(rule)}" for name, rule in row["parameters"].items()]


def _rule(rule: Mapping[str, Any]) -> str:
    bounds = [f"{word} {rule[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in rule]
    default = [f"{json.dumps(rule['default'])} unless given"] if "default" in rule else []
    return ", ".join([" ".join([rule["type"], *bounds]), *default])
