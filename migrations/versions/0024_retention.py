"""Retention: how long each class of data is kept, and what makes and lets go of partitions."""

from alembic import op

from migrations.script import run_script

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop function alerting.delete_old, alerting.detach_partition, alerting.make_partition")
    op.execute("drop function alerting.check_nothing_due, alerting.due_partitions, alerting.missing_partitions")
    op.execute("drop table audit.maintenance, audit.retention_policy")
    op.execute("drop function audit.check_retention_policies, audit.stamp_retention_policy")
