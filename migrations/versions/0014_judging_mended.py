"""Judging mended: schedules in quotes, what a type with a timer cannot have, customers who move, timers armed again."""

from alembic import op

from migrations.script import restore_functions, run_script

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("alter table alerting.timer drop column earlier_armed_at")
    op.execute("drop trigger restart_timers on bank.customer")
    op.execute("drop function bank.restart_timers")
    restore_functions("0009_conditions", "bank.of_kind")
    restore_functions("0008_alert_type", "bank.check_schedule", "bank.check_type_shape")
