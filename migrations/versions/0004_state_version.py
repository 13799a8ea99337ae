"""State versions, stamps and the history of permissions, preferences and alert types."""

from alembic import op

from migrations.script import run_script

revision = "0004"
down_revision = "0003"

RAISES = ("raise_state_version_1", "raise_state_version_2", "raise_state_version_3")
TRIGGERS = {
    "account": ("start_state_version", "guard_account", "guard_state_version"),
    "account_permission": ("lock_row", "set_state_version", *RAISES),
    "alert_preference": ("lock_row", "set_state_version", *RAISES),
    "alert_type": ("raise_catalogue_version_1", "raise_catalogue_version_2", "raise_catalogue_version_3"),
    "catalogue": ("guard_catalogue",),
}


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    op.execute("drop schema audit cascade")
    for table, triggers in TRIGGERS.items():
        for trigger in triggers:
            op.execute(f"drop trigger {trigger} on bank.{table}")
    for function in (
        "start_state_version",
        "guard_account",
        "lock_account_permission",
        "lock_alert_preference",
        "set_state_version",
        "raise_state_version",
        "raise_catalogue_version",
    ):
        op.execute(f"drop function bank.{function}")
