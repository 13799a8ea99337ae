"""The roles: who owns what, and who may do what."""

from alembic import op

from migrations.script import run_script

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    """The roles stay: they belong to the cluster, and another database of it may use them."""
    op.execute("alter function alerting.add_partitions(date, date) security invoker reset search_path")
    op.execute("select alerting.take_ownership(current_user)")
    op.execute("drop view audit.grants")
    op.execute("drop function alerting.take_ownership(name)")
    op.execute("drop function bank.acting_for()")
