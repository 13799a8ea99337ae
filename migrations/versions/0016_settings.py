"""What customers and the bank settle of delivery: consent, quiet hours, replaced addresses, rules of types, inbox."""

from alembic import op

from migrations.script import restore_functions, run_script

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop table bank.inbox_message, bank.webhook_secret, bank.delivery_rule, bank.customer_consent")
    op.execute("drop function bank.check_webhook_secret, bank.check_delivery_rule, bank.check_customer_consent")
    op.execute("drop trigger keep_replaced_address on bank.contact_address")
    op.execute("drop function bank.keep_replaced_address")
    op.execute("drop table bank.replaced_address")
    op.execute("alter table bank.push_device drop column registered_at, drop column retired_at, drop column retired_reason")
    restore_functions("0001_bank", "bank.check_contact_address", "bank.check_push_device")
    op.execute("delete from bank.contact_address where channel = 'WEBHOOK'")
    op.execute("delete from bank.message_template where channel in ('WEBHOOK', 'INBOX')")
    op.execute("delete from bank.channel where channel in ('WEBHOOK', 'INBOX')")
    op.execute("drop trigger check_status on bank.account")
    op.execute("drop function bank.check_account_status")
    op.execute("alter table bank.account drop column status")
    op.execute("drop trigger check_settings on bank.customer")
    op.execute("drop function bank.check_customer_settings")
    op.execute(
        "alter table bank.customer drop column contact_status, drop column quiet_from, drop column quiet_until,"
        " drop column shows_balance"
    )
