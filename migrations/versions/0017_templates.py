"""A broken template is refused when it is written."""

from alembic import op

from migrations.script import restore_functions, run_script

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop trigger refuse_change on bank.message_template")
    restore_functions("0002_alert_types", "bank.check_message_template")
    op.execute("drop function bank.template_fault(text, text)")
    op.execute("drop function bank.template_kind(text, jsonb)")
    op.execute("drop function bank.template_names(bank.alert_type)")
