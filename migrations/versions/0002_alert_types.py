"""Alert types, message templates and preferences."""

from alembic import op

from migrations.script import run_script

revision = "0002"
down_revision = "0001"

TABLES = ("alert_preference", "message_template", "alert_type", "catalogue")
FUNCTIONS = (
    *("check_alert_preference", "check_message_template", "note_template_uses_balance", "check_alert_type"),
    *("check_preferences_fit", "check_parameters", "check_declared"),
    *("check_condition", "condition_form", "condition_sql"),
)


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop table bank.{table}")
    for function in FUNCTIONS:
        op.execute(f"drop function bank.{function}")
