"""The whole Berka bank in one go: every alert of the golden, at 0.7 of the rate of capture alone; again, it adds none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median

from confluent_kafka import Message, Producer, TopicPartition

from bankalerts.report.golden import EVENT_FROM, EVENT_UNTIL
from tests.berka_bank import ENTRIES, BerkaBank, played
from tests.chain import Chain, behind, records
from tests.long.frame import Options, Report, fresh_stack, say
from tests.waiting import wait_until

LEAST_SHARE = 0.7
ALONE = ("engine", "notifier", "mail-server", "provider")
DEADLINE_S = 180.0


def run(options: Options, report: Report) -> None:
    """Alternate capture alone and everything, each on a fresh stack; prove the alerts on the last of them."""
    limit, rounds = (3_000, 1) if options.small else (ENTRIES, 3)
    alone, whole = [], []
    for number in range(1, rounds + 1):
        with bank(options, *without(ALONE)) as berka:
            alone.append(rate_alone(berka, limit))
        with bank(options) as berka:
            whole.append(rate_of_everything(berka, limit))
            say(f"round {number} of {rounds}: capture alone {alone[-1]:,.0f}/s, everything {whole[-1]:,.0f}/s")
            if number == rounds:
                prove(berka, limit, report)
    report.figure("capture_alone_entries_per_s", round(median(alone)))
    report.figure("everything_entries_per_s", round(median(whole)))
    share = median(whole) / median(alone)
    report.figure("share", round(share, 3))
    report.figure("capture_alone_entries_per_s_each", [round(rate) for rate in alone])
    report.figure("everything_entries_per_s_each", [round(rate) for rate in whole])
    if not options.small:  # a few entries are over before anything runs warm
        report.line(share >= LEAST_SHARE, f"at least {LEAST_SHARE} of the rate of a bare consumer (it is {share:.2f})")


def prove(berka: BerkaBank, limit: int, report: Report) -> None:
    """What holds after the first `limit` entries were played: nothing missing, nothing extra, however often they come."""
    berka.chain.settle()
    prove_equal(berka, limit, report)
    before = berka.written()
    again = berka.play(limit)
    berka.chain.settle()
    now = berka.written()
    report.line(again["added"] == 0 and now == before, f"the same entries again by SQL add none: {before}, now {now}")
    posted = post_again(berka.chain)
    now = berka.written()
    report.figure("entries_posted_again", posted)
    report.line(now == before, f"{posted:,} events posted again add none: {before}, now {now}")
    prove_equal(berka, limit, report)


def prove_equal(berka: BerkaBank, limit: int, report: Report) -> None:
    """Alerts and messages after the first `limit` entries: row by row as in the golden, and by the stamps."""
    found = berka.difference(limit)
    report.figure("entries", limit)
    report.figure("alerts_expected", found.expected)
    report.line(found.none, f"after {limit:,} entries: {found}")


def rate_alone(berka: BerkaBank, limit: int) -> float:
    """Entries a second from the first INSERT to the last one in the hands of a bare consumer."""
    chain = berka.chain
    with chain.consumer() as consumer:
        consumer.assign([TopicPartition(chain.topics.event, part, end) for part, end in chain.end_offsets().items()])
        records(consumer)
        playing = berka.start(limit)
        seen = 0

        def all_seen() -> bool:
            nonlocal seen
            while taken := len(records(consumer)):
                seen += taken
            assert not playing.poll(), "the replay failed"
            return seen >= limit

        wait_until(all_seen, DEADLINE_S, f"a bare consumer sees {limit} entries")
        last = datetime.now(UTC)
    played(playing)
    seconds: float = (last - first_inserted(chain)).total_seconds()
    return limit / seconds


def rate_of_everything(berka: BerkaBank, limit: int) -> float:
    """Entries a second from the first INSERT to the last alert committed and the positions at the end of the topic."""
    chain = berka.chain
    before = sum(chain.end_offsets().values())
    berka.play(limit)
    wait_until(lambda: sum(chain.end_offsets().values()) >= before + limit, DEADLINE_S, f"{limit} entries are captured")
    ends = chain.end_offsets()
    with chain.database() as connection:
        wait_until(lambda: not behind(chain.positions(connection), ends), DEADLINE_S, f"{limit} entries are judged")
        row = connection.execute(
            "select (select max(written_at) from alerting.alert where event_date between %s and %s),"
            " (select max(written_at) from alerting.engine_position)",
            [EVENT_FROM, EVENT_UNTIL],
        ).fetchone()
    assert row is not None
    alert_s, positions_s = (float((time - first_inserted(chain)).total_seconds()) for time in row)
    say(f"the last alert was written after {alert_s:.2f} s, the last position after {positions_s:.2f} s")
    return limit / max(alert_s, positions_s)


def first_inserted(chain: Chain) -> datetime:
    """When the first INSERT of an entry ran."""
    with chain.database() as connection:
        row = connection.execute(
            "select min(inserted_at) from bank.account_entry where booking_date between %s and %s", [EVENT_FROM, EVENT_UNTIL]
        ).fetchone()
    assert row is not None
    first: datetime = row[0]
    return first


def post_again(chain: Chain) -> int:
    """Post every record of the event topic once more, as it was; returns how many when they are judged."""
    ends = chain.end_offsets()
    producer = Producer({"bootstrap.servers": chain.settings.kafka, "enable.idempotence": True, "log_level": 0})
    posted = 0
    for message in everything(chain, ends):
        while True:
            try:
                post(producer, message)
                break
            except BufferError:
                producer.poll(0.1)
        posted += 1
    assert producer.flush(60) == 0, "Kafka did not take the events again"
    after = chain.end_offsets()
    assert sum(after.values()) >= sum(ends.values()) + posted
    chain.wait_until_judged(after)
    return posted


def post(producer: Producer, message: Message) -> None:
    """The same key, value, partition and timestamp."""
    producer.produce(
        str(message.topic()),
        key=message.key(),
        value=message.value(),
        partition=int(message.partition() or 0),
        timestamp=message.timestamp()[1],
    )


def everything(chain: Chain, ends: dict[int, int]) -> Iterator[Message]:
    """All records of the event topic up to these offsets."""
    with chain.consumer() as consumer:
        consumer.assign([TopicPartition(chain.topics.event, part, 0) for part in ends])
        next_offset = dict.fromkeys(ends, 0)
        while behind(next_offset, ends):
            for message in wait_until(lambda: records(consumer), 30, f"the event topic is read up to {ends}"):
                partition, offset = int(message.partition() or 0), int(message.offset() or 0)
                if offset < ends[partition]:
                    next_offset[partition] = offset + 1
                    yield message


def without(parts: tuple[str, ...]) -> list[str]:
    """The arguments of `bankalerts up` that leave these parts out."""
    return [word for part in parts for word in ("--without", part)]


@contextmanager
def bank(options: Options, *arguments: str) -> Iterator[BerkaBank]:
    """The Berka bank on a fresh stack."""
    with fresh_stack(*arguments) as stack:
        yield BerkaBank(Chain(stack), options.data)
