"""An index for what operators ask of messages that ended, made without keeping writers out; receipts that say "not yet".

PostgreSQL builds no index of a partitioned table CONCURRENTLY: so first the parent's alone, which new partitions take after,
then one for each partition, then all are joined. The script beside this one answers with those commands; what was interrupted
is done again from the start. With --sql, psql runs what it answers (\\gexec).
"""

from pathlib import Path

from alembic import op

from migrations.script import run_made_commands

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    _allow("DELIVERED", "BOUNCED", "FAILED", "DELAYED")
    run_made_commands(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    op.execute("drop index if exists alerting.outbox_ended")
    op.execute("delete from alerting.receipt where status = 'DELAYED'")
    _allow("DELIVERED", "BOUNCED", "FAILED")


def _allow(*statuses: str) -> None:
    """What a receipt may say; DELAYED: not delivered yet and still tried, which settles nothing."""
    op.execute("alter table alerting.receipt drop constraint status_is_known")
    op.execute(f"alter table alerting.receipt add constraint status_is_known check (status in {statuses})")
