"""Timers: something did not happen, a scheduled report."""

from migrations.script import run_script

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    pass
