"""The reference query and the outbox history, for auditors."""

from alembic import op

from migrations.script import run_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop view audit.outbox_history")
    op.execute("drop function audit.expected_alerts")
