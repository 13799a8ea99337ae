"""Account entries: the first kind of event."""

from alembic import op

from migrations.script import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop function bank.check_account_entry")
    op.execute("drop table bank.account_entry")
    for function in ("stamp_account_entry", "check_amount", "check_date"):
        op.execute(f"drop function bank.{function}")
