"""What each role may do, and which rows it sees; alerts are never changed."""

from alembic import op

from migrations.script import VERSIONS, run, run_script

revision = "0027"
down_revision = "0026"

ROLES = "app core capture engine notifier designer auditor operator caretaker"
GUARDED = """
customer account account_permission contact_address push_device customer_consent customer_preference alert_preference
webhook_secret inbox_message replaced_address
"""
CHANNELS = "email sms push webhook inbox"
OWN_RIGHTS = """
check_alert_type guard_account guard_customer keep_replaced_address lock_account_permission
lock_alert_preference lock_customer_preference note_template_uses_balance raise_catalogue_version
raise_customer_version raise_state_version restart_timers set_customer_version set_state_version
start_customer_version start_state_version start_timers
"""
TRIGGERS_TO_PUBLIC = """
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_proc p where p.pronamespace = 'bank'::regnamespace and p.prorettype = 'trigger'::regtype loop
    execute format('grant execute on function %s to public', v_function);
  end loop;
end
$$
"""


def upgrade() -> None:
    run_script(__file__)
    run((VERSIONS / "0027_row_security.sql").read_text())


def downgrade() -> None:
    _show_all_rows()
    _take_back_grants()
    op.execute("drop trigger alert_is_never_changed on alerting.alert")
    op.execute("drop trigger alerts_are_never_truncated on alerting.alert")
    op.execute("drop function alerting.refuse_change()")
    for function in OWN_RIGHTS.split():
        op.execute(f"alter function bank.{function}() security invoker reset search_path")
    for function in ("pause(text, text)", "resume(text)", "brake(text, bigint, bigint)"):
        op.execute(f"alter function alerting.{function} security invoker reset search_path")
    for function in ("alerting.make_messages()", "alerting.make_due()", "audit.record_alert_type()"):
        op.execute(f"alter function {function} set search_path = pg_catalog")


def _show_all_rows() -> None:
    for view in ("event", "outbox_history", "grants"):
        op.execute(f"alter view audit.{view} reset (security_invoker)")
    for table in GUARDED.split():
        for policy in ("all_rows", "own_rows", "notified_rows", "channel_rows"):
            op.execute(f"drop policy if exists {policy} on bank.{table}")
        op.execute(f"alter table bank.{table} no force row level security")
        op.execute(f"alter table bank.{table} disable row level security")
    op.execute("drop function bank.channels_read()")


def _take_back_grants() -> None:
    for role in ROLES.split():
        for schema in ("bank", "alerting", "audit", "vault"):
            for objects in ("tables", "sequences", "functions"):
                op.execute(f"revoke all on all {objects} in schema {schema} from bankalerts_{role}")
            op.execute(f"revoke all on schema {schema} from bankalerts_{role}")
    op.execute("grant execute on all functions in schema alerting, audit to public")
    run(TRIGGERS_TO_PUBLIC)
    op.execute("revoke pg_monitor from bankalerts_operator, bankalerts_caretaker")
    for channel in CHANNELS.split():
        op.execute(f"revoke bankalerts_notifier from bankalerts_notifier_{channel}")
