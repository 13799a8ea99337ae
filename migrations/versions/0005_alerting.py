"""The alerting schema: alerts, outbox, attempts, positions, quarantine."""

from alembic import op

from migrations.script import run_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop schema alerting cascade")
