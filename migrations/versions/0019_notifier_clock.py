"""Notifier clock."""

from alembic import op

from migrations.script import run_script

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("select 1")
