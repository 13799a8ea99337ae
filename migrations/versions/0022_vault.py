"""The vault: a key for each customer, and what is sealed with it."""

from alembic import op

from migrations.script import run_script

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop function vault.destroy_key, vault.commitment_of_sealed, vault.commitment, vault.open, vault.seal")
    op.execute("drop function vault.keystream_xor")
    op.execute("drop function vault.key_for, vault.make_keys")
    op.execute("drop table vault.erased_customer, vault.customer_key")
    op.execute("drop schema vault")
