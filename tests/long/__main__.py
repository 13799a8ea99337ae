"""python -m tests.long NAME: run one long form, print its figures, exit 1 where a line of it does not hold."""

from __future__ import annotations

import argparse
import importlib
import random
import sys
from pathlib import Path

from bankalerts.errors import BankalertsError
from tests.long.frame import Options, Report
from tests.shared_data import FOLDER

NAMES = (
    "berka",
    "berka-kill",
    "rebalance",
    "interleave",
    "latency",
    "mail-down",
    "new-type",
    "bulk",
    "burst",
    "explain",
    "differential",
    "windows",
    "ledger",
    "drain",
    "isolation",
    "hostile",
    "history",
    "grants",
    "doctor",
)


def main() -> None:
    """Run what the command line names: tests.long.<name>.run(options, report)."""
    parser = argparse.ArgumentParser(prog="python -m tests.long", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--size", choices=("full", "small"), default="full", help="small: the size of the tests")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="repeats a run's choices")
    parser.add_argument("--data", type=Path, default=FOLDER / "berka", help="the folder of the Berka bank's files")
    given = parser.parse_args()
    options = Options(given.size == "small", given.seed, given.data.absolute())
    report = Report(f"long-{given.name}")
    report.figure("seed", given.seed)
    try:
        importlib.import_module(f"tests.long.{given.name.replace('-', '_')}").run(options, report)
    except (AssertionError, BankalertsError) as error:
        report.line(False, str(error))
    report.show()
    sys.exit(not report.holds)


main()
