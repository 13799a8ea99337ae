"""Templates: what they may say, what they may not, and that no template can do more than fail."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime

import pytest

from notifier.address_book import Template
from notifier.message import Recipient, Text
from notifier.render import RenderError, choose, render
from tests.claimed import claimed

MESSAGE = claimed(
    datetime(2026, 3, 1, tzinfo=UTC),
    event_time=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    alert_type="DEBITED_ABOVE",
    evidence={
        "event": {
            "amount_minor": -5000,
            "currency": "EUR",
            "country": "DE",
            "merchant_category": "5411",
            "decline_reason": "WRONG_PIN",
        },
        "parameters": {"threshold_minor": 100},
        "history": {"value": -9000, "previous": -4000, "last": None, "since": 20_000_000},
    },
)
NAME = "Ada {{ 7 * 7 }} <b>"
RECIPIENT = Recipient(True, NAME, "en-GB", "Europe/Amsterdam", "a-1", "NL91ABNA0417164300", "Current", "EUR", True, True, ())


def rendered(body: str, subject: str | None = None) -> Text:
    return render(Template("DEBITED_ABOVE", "en", 3, subject, body), MESSAGE, RECIPIENT, {"EUR": 2})


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{{ event.amount_minor | abs | money(event.currency) }}", "€50.00"),
        ("{{ event.time | when }} {{ event.date }} {{ event.id }}", "1 Mar 2026, 13:30 2026-03-01 e-1"),
        ("{{ account.name }}/{{ account.iban }}/{{ account.account_id }}/{{ account.product }}",
         "NL91ABNA0417164300/NL91ABNA0417164300/a-1/Current"),
        ("Dear {{ customer.full_name }}", f"Dear {NAME}"),
        ("{{ history.value | abs | money(account.currency) }}{% if history.last is none %}!{% endif %}", "€90.00!"),
        ("{{ history.since | duration }}", "8 months"),
        ("{{ event.country | country }}: {{ event.merchant_category | merchant_category }}", "Germany: supermarkets"),
        ("{{ event.decline_reason | reason }}", "the PIN was not correct"),
        ("{{ event.entry_type | default('none') | upper }}", "NONE"),
        ("{% if event.amount_minor < -parameters.threshold_minor %}much{% else %}little{% endif %}", "much"),
        ("{{ 'x' if event.amount_minor is defined and not event.amount_minor > 0 else 'y' }}", "x"),
        ("{{ (event.amount_minor + parameters.threshold_minor - 1) ~ '!' }}", "-4901!"),
        ("trailing newline\n", "trailing newline\n"),
    ],
)  # fmt: skip
def test_what_a_template_may_say(body: str, text: str) -> None:
    assert rendered(body).body == text


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("{{ event.nothing }}", "'dict object' has no attribute 'nothing'"),
        ("{{ who }}", "line 1: there is no who; use account, customer, event, history, parameters"),
        ("{{ writer.money(1, 'EUR') }}", "line 1: call is not allowed in a template"),
        ("{{ writer }}", "line 1: there is no writer; use account, customer, event, history, parameters"),
        ("a\n{% for x in event %}{% endfor %}", "line 2: for is not allowed in a template"),
        ("{% set x = 1 %}", "line 1: assign is not allowed in a template"),
        ("{{ 'x' * 1000000000 }}", "line 1: mul is not allowed in a template"),
        ("{{ 2 ** 99999999 }}", "line 1: pow is not allowed in a template"),
        ("{{ '%999999999d' % 1 }}", "line 1: mod is not allowed in a template"),
        ("{{ range(10) }}", "line 1: call is not allowed in a template"),
        ("{{ 'x' | center(1000000000) }}", "No filter named 'center'."),
        ("{{ event.__class__ }}", "access to attribute '__class__' of 'dict' object is unsafe."),
        ("{% include 'x' %}", "line 1: include is not allowed in a template"),
        ("{% macro m() %}{% endmacro %}", "line 1: macro is not allowed in a template"),
        ("{{ event.amount_minor", "unexpected end of template, expected 'end of print statement'."),
        ("{{ customer.full_name | money('EUR') }}", "TypeError"),
        ("{{ event.amount_minor | money('XXX') }}", "KeyError"),
        ("{{ customer.full_name + 1 }}", "TypeError"),
        ("(" * 3000, None),
        ("{{ " + "(" * 3000, "RecursionError"),
    ],
)  # fmt: skip
def test_what_a_template_may_not_do(body: str, fault: str | None) -> None:
    if fault is None:
        assert rendered(body).body == body
        return
    with pytest.raises(RenderError) as raised:
        rendered(body)
    assert str(raised.value) == f"template DEBITED_ABOVE en version 3: {fault}"


def test_an_alert_without_an_account_and_without_history() -> None:
    message = dataclasses.replace(MESSAGE, account_id=None, evidence={"event": {"activity_type": "X"}, "parameters": {}})
    recipient = Recipient(True, NAME, "nl-NL", "Europe/Amsterdam", None, None, None, None, True, True, ())
    template = Template("T", "nl", 1, None, "{{ event.activity_type }} {{ account.name is none }}")
    assert render(template, message, recipient, {}).body == "X True"
    with pytest.raises(RenderError, match="has no attribute 'value'"):
        render(Template("T", "nl", 1, None, "{{ history.value }}"), message, recipient, {})


def test_a_reason_holds_no_value_of_the_customer() -> None:
    for body in ("{{ customer.full_name.missing }}", "{{ customer.full_name | abs }}", "{{ customer.full_name < 1 }}"):
        with pytest.raises(RenderError) as raised:
            rendered(body)
        assert "Ada" not in str(raised.value)


def test_a_text_is_bounded() -> None:
    with pytest.raises(RenderError, match="it makes 300001 characters, at most 10000 fit"):
        rendered("x" * 300_001)
    with pytest.raises(RenderError, match="at most 300 fit"):
        rendered("body", subject="x" * 301)


def test_the_longest_template_renders_in_no_time() -> None:
    busiest = "{{ customer.full_name | upper | lower | upper }}" * 83  # 4,000 characters, the most a template may have
    began = time.process_time()
    assert len(rendered(busiest).body) == len(NAME) * 83
    assert time.process_time() - began < 1.0


def test_a_subject_may_be_missing() -> None:
    assert rendered("body") == Text(None, "body")
    assert rendered("body", "subject of {{ account.name }}") == Text("subject of NL91ABNA0417164300", "body")


def test_the_template_of_the_locale_its_language_or_english() -> None:
    templates = {("T", locale): Template("T", locale, 1, None, locale) for locale in ("en", "nl", "nl-BE")}
    assert [choose(templates, "T", locale).locale for locale in ("nl-BE", "nl-NL", "fr-FR", "en-GB")] == [
        "nl-BE",
        "nl",
        "en",
        "en",
    ]
    with pytest.raises(RenderError, match="there is no template of U for nl-NL or en"):
        choose(templates, "U", "nl-NL")


def test_a_hidden_balance_is_nowhere_in_the_text() -> None:
    body = (
        "{{ event.balance_after_minor | money(event.currency) }}, {{ event.balance_after_minor }},"
        " {{ event.balance_after_minor | abs | money(event.currency) }}, {{ (event.balance_after_minor - 5) | money('EUR') }},"
        " {{ 'x' ~ event.balance_after_minor }}{% if event.balance_after_minor < 0 %} overdrawn{% endif %},"
        " {{ event.amount_minor | money(event.currency) }},"
        " {{ history.value | abs | money(event.currency) }}, {{ history.last }}"
    )
    evidence = {**MESSAGE.evidence, "event": {**MESSAGE.evidence["event"], "balance_after_minor": -123456}}
    message = dataclasses.replace(MESSAGE, evidence=evidence)
    template = Template("DEBITED_ABOVE", "en", 3, None, body)
    shown = render(template, message, RECIPIENT, {"EUR": 2}).body
    assert shown.startswith("-€1,234.56, -123456, €1,234.56, -€1,234.61, x-123456 overdrawn, -€50.00, €90.00")
    hidden = render(template, message, RECIPIENT, {"EUR": 2}, hides_balance=True).body
    assert hidden == "***, ***, ***, ***, x***, -€50.00, €90.00, None"

    of_balances = dataclasses.replace(template, history_is_balance=True)
    hidden = render(of_balances, message, RECIPIENT, {"EUR": 2}, hides_balance=True).body
    assert hidden == "***, ***, ***, ***, x***, -€50.00, ***, None"


@pytest.mark.parametrize(
    ("locale", "chosen"),
    [
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-TW", "zh"),
        ("zh", "zh"),
        ("nl-BE", "nl-BE"),
        ("nl-NL", "nl"),
        ("fr-FR", "en"),
        ("en-GB", "en"),
    ],
)
def test_a_template_is_of_the_nearest_wider_locale(locale: str, chosen: str) -> None:
    there = ("zh-Hant", "zh", "nl-BE", "nl", "en")
    templates = {("DEBITED_ABOVE", tag): Template("DEBITED_ABOVE", tag, 1, None, "a") for tag in there}
    assert choose(templates, "DEBITED_ABOVE", locale).locale == chosen


def test_plain_spaces_are_of_the_template_and_of_amounts_and_not_of_what_others_wrote() -> None:
    name = "Ada\u00a0Lovelace"
    recipient = dataclasses.replace(RECIPIENT, locale="nl-NL", full_name=name)
    template = Template("T", "nl", 1, None, "{{ customer.full_name }}:\u202f{{ 'Nu\u00a0' ~ (-5 | money('EUR')) }}")
    assert render(template, MESSAGE, recipient, {"EUR": 2}, plain_spaces=True).body == f"{name}: Nu € -0,05"
    assert render(template, MESSAGE, recipient, {"EUR": 2}).body == f"{name}:\u202fNu\u00a0€\u00a0-0,05"
