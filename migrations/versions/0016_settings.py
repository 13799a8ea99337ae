"""What customers and operators settle of delivery: consent, quiet hours, addresses that were replaced."""

from migrations.script import run_script

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    pass
