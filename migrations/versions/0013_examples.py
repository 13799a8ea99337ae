"""Examples of alert types: events in, alerts out. They run as tests."""

from alembic import op

from migrations.script import run_script

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop table bank.alert_type_example")
