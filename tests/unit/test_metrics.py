"""What Prometheus is told, and logs as JSON: by what is really exported and really written."""

from __future__ import annotations

import dataclasses
import json
import logging
import urllib.request
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bankalerts import metrics, process
from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings
from engine import measures, outbox
from engine.match import Alert
from engine.outbox import Batch, Decision, Move, Refused, Topic
from engine.positions import Positions

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOPIC = Topic("bankalerts.event", "id")
CANARY = "Jan Jansen, NL91ABNA0417164300"
SETTINGS = Settings(Path(), "", "", "", "", "", "", "", name="engine-1")


def figure(name: str, **labels: str) -> float:
    """A figure of this process as a scrape has it; 0 where it was never counted."""
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_judged_records_are_counted_once_whichever_way_they_are_stored() -> None:
    before = figure("bankalerts_engine_events_total")
    positions = Positions()
    positions.take(0, 10)
    positions.take(1, 0)
    positions.judged({0: 15})  # they decided nothing
    positions.stored([Move(0, 10, 15)])  # stored a second later: the same ones
    positions.stored([Move(1, 0, 7)])  # they decided something
    positions.judged({1: 7})
    assert figure("bankalerts_engine_events_total") - before == 12


def test_a_batch_is_counted_as_it_was_written() -> None:
    names = ("bankalerts_engine_alerts_total", "bankalerts_engine_quarantined_total", "bankalerts_engine_write_seconds_count")
    before = [figure(name) for name in names]
    alert = Alert("1" * 32, date(2026, 11, 23), 42, "BALANCE_BELOW", 1, ("SMS",), b"{}")
    inserted = NOW - timedelta(seconds=2)
    decision = Decision(alert, "ACCOUNT_ENTRY", "e-1", "a-1", inserted, inserted, None, None, NOW)
    outbox._count(Batch([decision, decision], [Refused(TOPIC, 0, 1, None, None, "broken")]), 0.004)
    assert [figure(name) - was for name, was in zip(names, before, strict=True)] == [2, 1, 1]
    slow = (
        figure("bankalerts_engine_delay_seconds_bucket", le="1.0"),
        figure("bankalerts_engine_delay_seconds_bucket", le="2.5"),
    )
    assert slow[1] > slow[0], "two seconds lie between one and two and a half"


class FakeReader:
    """Stands for a consumer: what lies in it is asked at the scrape."""

    def lags(self) -> dict[int, int]:
        return {0: 5, 3: 0}


def test_lags_are_asked_for_at_the_scrape_and_gone_with_their_reader() -> None:
    reader = FakeReader()
    measures.LAGS.watch(reader)
    assert figure("bankalerts_engine_lag_events", partition="0") == 5
    assert figure("bankalerts_engine_lag_events", partition="3") == 0
    del reader
    assert metrics.REGISTRY.get_sample_value("bankalerts_engine_lag_events", {"partition": "0"}) is None


def test_a_scrape_is_answered_and_the_stack_is_told_where(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, metrics_listen="127.0.0.1:0", ready_file=tmp_path / "engine-1.ready")
    with metrics.served(settings) as port:
        assert metrics.targets(tmp_path) == {"engine-1": f"127.0.0.1:{port}"}
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert 'bankalerts_process{name="engine-1"} 1.0' in answer.read().decode()
        with (
            pytest.raises(BankalertsError, match="BANKALERTS_METRICS_LISTEN"),
            metrics.served(dataclasses.replace(settings, metrics_listen=f"127.0.0.1:{port}")),
        ):
            pass
    assert metrics.targets(tmp_path) == {}


@pytest.mark.parametrize("wrong", ["nine", "127.0.0.1:", "127.0.0.1:99999"])
def test_a_wrong_address_is_refused_by_name(wrong: str) -> None:
    with (
        pytest.raises(BankalertsError, match="BANKALERTS_METRICS_LISTEN"),
        metrics.served(dataclasses.replace(SETTINGS, metrics_listen=wrong)),
    ):
        pass


def test_a_record_is_one_json_object_without_the_exceptions_text() -> None:
    formatter = process.formatter_of("engine-1", "json")
    try:
        int(CANARY)
    except ValueError as error:
        found = (type(error), error, error.__traceback__)
        record = logging.LogRecord("engine.loop", logging.ERROR, __file__, 1, "two\nlines of %d", (7,), found)
    text = formatter.format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert (line["process"], line["level"], line["logger"], line["message"]) == (
        "engine-1",
        "ERROR",
        "engine.loop",
        "two\nlines of 7",
    )
    assert "ValueError" in line["trace"]
    assert CANARY not in text
    assert datetime.fromisoformat(line["time"]).tzinfo is not None


def test_a_form_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(BankalertsError, match="BANKALERTS_LOG"):
        process.formatter_of("engine-1", "xml")
