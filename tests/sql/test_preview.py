"""`bankalerts preview`: what customers would read, of what is in the bank and of drafts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bankalerts.errors import BankalertsError
from bankalerts.report.preview import Asked, Draft, draft, run
from notifier.channels import discover

Connection = psycopg.Connection[Any]
Capture = pytest.CaptureFixture[str]
SPACE = "\u00a0"
DUTCH_SMS = Path(__file__).parents[1] / "data" / "sms_nl.json"


def shown(database: str, capsys: Capture, asked: Asked) -> list[dict[str, Any]]:
    """The messages of `--json`."""
    run(database, asked, as_json=True)
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["messages"]
    return found


def test_a_type_is_shown_on_every_channel(database: str, capsys: Capture) -> None:
    with psycopg.connect(database) as connection:
        types = [name for (name,) in connection.execute("select alert_type from bank.alert_type")]
    assert len(types) > 20
    for alert_type in types[::3]:
        found = shown(database, capsys, Asked(alert_type))
        assert [row["fault"] for row in found] == [None] * len(found), alert_type
        assert {(row["channel"], row["locale"]) for row in found} == {
            (channel, locale) for channel in discover() for locale in ("en-GB", "nl-NL")
        }


def test_a_locale_takes_the_nearest_template_and_its_own_money(database: str, capsys: Capture) -> None:
    (german,) = shown(database, capsys, Asked("BALANCE_BELOW", "SMS", "de-AT", shows_balance=True))
    (dutch,) = shown(database, capsys, Asked("BALANCE_BELOW", "SMS", "nl-BE", shows_balance=True))
    assert (german["template"], dutch["template"]) == ("en, version 1", "nl, version 1")
    assert "€ 90,00" in german["body"]
    assert "saldo € 90,00" in dutch["body"]
    for row in (german, dutch):
        assert (row["subject"], row["segments"], row["alphabet"]) == (None, 1, "GSM")
    (push,) = shown(database, capsys, Asked("BALANCE_BELOW", "PUSH", "nl-BE", shows_balance=True))
    assert f"€{SPACE}90,00" in push["body"]  # elsewhere an amount is not broken


def test_push_and_sms_show_no_balance_but_to_whom_chose_it(database: str, capsys: Capture) -> None:
    of = {row["channel"]: row["body"] for row in shown(database, capsys, Asked("BALANCE_BELOW", locale="en-GB"))}
    chosen = {
        row["channel"]: row["body"]
        for row in shown(database, capsys, Asked("BALANCE_BELOW", locale="en-GB", shows_balance=True))
    }
    assert {channel for channel in of if "***" in of[channel]} == {"PUSH", "SMS"}
    assert not any("***" in body for body in chosen.values())


def test_a_draft_is_shown_and_not_stored(database: str, capsys: Capture) -> None:
    text = Draft("{{ customer.full_name }}", "Now {{ event.balance_after_minor | money(event.currency) }} \u2713 <b>")
    found = shown(database, capsys, Asked("BALANCE_BELOW", locale="en-GB", draft=text, shows_balance=True, html=True))
    assert {row["template"] for row in found} == {"draft"}
    assert {row["subject"] for row in found if row["channel"] != "SMS"} == {"Anna de Vries"}
    by_channel = {row["channel"]: row for row in found}
    assert (by_channel["SMS"]["alphabet"], by_channel["SMS"]["segments"]) == ("UCS-2", 1)
    assert "\u2713 &lt;b&gt;" in by_channel["EMAIL"]["html"]
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from bank.message_template where version <> 1").fetchone() == (0,)


def test_what_cannot_be_shown_is_said(database: str, tmp_path: Path) -> None:
    refused = {
        "there is no alert type NONE": Asked("NONE"),
        "there is no channel FAX": Asked("BALANCE_BELOW", "FAX"),
        "nl_NL is no locale": Asked("BALANCE_BELOW", locale="nl_NL"),
        "has no such example with an alert": Asked("BALANCE_BELOW", example_no=99),
        "the draft's body is refused: event.colour: there is no": Asked(
            "BALANCE_BELOW", draft=Draft(None, "{{ event.colour }}")
        ),
    }
    for reason, asked in refused.items():
        with pytest.raises(BankalertsError, match=reason):
            run(database, asked)
    file = tmp_path / "draft.toml"
    for content in ("subject = 'a'", "body = 1", "body = 'a'\nlocale = 'nl'", "body = '"):
        file.write_text(content)
        with pytest.raises(BankalertsError, match=r"draft\.toml"):
            draft(file, None, None)
    file.write_text("subject = 'a'\nbody = 'b'")
    assert draft(file, None, None) == Draft("a", "b")


def test_it_reads_as_a_page_for_people(database: str, capsys: Capture) -> None:
    assert run(database, Asked("BALANCE_BELOW", "EMAIL", "en-GB"))
    assert "EMAIL en-GB (en, version 1)" in capsys.readouterr().out
    assert run(database, Asked("BALANCE_BELOW", "EMAIL", "en-GB", html=True))
    assert capsys.readouterr().out.startswith("<!DOCTYPE html>")


def test_dutch_sms_are_in_the_alphabet_of_sms(database: str, capsys: Capture) -> None:
    """Each type's Dutch SMS, as it is sent and paid for, against tests/data/sms_nl.json."""
    with psycopg.connect(database) as connection:
        types = [name for (name,) in connection.execute("select alert_type from bank.alert_type order by 1")]
    found = {}
    for alert_type in types:
        (row,) = shown(database, capsys, Asked(alert_type, "SMS", "nl-NL", shows_balance=True))
        found[alert_type] = [row["alphabet"], row["segments"], row["body"]]
    assert found == json.loads(DUTCH_SMS.read_text(encoding="utf-8"))
    assert {(alphabet, segments) for alphabet, segments, _ in found.values()} == {("GSM", 1)}
