"""Templates are checked when they are written."""

from migrations.script import run_script

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    pass
