"""History with its authors: the app's user, each change of what decides about messages, and what was the case at a time.

The two indexes come first and CONCURRENTLY, so that nobody waits for them; what was interrupted is done again from the start.
"""

from alembic import op

from migrations.script import VERSIONS, restore_functions, run, run_script

revision = "0023"
down_revision = "0022"

BY_CUSTOMER = ("account_permission_history", "alert_preference_history")
VERSIONED = (*BY_CUSTOMER, "customer_preference_history")
RECORDED = (
    "bank.customer",
    "bank.account",
    "bank.contact_address",
    "bank.push_device",
    "bank.customer_consent",
    "bank.webhook_secret",
    "bank.message_template",
    "bank.delivery_rule",
    "bank.alert_type",
    "alerting.channel_policy",
    "alerting.pilot",
    "alerting.pilot_customer",
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for table in BY_CUSTOMER:
            run(f"drop index concurrently if exists audit.{table}_of_customer;")
            run(f"create index concurrently {table}_of_customer on audit.{table} (customer_id, began_at);")
    run_script(__file__)
    run((VERSIONS / "0023_history_at.sql").read_text())


def downgrade() -> None:
    for table in RECORDED:
        op.execute(f"drop trigger if exists record_change on {table}")
        op.execute(f"drop trigger if exists record_change_2 on {table}")
        op.execute(f"drop trigger if exists record_change_3 on {table}")
    op.execute("alter function audit.explain(text, text, bigint) reset all")
    op.execute("drop function audit.messages_ended, audit.alerts_of_customer, audit.changes_of, audit.templates_at")
    op.execute("drop function audit.permissions_at")
    op.execute("drop function audit.preferences_at, audit.consents_at, audit.addresses_at, audit.rows_at")
    op.execute("drop function audit.record_change, audit.note_change, audit.row_key")
    op.execute("drop table audit.change, audit.recorded_table")
    op.execute("drop sequence audit.change_no")
    restore_functions("0004_state_version", "audit.record_account_permission", "audit.record_alert_preference")
    restore_functions("0008_customer_preference", "audit.record_customer_preference")
    for table in VERSIONED:
        op.execute(f"alter table audit.{table} drop column began_app_user, drop column ended_app_user")
    for table in BY_CUSTOMER:
        op.execute(f"drop index audit.{table}_of_customer;")
