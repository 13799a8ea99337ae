"""A broken template is refused when it is written; whatever is accepted, the notifier renders."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from engine import history
from notifier.address_book import Template
from notifier.message import Recipient
from notifier.render import RenderError, render
from tests.claimed import claimed

Connection = psycopg.Connection[Any]

# One of each kind that a template may read, and a window.
TYPE = """
select bank.put_alert_type(
    alert_type => 'EVERYTHING', event_kind => 'CARD_AUTHORISATION', title => 't', category => 'c', statuses => '{}',
    parameters => '{"limit_minor": {"type": "integer"}, "word": {"type": "text"}, "flag": {"type": "boolean"},
                    "values": {"type": "integer"}}',
    condition => 'history.value > 1 and event.merchant_id <> ''event.card_token'' and event.amount_minor < :limit_minor',
    window_aggregate => 'COUNT', window_length => '86400')
"""
BROKEN = {
    "an unknown column": "{{ event.colour }}",
    "a column that is not shown": "{{ event.card_token }}",
    "a column that only a constant names": "{{ event.entry_id }}",
    "what the bank keeps to itself": "{{ event.description }}",
    "an unknown parameter": "{{ parameters.threshold }}",
    "a parameter that is a method": "{{ parameters.values }}",
    "an attribute of a value": "{{ event.id.upper }}",
    "an object": "{{ event }}",
    "a name of no object": "{{ amount }}",
    "what jinja2 has": "{{ self }}",
    "a way out": "{{ ''.__class__.__mro__ }}",
    "a private name": "{{ event.__class__ }}",
    "a call": "{{ event.id() }}",
    "a subscript": "{{ event['id'] }}",
    "a list": "{{ [1, 2] }}",
    "a filter that is not": "{{ event.id | title }}",
    "a filter without its currency": "{{ event.amount_minor | money }}",
    "money of a text": "{{ event.id | money(event.currency) }}",
    "money in no currency": "{{ event.amount_minor | money(event.id) }}",
    "money in an unknown currency": "{{ event.amount_minor | money('EURO') }}",
    "the time of an amount": "{{ event.amount_minor | when }}",
    "the length of a text": "{{ parameters.word | duration }}",
    "the amount of a text": "{{ parameters.word | abs }}",
    "a sum of text and number": "{{ parameters.word + 1 }}",
    "a product": "{{ event.amount_minor * 2 }}",
    "a power": "{{ 9 ** 9 }}",
    "a fraction": "{{ 1.5 }}",
    "a remainder": "{{ event.amount_minor % 2 }}",
    "nothing": "{{ }}",
    "two values": "{{ event.id event.id }}",
    "half a comparison": "{% if event.amount_minor < %}a{% endif %}",
    "text against number": "{% if event.id < 1 %}a{% endif %}",
    "a tag that does not end": "{{ event.id",
    "an end without a tag's": "{{ event.id }",
    "a tag in a tag": "{{ {{ event.id }} }}",
    "a third brace": "{{{ event.id }}}",
    "a comment": "a {# b #}",
    "a loop": "{% for a in event %}b{% endfor %}",
    "an assignment": "{% set a = 1 %}",
    "an include": "{% include 'a' %}",
    "an import": "{% import 'os' as os %}",
    "raw": "{% raw %}{{ {% endraw %}",
    "a macro": "{% macro a() %}b{% endmacro %}",
    "an if without an end": "{% if event.id %}a",
    "an end without an if": "a{% endif %}",
    "an else without an if": "{% else %}",
    "two elses": "{% if event.id %}a{% else %}b{% else %}c{% endif %}",
    "an elif behind an else": "{% if event.id %}a{% else %}b{% elif event.id %}c{% endif %}",
    "an if of nothing": "{% if %}a{% endif %}",
    "too many ifs in each other": "{% if event.id %}" * 21 + "{% endif %}" * 21,
    "a control character": "a\x01b",
    "an escape in a constant": r"{{ 'a\n' }}",
    "an if that lacks its else": "{{ 'a' if event.card_present }}",
}
FINE = (
    "Plain text with } and %} and { alone, and 100 %.",
    "{{ event.amount_minor | abs | money(event.currency) }} {{event.amount_minor|money('EUR')}}",
    "{{ event.time | when }} {{ event.date }} {{ event.id }} {{ customer.full_name | upper }}",
    "{{ history.since | duration }} {{ history.value + 1 - history.previous }} {{ -history.last }}",
    (
        "{% if event.country is not none and not event.card_present %}a{{ event.country | country }}"
        "{% elif 1 < 2 %}b{% else %}c{% endif %}"
    ),
    "{{ 'abroad' if event.country == 'DE' or event.amount_minor < -5 else \"here\" }}",
    "{{ event.id ~ ': ' ~ parameters.limit_minor }}",
    "{{ (parameters.limit_minor + 5) | abs | money(account.currency) }} {{ event.decline_reason | default('none') | reason }}",
    "{% if parameters.flag %}{% if event.merchant_id %}{{ event.merchant_category | merchant_category }}{% endif %}{% endif %}",
)

MESSAGE = claimed(
    datetime(2026, 3, 1, tzinfo=UTC),
    event_time=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    alert_type="EVERYTHING",
    evidence={
        "event": {
            "amount_minor": -5000,
            "currency": "EUR",
            "merchant_category": "5411",
            "merchant_id": "m-1",
            "country": "DE",
            "card_present": True,
            "decline_reason": "WRONG_PIN",
        },
        "parameters": {"limit_minor": 100, "word": "w", "flag": False, "values": 1},
        "history": {"value": 3, "previous": 2, "last": 5, "since": 60},
    },
)
CUSTOMER = Recipient(True, "Ada", "en-GB", "Europe/Amsterdam", "a-1", "NL91ABNA0417164300", "Current", "EUR", True, True, ())


@pytest.fixture
def typed(connection: Connection) -> Connection:
    connection.execute(TYPE)
    return connection


def faults(connection: Connection, texts: list[str]) -> list[str | None]:
    """What the database says of each."""
    rows = connection.execute(
        "select bank.template_fault('EVERYTHING', t) from unnest(%s::text[]) with ordinality u (t, n) order by n", [texts]
    )
    return [fault for (fault,) in rows]


def renders(text: str) -> str | None:
    """None where the notifier renders it, else its fault."""
    try:
        render(Template("EVERYTHING", "en", 1, None, text), MESSAGE, CUSTOMER, {"EUR": 2, "JPY": 0})
    except RenderError as error:
        return str(error)
    return None


def write(connection: Connection, subject: str | None, body: str) -> None:
    connection.execute(
        "insert into bank.message_template (alert_type, channel, locale, version, subject, body)"
        " values ('EVERYTHING', 'EMAIL', 'en', 1, %s, %s)",
        [subject, body],
    )


def test_a_broken_template_is_refused_when_it_is_written(typed: Connection) -> None:
    assert len(BROKEN) >= 40
    for what, text in BROKEN.items():
        for column, subject, body in (("subject", text, "b"), ("body", None, text)):
            if len(subject or "") > 200:
                continue
            with pytest.raises(psycopg.Error) as refused, typed.transaction():
                write(typed, subject, body)
            assert refused.value.sqlstate == "BA001", what
            assert str(refused.value.diag.message_primary).startswith(f"bank.message_template.{column} is refused: "), what
            assert "bankalerts preview" in str(refused.value.diag.message_hint), what


def test_a_refusal_says_what_may_be_read(typed: Connection) -> None:
    (fault,) = faults(typed, ["{{ event.colour }}"])
    said, _, names = str(fault).partition(" reads ")
    assert said == "event.colour: there is no event.colour: a template of this type"
    assert names.split(", ") == [
        *(f"account.{name}" for name in ("account_id", "currency", "iban", "name", "product")),
        "customer.full_name",
        *(f"event.{name}" for name in ("amount_minor", "card_present", "country", "currency", "date", "decline_reason", "id")),
        *(f"event.{name}" for name in ("merchant_category", "merchant_id", "time")),
        *(f"history.{name}" for name in ("last", "previous", "since", "value")),
        *(f"parameters.{name}" for name in ("flag", "limit_minor", "word")),
    ]


def test_what_may_be_read_is_what_the_engine_shows(connection: Connection) -> None:
    """A column that a template may read and the evidence lacks would fail each message of the type."""
    (version,) = connection.execute("select catalogue_version from bank.catalogue").fetchone() or (0,)
    catalogue = history.catalogue(connection, version)
    assert catalogue is not None
    compiled = [alert_type for types in catalogue.by_kind.values() for alert_type in types.values()]
    assert len(compiled) > 20
    for alert_type in compiled:
        (names,) = connection.execute(
            "select array(select jsonb_object_keys(bank.template_names(t))) from bank.alert_type t where alert_type = %s",
            [alert_type.alert_type],
        ).fetchone() or ([],)
        events = {name.removeprefix("event.") for name in names if name.startswith("event.")}
        balance = {"balance_after_minor"}  # shown once a template has it: that makes the type one that uses the balance
        assert events - {"id", "date", "time"} - balance == set(alert_type.shown) - balance, alert_type.alert_type


def test_what_a_template_may_say_is_accepted_and_rendered(typed: Connection) -> None:
    for text in FINE:
        assert faults(typed, [text]) == [None], text
        assert renders(text) is None, text
        write(typed, None, text)
        typed.execute("delete from bank.message_template where alert_type = 'EVERYTHING'")


def some_texts(chance: random.Random, most: int) -> Iterator[str]:
    """Texts of the words and signs of templates: half grown from pieces that fit, half thrown together."""
    words = [
        *(
            "event.amount_minor",
            "event.currency",
            "event.id",
            "event.time",
            "event.card_present",
            "event.country",
            "event.date",
        ),
        *(
            "history.value",
            "parameters.word",
            "parameters.limit_minor",
            "account.name",
            "customer.full_name",
            "'EUR'",
            "'a'",
            "7",
        ),
        *(
            "|abs",
            "|money(event.currency)",
            "|money('EUR')",
            "|when",
            "|duration",
            "|country",
            "|upper",
            "|default('a')",
            "|reason",
        ),
        *("+", "-", "~", "<", "==", "!=", "and", "or", "not", "is none", "is not none", "if", "else", "(", ")", "|trim", "-1"),
    ]
    tags = [
        "{{",
        "}}",
        "{%",
        "%}",
        "{% else %}",
        "{% endif %}",
        "{{-",
        "-}}",
        "{%- endif -%}",
        "{% elif 1 %}",
        "text",
        "{",
        "}",
    ]
    for _ in range(most):
        inner = " ".join(chance.choices(words, k=chance.randrange(1, 7)))
        if chance.random() < 0.7:
            outer = chance.choice(
                ("{{{{ {} }}}}", "a{{% if {} %}}b{{% endif %}}c", "{{{{-{}-}}}}", "{{%if {}%}}x{{%else%}}y{{%endif%}}")
            )
            yield outer.format(inner)
        else:
            yield " ".join(chance.choices([*tags, inner, "{% if 1 %}"], k=chance.randrange(1, 8)))


def test_whatever_is_accepted_renders(typed: Connection) -> None:
    texts = list(some_texts(random.Random(17), 4_000))
    accepted = [text for text, fault in zip(texts, faults(typed, texts), strict=True) if fault is None]
    assert 200 < len(accepted) < 3_500
    wrong = [(text, fault) for text in accepted if (fault := renders(text)) is not None]
    assert not wrong, f"{len(wrong)} are accepted and do not render: {wrong[:5]}"


def test_a_version_is_never_changed(typed: Connection) -> None:
    write(typed, None, "first")
    with pytest.raises(psycopg.Error, match="a version is never changed") as refused, typed.transaction():
        typed.execute("update bank.message_template set body = 'second' where alert_type = 'EVERYTHING'")
    assert refused.value.sqlstate == "BA002"
    typed.execute("delete from bank.message_template where alert_type = 'EVERYTHING'")
