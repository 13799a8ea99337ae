"""What a message keeps between its claims: its place in the window of a throttled type."""

from alembic import op

from migrations.script import run_script

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("alter table alerting.outbox_due drop column has_place")
