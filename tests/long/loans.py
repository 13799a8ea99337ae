"""Real loan applications: those that nobody touched for more than seven days are told of, and no others.

The events of the BPI Challenge 2012 go through the whole chain in pieces, shuffled, some of them a piece too late; after each
piece the timers ring at that piece's end. Brute force over the same arrivals says who is to be told.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import json
import random
import subprocess
import sys
import time
from bisect import bisect_right, insort
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from bankalerts import settings
from engine import timekeeper
from tests.chain import Chain, Connection
from tests.long.frame import Options, Report, fresh_stack, say
from tests.running_stack import RunningStack
from tests.shared_data import shared_data
from tests.waiting import wait_until

SILENT = timedelta(days=7)
ENDS = ("A_CANCELLED", "A_DECLINED", "A_REGISTERED")
CASES_PER_CUSTOMER = 4
DEADLINE_S = 300.0
FIRST_CUSTOMER = 8_000_001
LATE = 0.02  # of the events come a piece too late
ROOT = Path(__file__).parents[2]
TYPE = """
select bank.put_alert_type(
    alert_type => 'APPLICATION_SILENT', event_kind => 'CUSTOMER_ACTIVITY', condition => 'true', category => 'loans',
    title => 'Nothing happens to an application', parameters => '{"days": {"type": "integer", "minimum": 1, "maximum": 60}}',
    timer_arm => $$event.activity_type not in ('A_CANCELLED', 'A_DECLINED', 'A_REGISTERED')$$,
    timer_cancel => $$event.activity_type in ('A_CANCELLED', 'A_DECLINED', 'A_REGISTERED')$$,
    timer_key => $$event.properties ->> 'application_id'$$, timer_after => ':days * 86400')
"""
COPY = "copy bank.customer_activity (activity_id, occurred_on, customer_id, activity_type, properties, occurred_at) from stdin"
TOLD = """
select t.timer_key, a.event_time from alerting.alert a join alerting.timer t on t.timer_id = a.event_id
 where a.alert_type = 'APPLICATION_SILENT' order by 1, 2
"""


class Activity(NamedTuple):
    """One event of an application. `number`: its place in the file."""

    at: datetime
    number: int
    case: str
    what: str


def run(options: Options, report: Report) -> None:
    """All applications (small: 250), in 20 pieces (small: 5); the engine is killed in one of them."""
    activities = read_activities(250 if options.small else None)
    arrivals = in_pieces(activities, 5 if options.small else 20, random.Random(options.seed))
    with fresh_stack("--without", "engine", "--without", "notifier") as stack:
        chain = Chain(stack)
        began = time.monotonic()
        with chain.database() as connection:
            prepare(connection, sorted({activity.case for activity in activities}))
            with Judging(chain) as judging:
                for number, (now, piece) in enumerate(arrivals):
                    insert(connection, piece)
                    if number == len(arrivals) // 2:
                        judging.kill()
                        judging.start()
                    chain.settle(DEADLINE_S)
                    rung = timekeeper.ring(connection, now)
                    chain.settle(DEADLINE_S)
                    say(f"{now:%Y-%m-%d}: {len(piece):,} activities, {rung:,} timers rang")
            told = {(case, due_at) for case, due_at in connection.execute(TOLD).fetchall()}
            twice = connection.execute("select count(*) from alerting.alert").fetchone() != (len(told),)
            compare_with_reference(stack, report)
            states = dict(connection.execute("select state, count(*) from alerting.timer group by 1 order by 1").fetchall())
        report.figure("activities", len(activities))
        report.figure("applications", len({activity.case for activity in activities}))
        report.figure("timers", states)
        report.figure("told", len(told))
        report.figure("seconds", round(time.monotonic() - began, 1))
    expected = brute_force(arrivals)
    report.line(
        told == expected,
        f"silent applications: {len(expected - told)} missing, {len(told - expected)} extra of {len(expected):,}",
    )
    report.line(not twice, "nobody is told twice")
    report.line(len(expected) > len({activity.case for activity in activities}) // 10, "there are silent applications")


def compare_with_reference(stack: RunningStack, report: Report) -> None:
    """Ask the SQL reference as well."""
    began = time.monotonic()
    verified = json.loads(stack.cli("verify", "--json", check=False).stdout)
    report.figure("reference_s", round(time.monotonic() - began, 1))
    report.line((verified["missing"], verified["extra"]) == (0, 0), "the SQL reference says the same")


def read_activities(cases: int | None) -> list[Activity]:
    """The events of the first so many applications, in the order of their times."""
    with gzip.open(shared_data("loans", "bpic2012_cases_to_2012-01.csv.gz"), "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chosen = set([*dict.fromkeys(row["case_id"] for row in rows)][:cases])
    return sorted(
        Activity(datetime.fromisoformat(row["timestamp"]).astimezone(UTC), number, row["case_id"], code(row["activity"]))
        for number, row in enumerate(rows)
        if row["case_id"] in chosen
    )


def code(activity: str) -> str:
    """An activity's name as bank.customer_activity takes it."""
    return activity.upper().replace(" ", "_")


def in_pieces(activities: list[Activity], count: int, chosen: random.Random) -> list[tuple[datetime, list[Activity]]]:
    """Pieces in the order of arrival, each with the time at which timers ring after it; a last one for what is late."""
    size = -(-len(activities) // count)
    pieces: list[list[Activity]] = [activities[start : start + size] for start in range(0, len(activities), size)] + [[]]
    ends = [piece[-1].at for piece in pieces[:-1]]
    arrived: list[list[Activity]] = [[] for _ in pieces]
    for number, piece in enumerate(pieces):
        for activity in piece:
            arrived[number + (chosen.random() < LATE)].append(activity)
    for piece in arrived:
        chosen.shuffle(piece)
    return list(zip([*ends, ends[-1] + 2 * SILENT], arrived, strict=True))


def brute_force(arrivals: list[tuple[datetime, list[Activity]]]) -> set[tuple[str, datetime]]:
    """Who is silent when the timers ring, by what has arrived then: application and the time that its seven days were over."""
    told: set[tuple[str, datetime]] = set()
    there: dict[str, list[datetime]] = {}
    ended: set[tuple[str, datetime]] = set()
    waiting: list[Activity] = []
    for now, piece in arrivals:
        for activity in piece:
            insort(there.setdefault(activity.case, []), activity.at)
            if activity.what in ENDS:
                ended.add((activity.case, activity.at))
            else:
                waiting.append(activity)
        for activity in waiting:
            if activity.at + SILENT <= now:
                times = there[activity.case]
                after = bisect_right(times, activity.at)
                is_silent = after == len(times) or times[after] > activity.at + SILENT
                if is_silent and (activity.case, activity.at) not in ended:
                    told.add((activity.case, activity.at + SILENT))
        waiting = [activity for activity in waiting if activity.at + SILENT > now]
    return told


def prepare(connection: Connection, cases: list[str]) -> None:
    """The alert type, and customers who want it: each has a few applications."""
    connection.execute(TYPE)
    connection.execute(
        "insert into bank.customer (customer_id, full_name)"
        " select n, 'Somebody' from generate_series(%s::bigint, %s::bigint) n",
        [FIRST_CUSTOMER, FIRST_CUSTOMER + len(cases) // CASES_PER_CUSTOMER],
    )
    connection.execute(
        "insert into bank.customer_preference (customer_id, alert_type, parameters, channels)"
        " select customer_id, 'APPLICATION_SILENT', '{\"days\": 7}', '{PUSH}' from bank.customer where customer_id >= %s",
        [FIRST_CUSTOMER],
    )
    connection.execute("create temporary table of_case (application_id text primary key, customer_id bigint)")
    with connection.cursor().copy("copy of_case from stdin") as copy:
        for number, case in enumerate(cases):
            copy.write_row((case, FIRST_CUSTOMER + number // CASES_PER_CUSTOMER))


def insert(connection: Connection, piece: list[Activity]) -> None:
    """Insert activities in this order."""
    customers = dict(connection.execute("select application_id, customer_id from of_case").fetchall())
    with connection.cursor().copy(COPY) as copy:
        for activity in piece:
            properties = f'{{"application_id": "{activity.case}"}}'
            day = activity.at.date()
            copy.write_row((f"bpi-{activity.number}", day, customers[activity.case], activity.what, properties, activity.at))


class Judging:
    """An engine without a timekeeper, for the block: the timers ring when we say so."""

    def __init__(self, chain: Chain) -> None:
        self._folder = chain.stack.path
        ready = self._folder / "loans.ready"
        self._settings = dataclasses.replace(chain.settings, ready_file=ready, timekeeper="off", name="engine-loans")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(60)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        ready = self._settings.ready_file
        assert ready is not None
        ready.unlink(missing_ok=True)
        with (self._folder / "loans.log").open("ab") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "engine"),
                env=settings.environment(settings.variables(self._settings)),
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        wait_until(ready.exists, 60, "the engine is ready")

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()
