"""The reference for every alert type, explain and dry run."""

from migrations.script import run_script

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    pass
