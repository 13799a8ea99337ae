"""What the engine remembers of events: the order they were seen in, last-seen rows, cool-downs."""

from migrations.script import run_script

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    pass
