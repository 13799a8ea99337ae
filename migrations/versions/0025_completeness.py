"""What capture is to be, and what holds up the engines when it is not."""

from alembic import op

from migrations.script import run_script

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop function alerting.accept_restore(text)")
    op.execute("drop function alerting.end_halt(text, text)")
    op.execute("drop function alerting.open_halt(text, text)")
    op.execute("drop function alerting.record_identity(text)")
    op.execute("drop function alerting.capture_findings()")
    op.execute("drop function alerting.database_identity()")
    op.execute("drop table alerting.halt")
    op.execute("drop table alerting.captured_table")
    op.execute("drop table alerting.capture_identity")
