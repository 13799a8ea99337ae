"""Seals: a hash chain over alerts and the ends of messages, made afterwards."""

from pathlib import Path

from alembic import op

from migrations.script import run, run_made_commands, run_script

revision = "0026"
down_revision = "0025"

FUNCTIONS = (
    "sign_seal",
    "seal_next",
    "seal_kind",
    "seal_erasures",
    "seal_receipts",
    "seal_messages",
    "leaf_of_message",
    "seal_alerts",
    "row_settled_until",
)


def upgrade() -> None:
    run_script(__file__)
    run(Path(__file__).with_name("0026_erasure.sql").read_text())
    run_made_commands(Path(__file__).with_name("0026_sealing_indexes.sql").read_text())


def downgrade() -> None:
    op.execute("drop index alerting.alert_written, alerting.receipt_received")
    op.execute("drop function alerting.erase_customer, alerting.forget_targets, alerting.refuse_erasure, audit.open_evidence")
    op.execute("drop function alerting.seal_evidence_of")
    op.execute("drop function " + ", ".join(f"alerting.{function}" for function in FUNCTIONS))
    op.execute("drop table alerting.seal_mark, alerting.seal_until, alerting.seal_entry, alerting.seal")
