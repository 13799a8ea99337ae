"""How the demo ends: what happened, whether it was right, how long it took, and what to try next."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bankalerts.bank.generator import FIRST_CUSTOMER_ID
from bankalerts.bank.rows import Bank
from bankalerts.database import Connection
from bankalerts.report import latency
from bankalerts.report.figures import Figures
from bankalerts.report.verify import Verdict
from bankalerts.report.verify import show as show_verdict

STATES = ("ACCEPTED", "SUPPRESSED", "FAILED", "PENDING")
TRY_NEXT = """
Try next

1. Open the database:

{bankalerts} psql

2. A customer wants to know, by push and e-mail, when more than 200 euro leave an account; then 250 euro do:

insert into bank.alert_preference (account_id, customer_id, alert_type, preference_no, currency, parameters, channels)
values ('{account}', {customer}, 'DEBITED_ABOVE', 9, 'EUR', '{{"threshold_minor": 20000}}', '{{PUSH,EMAIL}}')
on conflict do nothing;
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor, occurred_at)
values ('try-' || gen_random_uuid(), current_date, '{account}', -25000, 'EUR', 100000, now());

3. A moment later, see what was sent, and why:

select channel, state, handed_at - inserted_at as took, evidence from audit.outbox_history
 where account_id = '{account}' order by decided_at desc limit 5;

4. From the shell: {bankalerts} messages, or status, verify, latency; {bankalerts} down ends it all.
"""


def show(
    console: Console,
    connection: Connection,
    bank: Bank,
    entries: int,
    verdict: Verdict,
    figures: Figures,
    since: datetime,
) -> None:
    """Print the tables of this run (`entries` inserted from `since` on), the verdict on the whole database, and what to try."""
    console.print(_figures_table(entries, figures))
    console.print(_messages_table(figures))
    latency.show(latency.measure(connection, since), console)
    console.print(
        "Java compiles itself in its first seconds: just after `up`, p95 and p99 are higher than later.", soft_wrap=True
    )
    show_verdict(verdict, console)
    if verdict.alerts.missing or figures.in_state("PENDING"):
        console.print(
            "not everything arrived in time: `bankalerts status` says what runs, and where its log is", soft_wrap=True
        )
    text = TRY_NEXT.format(
        bankalerts=command(),
        account=bank.accounts[0].account_id,
        customer=FIRST_CUSTOMER_ID,
    )
    console.print(text, soft_wrap=True, highlight=False, markup=False)


def command() -> str:
    """How to call this program from the current folder, whether its virtual environment is active or not."""
    beside_python = Path(sys.executable).with_name("bankalerts")
    if shutil.which("bankalerts") or not beside_python.is_relative_to(Path.cwd()):
        return "bankalerts"
    return str(beside_python.relative_to(Path.cwd()))


def _figures_table(entries: int, figures: Figures) -> Table:
    table = Table("this run", title_justify="left")
    table.add_column("count", justify="right")
    table.add_row("events", f"{entries:,}")
    for alert_type, count in figures.alerts.items():
        table.add_row(f"alerts {alert_type}", f"{count:,}")
    table.add_row("alerts", f"{sum(figures.alerts.values()):,}")
    return table


def _messages_table(figures: Figures) -> Table:
    table = Table("messages")
    for state in STATES:
        table.add_column(state.lower(), justify="right")
    for channel in sorted({channel for channel, _ in figures.messages}):
        table.add_row(channel, *(f"{figures.messages.get((channel, state), 0):,}" for state in STATES))
    return table
