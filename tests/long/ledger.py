"""Notifiers are killed at random under load, and the providers take messages and drop the answer: what became of every message?

Two notifier processes, two channels. PUSH sends again what may have been sent; SMS does not, here. Each provider writes down
what it takes before it answers: the ledger. In the end every message has one final state; what a provider took twice is marked,
and its history has an attempt that nobody knows the outcome of; on SMS nothing was taken twice.
"""

from __future__ import annotations

import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

import notifier
from bankalerts.settings import Settings
from tests.lean_provider import LOOPBACK, lean_provider
from tests.long.frame import Options, Report, fresh_stack, say
from tests.long.outbox_load import CUSTOMERS, Outbox, local_settings, running_notifier
from tests.notifying import free_port
from tests.running_stack import ALL_BUT_POSTGRES

PROJECT = Path(notifier.__file__).parents[1]
DROPPED_SHARE = 0.05  # of the answers
NOTIFIERS = 2
LONGEST_LIFE_S = 0.5  # of a notifier after it was ready
WRITE_EVERY_S = 0.05
AT_ONCE = 20  # alerts

ADD_ADDRESSES = f"""
insert into bank.contact_address (customer_id, channel, address, verified_at)
     select n, 'SMS', '+3161' || 1000000 + n, now() from generate_series(1, {CUSTOMERS}) n;
update alerting.channel_policy set retries_unknown = false where channel = 'SMS';
"""
# A killed notifier's lease runs for half a minute more; whoever has no time for that ends it.
END_LEASES = "update alerting.outbox_due set due_at = now() where lease_token is not null or due_at > now()"
MESSAGES = """
select o.message_id::text, o.channel, o.state, o.may_be_twice,
       count(d.message_id) filter (where d.outcome = 'UNKNOWN') as unknown,
       count(d.message_id) filter (where d.outcome = 'SENT') as sent
  from alerting.outbox o
  left join alerting.delivery_attempt d on d.message_id = o.message_id and d.event_date = o.event_date
 group by 1, 2, 3, 4
"""


@dataclass(frozen=True)
class Sizes:
    """`kills`: how often a notifier is killed. `patient`: leases run out by themselves."""

    kills: int
    patient: bool


FULL = Sizes(kills=200, patient=True)
SMALL = Sizes(kills=3, patient=False)


def run(options: Options, report: Report) -> None:
    """On a stack of its own, PostgreSQL alone."""
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    with fresh_stack(*without) as stack:
        play(stack.settings.database_url, options, report)


def play(url: str, options: Options, report: Report) -> None:
    """On a migrated database without a bank."""
    sizes = SMALL if options.small else FULL
    outbox = Outbox(url)
    outbox.fill_bank([])
    outbox.run(ADD_ADDRESSES)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger"
        push, sms = free_port(), free_port()
        settings = replace(local_settings(Path(folder), url, push), sms_url=f"http://{LOOPBACK}:{sms}/sms")
        words = ("--ledger", str(ledger), "--drop-share", str(DROPPED_SHARE), "--seed", str(options.seed))
        with lean_provider(Path(folder), [push, sms], *words):
            kill(settings, Path(folder), outbox, sizes, options.seed)
            finish(settings, Path(folder), outbox, sizes)
        judge(url, ledger, sizes, report)


def kill(settings: Settings, folder: Path, outbox: Outbox, sizes: Sizes, seed: int) -> None:
    """Under load, so many times: one of the notifiers, at a random moment of its life."""
    chance = random.Random(seed)
    with load(outbox), ExitStack() as all_:
        alive = [all_.enter_context(ExitStack()) for _ in range(NOTIFIERS)]
        running = [life.enter_context(one_of(settings, folder, number)) for number, life in enumerate(alive)]
        for round_ in range(1, sizes.kills + 1):
            victim = chance.randrange(NOTIFIERS)
            threading.Event().wait(chance.uniform(0, LONGEST_LIFE_S))
            running[victim].kill()
            running[victim].wait()
            alive[victim].close()
            running[victim] = alive[victim].enter_context(one_of(settings, folder, victim))
            if round_ % 20 == 0:
                say(f"{round_} of {sizes.kills} kills, {outbox.waits():,} messages wait")


def one_of(settings: Settings, folder: Path, number: int) -> Any:
    return running_notifier(settings, PROJECT, folder / f"notifier-{number}.ready")


@contextmanager
def load(outbox: Outbox) -> Iterator[None]:
    """Alerts come all the time, each with two messages."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(WRITE_EVERY_S):
            outbox.write(["PUSH", "SMS"], AT_ONCE)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def finish(settings: Settings, folder: Path, outbox: Outbox, sizes: Sizes) -> None:
    """One notifier that nobody kills brings what is left to its end."""
    began = time.monotonic()
    with one_of(settings, folder, NOTIFIERS):
        while not sizes.patient and outbox.waits():
            outbox.run(END_LEASES)
            threading.Event().wait(0.1)
        outbox.is_drained(within_s=600)
    say(f"all messages are at their end after {time.monotonic() - began:.0f} s")


def judge(url: str, ledger: Path, sizes: Sizes, report: Report) -> None:
    """The outbox against the ledger."""
    with psycopg.connect(url) as connection:
        messages = connection.execute(MESSAGES).fetchall()
        due = connection.execute("select count(*) from alerting.outbox_due").fetchone()
        alerts = connection.execute("select count(*) from alerting.alert").fetchone()
    taken = Counter(json.loads(line)[0] for line in ledger.read_text().splitlines())
    states = Counter((channel, state) for _, channel, state, *_ in messages)
    report.figure("kills", sizes.kills)
    for (channel, state), count in sorted(states.items()):
        report.figure(f"{channel} {state}", count)
    twice = [row for row in messages if taken[row[0]] > 1]
    report.figure("messages that a provider took twice or more", len(twice))
    report.figure("messages marked as may be twice", sum(row[3] for row in messages))
    final = {"ACCEPTED", "UNKNOWN"}
    others = [row for row in messages if row[2] not in final]
    report.line(
        due == (0,) and alerts is not None and len(messages) == 2 * alerts[0] and not others,
        f"{len(messages):,} messages, each in one final state, {len(others)} in another",
    )
    lost = [row for row in messages if row[2] == "ACCEPTED" and not taken[row[0]]]
    report.line(not lost, f"{len(lost)} accepted messages that no provider has")
    unknown_to_us = set(taken) - {row[0] for row in messages}
    report.line(not unknown_to_us, f"{len(unknown_to_us)} messages at a provider that the outbox does not have")
    told = [row for row in messages if row[2] == "UNKNOWN" and not row[4]]
    report.line(not told, f"{len(told)} unknown messages without an attempt that says so")
    unmarked = [row for row in twice if not row[4] or not (row[3] or row[2] == "UNKNOWN")]
    report.line(
        not unmarked, f"{len(unmarked)} of {len(twice)} messages taken twice are not marked, or their history does not say why"
    )
    sms_twice = [row for row in twice if row[1] == "SMS"]
    report.line(not sms_twice, f"{len(sms_twice)} messages taken twice on the channel that never sends again")
    if not sizes.patient:
        return
    report.line(bool(twice), "some messages were taken twice: the run shows what it is there for")
