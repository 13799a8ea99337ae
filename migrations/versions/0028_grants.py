"""What each role may do; alerts are never changed."""

from alembic import op

from migrations.script import run_script

revision = "0028"
down_revision = "0027"

ROLES = "app core capture engine notifier designer auditor operator caretaker"
CHANNELS = "email sms push webhook inbox"
OWN_RIGHTS = """
check_alert_type guard_account guard_customer keep_replaced_address lock_account_permission lock_alert_preference lock_customer_preference
note_template_uses_balance raise_catalogue_version raise_customer_version raise_state_version restart_timers
set_customer_version set_state_version start_customer_version start_state_version start_timers
"""


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    for role in ROLES.split():
        for schema in ("bank", "alerting", "audit", "vault"):
            for objects in ("tables", "sequences", "functions"):
                op.execute(f"revoke all on all {objects} in schema {schema} from bankalerts_{role}")
            op.execute(f"revoke all on schema {schema} from bankalerts_{role}")
    op.execute("grant execute on all functions in schema alerting, audit to public")
    op.execute("revoke pg_monitor from bankalerts_operator, bankalerts_caretaker")
    for channel in CHANNELS.split():
        op.execute(f"revoke bankalerts_notifier from bankalerts_notifier_{channel}")
    op.execute("drop trigger alert_is_never_changed on alerting.alert")
    op.execute("drop trigger alerts_are_never_truncated on alerting.alert")
    op.execute("drop function alerting.refuse_change()")
    for function in OWN_RIGHTS.split():
        op.execute(f"alter function bank.{function}() security invoker reset search_path")
    for function in ("pause(text, text)", "resume(text)", "brake(text, bigint, bigint)"):
        op.execute(f"alter function alerting.{function} security invoker reset search_path")
