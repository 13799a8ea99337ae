"""Conditions in the whole subset."""

from migrations.script import run_script

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    pass
