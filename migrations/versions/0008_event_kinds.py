"""The other event kinds, preferences of customers, and what alert types can say."""

from pathlib import Path

from alembic import op

from migrations.script import restore_functions, run, run_script

revision = "0008"
down_revision = "0007"

HERE = Path(__file__).parent
COLUMNS = (
    *("mandatory", "default_channels", "purpose", "window_aggregate", "window_value", "window_group", "window_condition"),
    *("window_length", "window_lateness", "cool_down", "rearm_margin", "rearm_condition"),
    *("timer_arm", "timer_cancel", "timer_key", "timer_after", "timer_schedule"),
)
FUNCTIONS = (
    *("put_alert_type", "check_type_shape", "check_window", "check_schedule", "check_expressions", "type_uses_balance"),
    *("check_preference", "statuses_of", "check_code", "window_columns", "is_card_number", "check_card_authorisation"),
)
ROW_FUNCTIONS = (
    *("check_customer_preference", "lock_customer_preference", "set_customer_version", "raise_customer_version"),
    *("start_customer_version", "guard_customer"),
    *("stamp_card_authorisation", "stamp_payment_order", "stamp_customer_activity"),
)
NEWER = (
    "event_kind <> 'ACCOUNT_ENTRY' or mandatory or statuses = '{}'"
    " or window_aggregate is not null or timer_arm is not null or timer_schedule is not null"
)
ACCOUNT_TABLES = (
    *("bank.account", "bank.account_permission", "bank.alert_preference"),
    *("audit.account_permission_history", "audit.alert_preference_history"),
)


def upgrade() -> None:
    run_script(__file__)
    for script in ("0008_customer_preference", "0008_parameters", "0008_alert_type"):
        run((HERE / f"{script}.sql").read_text())


def downgrade() -> None:
    op.execute("drop publication bankalerts")
    # what the older schema cannot say: its alert types and alerts
    for table in ("bank.alert_preference", "bank.customer_preference", "bank.message_template", "bank.alert_type"):
        op.execute(f"delete from {table} where alert_type in (select alert_type from bank.alert_type where {NEWER})")  # noqa: S608
    op.execute("delete from alerting.alert where account_id is null")
    for function in FUNCTIONS:
        op.execute(f"drop function bank.{function}")
    op.execute("comment on column bank.alert_type.statuses is null")
    for table in ("bank.alert_type", "audit.alert_type_history"):
        op.execute(f"alter table {table} {', '.join(f'drop column {column}' for column in COLUMNS)}")
    for table in ("customer_preference", "card_authorisation", "payment_order", "customer_activity"):
        op.execute(f"drop table bank.{table}")
    op.execute("drop table audit.customer_preference_history")
    for trigger in ("start_state_version", "guard_customer", "guard_state_version", "refuse_truncate", "check_row"):
        op.execute(f"drop trigger {trigger} on bank.customer")
    op.execute("alter table bank.customer drop column state_version")
    op.execute("alter table bank.account_entry drop column transaction_id, drop column seen_below")
    for function in ROW_FUNCTIONS:
        op.execute(f"drop function bank.{function}")
    op.execute("drop function audit.record_customer_preference")
    op.execute("drop trigger check_row on bank.account")
    for table in ACCOUNT_TABLES:
        op.execute(f'alter table {table} alter column account_id type text collate "default"')
    op.execute(
        "create trigger check_row before insert or update of account_id, iban, currency, product, time_zone on bank.account"
        " for each row execute function bank.check_account()"
    )
    restore_functions("0001_bank", "bank.check_customer")
    op.execute(
        "create trigger check_row before insert or update on bank.customer for each row execute function bank.check_customer()"
    )
    restore_functions(
        *("0002_alert_types", "bank.check_declared", "bank.check_alert_type", "bank.check_parameters"),
        *("bank.check_preferences_fit", "bank.check_alert_preference", "bank.note_template_uses_balance"),
    )
    restore_functions("0003_account_entry", "bank.stamp_account_entry")
    restore_functions("0004_state_version", "audit.record_alert_type")
    restore_functions("0005_alerting", "alerting.add_partitions")
    op.execute("alter table alerting.alert drop constraint one_alert_per_event_and_preference")
    op.execute("alter table alerting.alert alter column account_id set not null")
    op.execute(
        "alter table alerting.alert add constraint one_alert_per_event_and_preference"
        " unique (event_id, event_date, event_kind, account_id, customer_id, alert_type, preference_no)"
    )
    for column in ("account_id", "preference_no"):
        op.execute(f"comment on column alerting.alert.{column} is null")
    run(
        "comment on column bank.alert_type.parameters is 'What a preference must give:"
        ' {"name": {"type": "integer" | "text" | "boolean", "minimum": ..., "maximum": ...}}.\''
    )
    run((HERE / "0007_capture.sql").read_text())
