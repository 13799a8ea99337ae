"""What a message keeps between its claims: its place in a throttled type's window; which digest told it."""

from alembic import op

from migrations.script import restore_functions, run_script

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    restore_functions("0018_receipts", "alerting.apply_receipt")
    was = "The name of the provider that was called; null where none was."
    op.execute(f"comment on column alerting.delivery_attempt.provider is '{was}'")
    op.execute("alter table alerting.outbox_due drop column has_place")
