"""The reference for every alert type, explain and dry run."""

from pathlib import Path

from alembic import op

from migrations.script import restore_functions, run, run_script

revision = "0012"
down_revision = "0011"

# each before what it is made of
FUNCTIONS = (
    *(
        "run_statements",
        "dry_run",
        "explain",
        "explained",
        "expected_alerts",
        "judged",
        "judge",
        "sound_query",
        "entity_of",
        "timer_stands",
    ),
    *(
        "judging_query",
        "supposed_timers",
        "defaults_query",
        "window_query",
        "aggregate_query",
        "candidates_query",
        "version_query",
        "status_query",
        "kind_parts",
    ),
    *("filled", "seen_before"),
)


def upgrade() -> None:
    run(Path(__file__).with_name("0012_judging.sql").read_text())
    run_script(__file__)


def downgrade() -> None:
    for name in FUNCTIONS:
        op.execute(f"drop function audit.{name}")
    op.execute("drop view audit.event")
    op.execute("drop type audit.judgement, audit.seen_place")
    restore_functions("0006_reference", "audit.expected_alerts")
    run(
        "comment on function audit.expected_alerts is 'The alerts that the events booked from p_from to p_until should have"
        " led to, by the state and catalogue versions stamped on them (design 4).'"
    )
