"""What the engine remembers of events: the order they were seen in, last-seen rows, cool-downs, parked types."""

from alembic import op

from migrations.script import run_script

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute(
        "drop table alerting.parked_type, alerting.preference_memory, alerting.last_seen, alerting.seen_event;"
        " drop sequence alerting.seen_no"
    )
