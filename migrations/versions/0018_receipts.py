"""What providers say later: delivered, bounced."""

from alembic import op

from migrations.script import run_script

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop function alerting.apply_receipt(text, text, text, text, timestamptz, text[])")
    op.execute("drop table alerting.refused_receipt, alerting.receipt")
    op.execute("drop index alerting.delivery_attempt_of_provider_ref")
