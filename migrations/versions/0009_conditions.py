"""Conditions in the whole subset: CASE, functions, LIKE, time, JSON, history; and the other expressions of an alert type."""

from pathlib import Path

from alembic import op

from migrations.script import restore_functions, run, run_script

revision = "0009"
down_revision = "0008"

GRAMMAR, CHECK = (Path(__file__).with_name(f"0009_condition_{part}.sql") for part in ("grammar", "check"))
FUNCTIONS = (
    *("check_expression", "expression_sql", "operator_allowed", "parse_expression", "parse_operation", "parse_range"),
    *("parse_operand", "parse_primary", "parse_extract", "parse_case", "parse_call", "parse_list", "parse_value"),
    *("listed", "alike", "of_kind", "taken", "expression_tokens", "refuse_token"),
    *("time_part", "part_of", "nearby", "is_like", "replaced", "joined", "integer_of", "property"),
    *("text_parameter", "boolean_parameter", "integer_parameter", "readable_columns"),
)
COMMENTS = """
comment on function bank.condition_sql is 'A condition as PostgreSQL evaluates it, over "event" and "preference".';
comment on function bank.condition_form is
    'A condition with one letter for each word and sign: x value, k NULL, TRUE or FALSE, + plus or minus, = any comparison, A AND, O OR, '
    'N NOT, I IN, S IS, B BETWEEN. Refuses other words and signs: what is left can reach no table and no function.';
"""  # noqa: E501


def upgrade() -> None:
    run_script(__file__)
    run(GRAMMAR.read_text())
    run(CHECK.read_text())


def downgrade() -> None:
    restore_functions("0002_alert_types", "bank.condition_sql", "bank.condition_form", "bank.check_condition")
    restore_functions("0008_alert_type", "bank.check_expressions")
    run(COMMENTS)
    for function in FUNCTIONS:
        op.execute(f"drop function bank.{function}")
    op.execute("drop type bank.expression_part")
    op.execute("drop type bank.expression_token")
