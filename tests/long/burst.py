"""The bursts of long-bulk alone: whether an account with 5,000 customers holds up all others."""

from __future__ import annotations

import dataclasses

from tests.long.bulk import FULL, SMALL, bank, measured
from tests.long.bulk_bank import million
from tests.long.frame import Options, Report

WARMING = 200_000


def run(options: Options, report: Report) -> None:
    """A small bank with the crowded account. First so many entries that capture is as fast as it is after a while."""
    size = SMALL if options.small else dataclasses.replace(FULL, entries=WARMING)
    sizes = dataclasses.replace(size, accounts=SMALL.accounts, customers_each=SMALL.customers_each)
    with bank(sizes) as chain:
        with chain.database() as connection:
            million(connection, sizes)
        chain.settle()
        with measured(chain, sizes, report, judge_delay=not options.small):
            pass
