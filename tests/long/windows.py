"""Windows over real card data, through the whole chain, the engine killed on the way: counts are the authors' or brute force's.

`handbook`: 288,062 uses of cards with the authors' own counts over 1, 7 and 30 days; types that always alert say theirs in the
evidence. `tabformer`: real cards grouped by card, in the order of the file (by card, not by time) and shuffled (late by years):
three uses in ten minutes. Then the loans of tests/long/loans.py.
"""

from __future__ import annotations

import csv
import gzip
import random
import time
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.chain import Chain, Connection
from tests.long import loans
from tests.long.frame import Options, Report, fresh_stack, say
from tests.shared_data import shared_data

DAYS = (1, 7, 30)
USES, WITHIN = 3, timedelta(minutes=10)
CUSTOMER_ID = 7_000_001
DEADLINE_S = 900.0
COPY = (
    "copy bank.card_authorisation (authorisation_id, authorised_on, account_id, card_token, amount_minor, currency,"
    " card_present, outcome, authorised_at) from stdin"
)
PUT_TYPE = """
select bank.put_alert_type(alert_type => %(name)s, event_kind => 'CARD_AUTHORISATION', statuses => '{}',
    condition => %(condition)s, category => 'cards', title => 'Counted', window_aggregate => 'COUNT',
    window_group => '{card_token}', window_length => %(length)s)
"""
PUT_PREFERENCES = """
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, channels)
select account_id, %(customer)s, alert_type, 'EUR', '{PUSH}'
  from unnest(%(accounts)s::text[]) account_id, unnest(%(types)s::text[]) alert_type
"""
COUNTED = """
select alert_type, event_id, (evidence -> 'history' ->> 'value')::integer
  from alerting.alert where account_id like %(accounts)s and alert_type = any (%(types)s)
"""


class Use(NamedTuple):
    """A use of a card; the amount as the bank has it, negative where it leaves the account."""

    use_id: str
    account_id: str
    card_token: str
    at: datetime
    amount_minor: int
    outcome: str = "APPROVED"


def run(options: Options, report: Report) -> None:
    """Handbook and tabformer on one stack, the loans on theirs (small: in a test of their own)."""
    with fresh_stack("--without", "notifier") as stack:
        chain = Chain(stack)
        handbook(chain, options, report)
        uses = tabformer(5_000 if options.small else None)
        in_ten_minutes(chain, "file", uses, report)
        random.Random(options.seed).shuffle(uses)
        in_ten_minutes(chain, "shuffled", uses, report)
    if not options.small:
        loans.run(options, report)


def handbook(chain: Chain, options: Options, report: Report) -> None:
    """Counts over 1, 7 and 30 days are those of the data's authors, but for uses of one card in the same second."""
    with gzip.open(shared_data("cards", "handbook_2018-04-01_2018-04-30.csv.gz"), "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not options.small or int(row["CUSTOMER_ID"]) < 30]
    uses = [
        Use(
            *(f"hb-{row['TRANSACTION_ID']}", f"hb-{row['CUSTOMER_ID']}", f"card-{row['CUSTOMER_ID']}"),
            datetime.fromisoformat(row["TX_DATETIME"]).replace(tzinfo=UTC),
            -round(float(row["TX_AMOUNT"]) * 100),
        )
        for row in rows
    ]
    types = {f"USED_IN_{days}_DAYS": str(days * 86_400) for days in DAYS}
    put_bank(chain, types, "true", sorted({use.account_id for use in uses}))
    play(chain, "handbook", uses, report)
    at_once = Counter((use.card_token, use.at) for use in uses)
    expected = {
        (f"USED_IN_{days}_DAYS", use.use_id): int(float(row[f"CUSTOMER_ID_NB_TX_{days}DAY_WINDOW"]))
        for row, use in zip(rows, uses, strict=True)
        if at_once[use.card_token, use.at] == 1
        for days in DAYS
    }
    with chain.database() as connection:
        rows_found = connection.execute(COUNTED, {"accounts": "hb-%", "types": [*types]}).fetchall()
    found = {(alert_type, event_id): value for alert_type, event_id, value in rows_found}
    wrong = sum(found.get(key) != value for key, value in expected.items())
    report.figure("handbook_ties", len(rows) * len(DAYS) - len(expected))
    report.line(wrong == 0, f"handbook: {len(expected):,} counts over {DAYS} days, {wrong} are not the authors'")
    report.line(len(found) == len(rows_found) == len(rows) * len(DAYS), f"handbook: {len(found):,} alerts, one for each count")


def tabformer(limit: int | None) -> list[Use]:
    """The cards of user 0 in the order of the file: by card."""
    with shared_data("cards", "tabformer_user0_to_2014.csv").open(encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    step = 1 if limit is None else len(rows) // limit
    uses = []
    for number, row in enumerate(rows):
        if number // 20 % step:  # a few whole runs, so that a part has uses close to each other too
            continue
        hour, minute = row["Time"].split(":")
        day = datetime(int(row["Year"]), int(row["Month"]), int(row["Day"]), tzinfo=UTC)
        uses.append(
            Use(
                *(f"tf-{number}", f"tf-{row['User']}", f"tf-{row['User']}-{row['Card']}"),
                day + timedelta(hours=int(hour), minutes=int(minute)),
                -round(float(row["Amount"].replace("$", "")) * 100),
                "DECLINED" if row["Errors?"] else "APPROVED",
            )
        )
    return uses


def in_ten_minutes(chain: Chain, name: str, uses: Sequence[Use], report: Report) -> None:
    """Three uses of a card in ten minutes: as brute force finds them in the order of arrival."""
    uses = [
        use._replace(
            use_id=f"{name}-{use.use_id}", account_id=f"{name}-{use.account_id}", card_token=f"{name}-{use.card_token}"
        )
        for use in uses
    ]
    put_bank(chain, {"USED_THRICE": "600"}, f"history.value >= {USES}", sorted({use.account_id for use in uses}))
    play(chain, f"tabformer, {name}", uses, report)
    with chain.database() as connection:
        rows = connection.execute(COUNTED, {"accounts": f"{name}-%", "types": ["USED_THRICE"]}).fetchall()
    found = {event_id: value for _, event_id, value in rows}
    expected = dict(brute_force(uses))
    report.line(
        found == expected and len(rows) == len(found),
        f"tabformer, {name}: {len(expected.keys() - found.keys())} missing, {len(found.keys() - expected.keys())} extra of"
        f" {len(expected):,} uses that are the third in ten minutes, among {len(uses):,}",
    )
    report.line(len(expected) > 10, f"tabformer, {name}: there are such uses")


def brute_force(uses: Sequence[Use]) -> Iterator[tuple[str, int]]:
    """Use -> how many uses of the card that came before it, and it, lie in the ten minutes up to it; where three or more."""
    came: dict[str, list[datetime]] = {}
    for use in uses:
        times = came.setdefault(use.card_token, [])
        insort(times, use.at)
        count = bisect_right(times, use.at) - bisect_right(times, use.at - WITHIN)
        if count >= USES:
            yield use.use_id, count


def put_bank(chain: Chain, types: dict[str, str], condition: str, accounts: Sequence[str]) -> None:
    """Alert types that count, and a customer who wants them on all these accounts."""
    values: dict[str, Any] = {"customer": CUSTOMER_ID, "accounts": [*accounts], "types": [*types]}
    with chain.database() as connection, connection.transaction():
        for name, length in types.items():
            connection.execute(PUT_TYPE, {"name": name, "condition": condition, "length": length})
        connection.execute(
            "insert into bank.customer (customer_id, full_name) values (%(customer)s, 'Counted') on conflict do nothing", values
        )
        connection.execute("insert into bank.account (account_id, currency) select unnest(%(accounts)s::text[]), 'EUR'", values)
        connection.execute(
            "insert into bank.account_permission (account_id, customer_id, role)"
            " select unnest(%(accounts)s::text[]), %(customer)s, 'OWNER'",
            values,
        )
        connection.execute(PUT_PREFERENCES, values)


def play(chain: Chain, name: str, uses: Sequence[Use], report: Report) -> None:
    """All uses, in their order; the engine is killed in the middle of judging them."""
    began = time.monotonic()
    with chain.database() as connection:
        half = len(uses) // 2
        insert(connection, uses[:half])
        chain.kill("engine-1")
        insert(connection, uses[half:])
        chain.stack.cli("up", "--without", "notifier")
        chain.settle(DEADLINE_S)
    seconds = time.monotonic() - began
    say(f"{name}: {len(uses):,} uses in {seconds:.0f} s")
    report.figure(f"{name.replace(', ', '_')}_uses", len(uses))
    report.figure(f"{name.replace(', ', '_')}_s", round(seconds, 1))


def insert(connection: Connection, uses: Sequence[Use]) -> None:
    with connection.cursor().copy(COPY) as copy:
        for use in uses:
            copy.write_row(
                (use.use_id, use.at.date(), use.account_id, use.card_token, use.amount_minor, "EUR", True, use.outcome, use.at)
            )
