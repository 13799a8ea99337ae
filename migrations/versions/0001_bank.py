"""The bank schema: customers, accounts, permissions, preferences, alert types and account entries."""

from alembic import op

from migrations.script import run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop schema bank cascade")
