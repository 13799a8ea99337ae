"""Timers: something did not happen, a scheduled report."""

from alembic import op

from migrations.script import run_script

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    for function in ("next_due(jsonb, jsonb, text, timestamptz)", "wall_time(timestamp, text)"):
        op.execute(f"drop function audit.{function}")
    op.execute("drop function audit.schedule_part(jsonb, jsonb, text, integer, integer)")
    op.execute("drop table alerting.timer_cancel, alerting.timer")
    op.execute("drop trigger start_timers_2 on bank.alert_type")
    for table in ("alert_preference", "customer_preference"):
        op.execute(f"drop trigger start_timers_1 on bank.{table}")
        op.execute(f"drop trigger start_timers_2 on bank.{table}")
    op.execute("drop table bank.timer_event")
    for function in ("start_timers()", "stamp_timer_event()"):
        op.execute(f"drop function bank.{function}")
