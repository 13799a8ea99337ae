"""Random expressions and random windows: engine and PostgreSQL agree on each of 50,000 cases and more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from engine.decode import COLUMNS
from tests.agreement import Agreement
from tests.conditions import cases, conditions, mangled
from tests.conftest import Server
from tests.long.frame import Options, Report, fresh_stack, say
from tests.random_windows import judge_and_compare
from tests.running_stack import ALL_BUT_POSTGRES

EXAMPLES = 250  # of a round: Hypothesis keeps what it drew in memory
EVENTS = 8  # that each expression is evaluated on


@dataclass
class Counts:
    """What was compared."""

    taken: int = 0
    refused: int = 0
    evaluations: int = 0
    mangled_taken: int = 0
    mangled_refused: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def run(options: Options, report: Report) -> None:
    """Expressions first, then whole banks with windows; stops at the first difference, with what repeats it."""
    rounds, banks = (1, 2) if options.small else (26, 60)
    counts = Counts()
    with fresh_stack(*(word for part in ALL_BUT_POSTGRES for word in ("--without", part))) as stack:
        server = Server(stack.settings)
        try:
            with timed(report, "expressions_s"), fresh_database(server) as url:
                for number in range(rounds):
                    say(f"expressions, round {number + 1} of {rounds}: {counts.evaluations:,} evaluations so far")
                    expressions(url, f"{options.seed}/{number}", counts)
            with timed(report, "windows_s"):
                windows(server, options.seed, banks, counts)
        finally:
            report_counts(report, counts)
    pairs = sum(counts.outcomes.values())
    report.line(
        True, f"seed {options.seed}: {counts.evaluations:,} evaluations of {counts.taken:,} random expressions are equal"
    )
    report.line(
        True, f"{counts.mangled_taken + counts.mangled_refused:,} mangled ones are taken by both or refused at one position"
    )
    report.line(True, f"{pairs:,} (event, preference) pairs of {banks} random banks are judged as the reference judges them")
    report.line(
        min(counts.outcomes["ALERTED"], counts.outcomes["CONDITION_FALSE"]) > 10 * banks,
        "their conditions hold and do not hold",
    )
    if not options.small:
        report.line(counts.evaluations + pairs >= 50_000, "at least 50,000 cases")


def report_counts(report: Report, counts: Counts) -> None:
    report.figure("expressions", counts.taken)
    report.figure("expressions_too_long", counts.refused)
    report.figure("evaluations", counts.evaluations)
    report.figure("mangled_refused", counts.mangled_refused)
    report.figure("mangled_taken", counts.mangled_taken)
    report.figure("window_outcomes", dict(counts.outcomes.most_common()))


def expressions(url: str, seed_: str, counts: Counts) -> None:
    """One round: expressions that keep to the grammar on events of every kind, and mangled ones."""
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:

        def compare(data: st.DataObject) -> None:
            kind = data.draw(st.sampled_from(sorted(COLUMNS)))
            condition = data.draw(conditions(COLUMNS[kind]))
            given_ = data.draw(st.lists(cases(COLUMNS[kind]), min_size=EVENTS, max_size=EVENTS))
            evaluated = Agreement(connection, kind, COLUMNS[kind]).compare(condition, given_)
            counts.evaluations += evaluated
            counts.taken += evaluated > 0
            counts.refused += evaluated == 0

        def compare_mangled(data: st.DataObject) -> None:
            kind = data.draw(st.sampled_from(sorted(COLUMNS)))
            condition = data.draw(mangled(COLUMNS[kind]))
            taken = Agreement(connection, kind, COLUMNS[kind]).compare(condition, [data.draw(cases(COLUMNS[kind]))])
            counts.mangled_taken += taken
            counts.mangled_refused += not taken

        tried(compare, f"{seed_}/expressions", EXAMPLES)
        tried(compare_mangled, f"{seed_}/mangled", EXAMPLES // 2)


def windows(server: Server, seed_: int, banks: int, counts: Counts) -> None:
    """Each bank in a database of its own. AssertionError for the first that is judged in two ways."""

    def judge(data: st.DataObject) -> None:
        with fresh_database(server) as url:
            found = judge_and_compare(url, data.draw, data.draw(st.integers(0, 10**9)))
        assert not found.wrong, found.wrong
        counts.outcomes.update(found.outcomes)

    tried(judge, f"{seed_}/windows", banks)


def tried(compare: Callable[[st.DataObject], None], seed_: str, examples: int) -> None:
    """Run it on so many random examples, the same from the same seed."""
    chosen = settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    one: Any = seed(seed_)(chosen(given(data=st.data())(compare)))
    one()


@contextmanager
def fresh_database(server: Server) -> Iterator[str]:
    url = server.clone()
    try:
        yield url
    finally:
        server.drop(url)


@contextmanager
def timed(report: Report, name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    report.figure(name, round(time.monotonic() - began, 1))
