"""The publication: what Debezium captures."""

from alembic import op

from migrations.script import run_script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop publication bankalerts")
