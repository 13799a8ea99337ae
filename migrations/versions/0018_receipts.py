"""What providers say later: delivered, bounced."""

from migrations.script import run_script

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    pass
