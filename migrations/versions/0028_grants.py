"""Grants."""

from alembic import op

from migrations.script import run_script

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("select 1")
