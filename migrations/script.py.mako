"""${message}."""

from migrations.script import run_script

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
