"""Alerts, messages, quarantine and positions are written once, whatever happens to the connection (faults 1 to 3)."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, date, datetime
from functools import partial
from hashlib import sha256
from typing import Any

import psycopg
import pytest

from bankalerts.errors import BankalertsError
from engine import database as engine_database
from engine import outbox
from engine.catalogue import digest
from engine.database import Database
from engine.match import Alert
from engine.outbox import Batch, Decision, Move, PositionLost, Refused, Topic
from engine.positions import Positions, read_position
from tests.cutting_proxy import cutting_proxy

Connection = psycopg.Connection[tuple[Any, ...]]
TOPIC = Topic("bankalerts.event", "id-1")
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
MOVES = [Move(0, 0, 10), Move(3, 0, 5)]


def decision(number: int, channels: tuple[str, ...] = ("SMS", "PUSH")) -> Decision:
    alert = Alert(digest(str(number)), date(2026, 1, 1), 42, "BALANCE_BELOW", 1, channels, b'{"event": {}}')
    return Decision(alert, "ACCOUNT_ENTRY", f"e{number}", "a", NOW, NOW, NOW, None, NOW)


def refused(position: int, partition: int = 0) -> Refused:
    return Refused(TOPIC, partition, position, b"\x00key", b"\xff\x00not JSON", "it is no JSON")


@pytest.fixture
def engine(connection: Connection) -> Connection:
    connection.autocommit = True
    start(connection, TOPIC)
    return connection


def start(connection: Connection, topic: Topic) -> None:
    for partition in (0, 3):
        read_position(connection, "engine-1", topic, partition, 0)


def counts(connection: Connection) -> tuple[int, ...]:
    """Alerts, messages, messages due, quarantined."""
    found = connection.execute(
        "select (select count(*) from alerting.alert), (select count(*) from alerting.outbox),"
        " (select count(*) from alerting.outbox_due), (select count(*) from alerting.quarantine)"
    ).fetchone()
    assert found is not None
    return found


def positions(connection: Connection, topic: Topic = TOPIC) -> list[tuple[int, int]]:
    return connection.execute(
        "select partition, position from alerting.engine_position where topic = %s order by 1", [topic.name]
    ).fetchall()


def test_a_batch_goes_in_whole(engine: Connection) -> None:
    outbox.write(engine, "engine-1", TOPIC, MOVES, Batch([decision(1), decision(2, ("EMAIL",))], [refused(4)]))
    assert counts(engine) == (2, 3, 3, 1)
    assert positions(engine) == [(0, 10), (3, 5)]
    row = engine.execute(
        "select alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no, event_time,"
        " inserted_at, committed_at, on_kafka_at, decided_at, evidence from alerting.alert where event_id = 'e1'"
    ).fetchone()
    assert row is not None
    assert row[0].hex == digest("1")
    assert row[1:] == (
        *("ACCOUNT_ENTRY", "e1", date(2026, 1, 1), "a", 42, "BALANCE_BELOW", 1, NOW),
        *(NOW, NOW, None, NOW, {"event": {}}),
    )
    bytes_kept = engine.execute("select event_key, event_value, partition, position from alerting.quarantine").fetchone()
    assert bytes_kept == (b"\x00key", b"\xff\x00not JSON", 0, 4)


def test_a_message_has_the_same_id_whenever_it_is_made(engine: Connection) -> None:
    """The provider's idempotency key: from the alert's id and the channel."""
    outbox.write(engine, "engine-1", TOPIC, MOVES, Batch([decision(1)]))
    found = engine.execute("select channel, message_id, alert_id from alerting.outbox order by channel").fetchall()
    assert [channel for channel, _, _ in found] == ["PUSH", "SMS"]
    for channel, message_id, alert_id in found:
        assert message_id.bytes == sha256(alert_id.bytes + channel.encode()).digest()[:16]
    due = engine.execute("select channel, message_id, alert_id from alerting.outbox_due order by channel").fetchall()
    assert due == found


def test_what_is_there_already_is_not_written_again(engine: Connection) -> None:
    outbox.write(engine, "engine-1", TOPIC, MOVES, Batch([decision(1), decision(2)], [refused(4)]))
    again = [Move(0, 10, 20), Move(3, 5, 6)]
    outbox.write(engine, "engine-2", TOPIC, again, Batch([decision(2), decision(3), decision(1)], [refused(4)]))
    assert counts(engine) == (3, 6, 6, 1)
    assert positions(engine) == [(0, 20), (3, 6)]


def test_the_same_event_twice_in_a_batch(engine: Connection) -> None:
    outbox.write(engine, "engine-1", TOPIC, MOVES, Batch([decision(1), decision(1), decision(2)]))
    assert counts(engine) == (2, 4, 4, 0)
    outbox.write(engine, "engine-1", TOPIC, [Move(0, 10, 11)], Batch([decision(3)]))
    assert counts(engine) == (3, 6, 6, 0), "the staging table was not empty"


def test_whoever_lost_a_position_writes_nothing(engine: Connection) -> None:
    outbox.write(engine, "engine-2", TOPIC, [Move(0, 0, 1)], Batch())
    with pytest.raises(PositionLost, match="1 of 2 positions"):
        outbox.write(engine, "engine-1", TOPIC, MOVES, Batch([decision(1)], [refused(4)]))
    with pytest.raises(PositionLost):
        outbox.write(engine, "engine-1", TOPIC, [Move(0, 0, 0)], Batch([decision(1)]))
    recreated = Topic(TOPIC.name, "id-2")
    with pytest.raises(PositionLost):
        outbox.write(engine, "engine-1", recreated, [Move(3, 0, 1)], Batch([decision(1)]))
    assert counts(engine) == (0, 0, 0, 0)
    assert positions(engine) == [(0, 1), (3, 0)]
    outbox.write(engine, "engine-1", TOPIC, [Move(3, 0, 1)], Batch([decision(1)]))
    assert counts(engine)[0] == 1, "the connection is good for the next batch"


def test_a_batch_that_postgresql_refuses_leaves_nothing(engine: Connection) -> None:
    nul = Decision(decision(2).alert, "ACCOUNT_ENTRY", "\0", "a", NOW, NOW, None, None, NOW)
    with pytest.raises(psycopg.Error):
        outbox.write(engine, "engine-1", TOPIC, MOVES, Batch([decision(1), nul]))
    assert counts(engine) == (0, 0, 0, 0)
    assert positions(engine) == [(0, 0), (3, 0)]


def test_a_stalled_twin_that_wakes_in_the_middle_cannot_write(engine: Connection, database: str) -> None:
    """Both began with the same positions: the one whose update waits for the other's finds them moved."""
    batch = Batch([decision(1)])
    with psycopg.connect(database, autocommit=True) as twin:
        engine.execute("begin")
        engine.execute("update alerting.engine_position set position = 10 where partition = 0")
        raised: list[BaseException] = []

        def write() -> None:
            try:
                outbox.write(twin, "twin", TOPIC, [Move(0, 0, 7)], batch)
            except PositionLost as lost:
                raised.append(lost)

        thread = threading.Thread(target=write)
        thread.start()
        engine.execute("commit")
        thread.join(20)
        assert len(raised) == 1
    assert counts(engine) == (0, 0, 0, 0)


@pytest.mark.parametrize("lose_answer", [False, True], ids=["before the message", "before its answer"])
@pytest.mark.parametrize(
    ("duplicates", "moved_to"),
    [(False, 10), (True, 10), (False, 0)],
    ids=["new alerts", "some there already", "the position stays: an event before it waits"],
)
def test_exactly_once_wherever_the_connection_breaks(
    engine: Connection, database: str, monkeypatch: pytest.MonkeyPatch, lose_answer: bool, duplicates: bool, moved_to: int
) -> None:
    monkeypatch.setattr(engine_database, "BACKOFF_S", (0.0, 0.01, 0.05))
    with cutting_proxy(database) as proxy, Database(proxy.url, "engine-1", threading.Event()) as through:
        for cut_at in itertools.count():
            topic = Topic(f"topic-{cut_at}", "id")
            start(engine, topic)
            batch = Batch([decision(2 * cut_at + 1), decision(2 * cut_at + 2)], [Refused(topic, 0, cut_at, None, None, "why")])
            if duplicates:
                outbox.write(engine, "engine-1", topic, [Move(3, 0, 1)], Batch(batch.decisions[:1]))
            moves = [Move(0, 0, moved_to)]
            before = counts(engine)
            proxy.arm(cut_at, lose_answer)
            work = partial(outbox.write, engine="engine-1", topic=topic, moves=moves, batch=batch)
            through.writing(topic, moves, work)
            new = 1 if duplicates else 2
            expected = (before[0] + new, before[1] + 2 * new, before[2] + 2 * new, before[3] + 1)
            assert counts(engine) == expected, f"cut at message {cut_at}"
            assert positions(engine, topic)[0] == (0, moved_to), f"cut at message {cut_at}"
            if proxy.armed:
                break
    assert cut_at >= 4, "the proxy cut nowhere"


def test_a_large_batch_is_written_in_parts_and_only_the_last_one_says_that_events_were_judged() -> None:
    decisions = [decision(number) for number in range(5)]
    parts = Batch(decisions, [refused(1)], ["seen"], timers=["timer"]).parts(2)  # type: ignore[list-item]
    assert [part.decisions for part in parts] == [decisions[:2], decisions[2:4], decisions[4:]]
    assert [(part.refused, part.seen, part.timers) for part in parts] == [([], [], [])] * 2 + [
        ([refused(1)], ["seen"], ["timer"])
    ]
    assert [Batch().parts(2), len(Batch(decisions).parts(5))] == [[Batch()], 1]


def test_reading_goes_on_with_a_new_connection(database: str, engine: Connection) -> None:
    with Database(database, "engine-1", threading.Event()) as through:
        pid = through.reading(lambda connection: connection.info.backend_pid)
        engine.execute("select pg_terminate_backend(%s, 5000)", [pid])
        assert through.partitions() == 8
        assert through.reading(lambda connection: connection.info.backend_pid) != pid


def test_no_database_at_the_start_is_one_line() -> None:
    with pytest.raises(BankalertsError, match=r"PostgreSQL does not answer .*: start it with 'bankalerts up'"):
        Database("postgresql://bankalerts@127.0.0.1:1/bank", "engine-1", threading.Event())


def test_a_position_starts_at_the_beginning_and_is_kept(engine: Connection) -> None:
    assert read_position(engine, "engine-1", TOPIC, 7, 100) == 100
    assert read_position(engine, "engine-1", TOPIC, 7, 50) == 100
    with pytest.raises(BankalertsError, match="was recreated"):
        read_position(engine, "engine-1", Topic(TOPIC.name, "another"), 7, 0)
    with pytest.raises(BankalertsError, match="events 100 to 119 were deleted by retention"):
        read_position(engine, "engine-1", TOPIC, 7, 120)


def test_positions_in_memory() -> None:
    known = Positions()
    known.take(3, 5)
    known.take(0, 10)
    assert known.moves({}) == []
    known.judged({3: 8, 0: 11})
    assert known.moves({}) == [Move(0, 10, 11), Move(3, 5, 8)]
    assert known.moves({0: 12}) == [Move(0, 10, 12), Move(3, 5, 8)]
    assert known.moves({0: 10}) == [Move(0, 10, 10), Move(3, 5, 8)], "whoever writes has to hold the position, if it stays"
    assert (known.next(0), known.next(3), known.next(9)) == (11, 8, None)
    known.stored([Move(0, 10, 12)])
    assert known.next(0) == 12
    assert known.moves({}) == [Move(3, 5, 8)]
    known.give_up([3, 9])
    known.stored([Move(3, 5, 8)])
    assert known.moves({}) == []
    assert known.next(3) is None
