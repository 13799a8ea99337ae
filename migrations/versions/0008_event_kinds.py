"""The other event kinds, preferences of customers, and what alert types can say."""

from migrations.script import run_script

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    pass
