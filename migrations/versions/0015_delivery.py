"""What is known of a message's way: attempts whose outcome is unknown, holds, fallbacks, pauses."""

from migrations.script import run_script

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    pass
