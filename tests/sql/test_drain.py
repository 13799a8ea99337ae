"""The small forms of `make long-drain` and `make long-isolation`: that they run and measure, not what they measure."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Server
from tests.long import drain, isolation
from tests.long.frame import Report


def test_the_notifier_is_measured_beside_its_floors(database: str, tmp_path: Path) -> None:
    report = Report("long-drain")
    drain.rates(database, tmp_path, drain.Sizes(rounds=1, messages=1_000, jobs=0, history=0, open_s=0, pick_ups=0), report)
    assert {name for name, value in report.figures.items() if value > 0} >= {
        "bare claim and finish, messages/s",
        "channel that does nothing, messages/s",
        "bare HTTP client, messages/s",
        "push, messages/s",
    }


def test_claims_are_measured_beside_history_and_an_open_transaction(server: Server) -> None:
    urls = [server.clone() for _ in range(3)]
    report = Report("long-drain")
    sizes = drain.Sizes(rounds=0, messages=0, jobs=0, history=500, open_s=0.5, pick_ups=0)
    try:
        drain.claims(urls, sizes, report)
    finally:
        for url in urls:
            server.drop(url)
    assert report.figures["claim p99 with history, ms"] > 0
    assert report.figures["messages that ended meanwhile"] > 0


def test_trouble_of_some_providers_ends_with_every_message_accepted(database: str, tmp_path: Path) -> None:
    report = Report("long-isolation")
    isolation.measure(database, tmp_path, 1, 0.5, report, judged=False, slow_ms=500)
    assert report.holds, report.lines
