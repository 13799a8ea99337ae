"""Who may do what: as `audit.grants` says, as it turns out when each role tries, and as docs/sql-contract.md tells it.

`python -m tests.grants_matrix` writes the table in that page anew (make grants).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.running_stack import ALL_BUT_POSTGRES, running_stack

PAGE = Path(__file__).parents[1] / "docs" / "sql-contract.md"
BEGIN, END = "<!-- grants: written by `make grants` -->\n", "<!-- end of grants -->\n"
ROLES = (
    *("app", "core", "capture", "engine", "notifier", "notifier_email", "notifier_sms", "notifier_push", "notifier_webhook"),
    *("notifier_inbox", "designer", "approver", "auditor", "operator", "caretaker"),
)
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
# All members of this group have its rights.
GROUP = "notifier"

Connection = psycopg.Connection[Any]
Right = tuple[str, str, str]  # role, table, verb

TABLES = """
select n.nspname || '.' || c.relname, c.relkind
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname in ('bank', 'alerting', 'audit', 'vault') and c.relkind in ('r', 'p', 'v') and not c.relispartition order by 1
"""
COLUMNS = """
select attname from pg_attribute
 where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = '' and attidentity <> 'a' order by attnum
"""
GRANTED = """
select substr(role, 12), schema_name || '.' || object_name, kind, verb, array_agg(column_name order by column_name)
  from audit.grants where role like 'bankalerts\\_%' and kind in ('TABLE', 'VIEW', 'FUNCTION', 'SEQUENCE') group by 1, 2, 3, 4
"""


def granted(connection: Connection) -> set[Right]:
    """What the database says, columns aside; members of the group have its rights."""
    rows = connection.execute(GRANTED.encode()).fetchall()
    found = {(role, name, verb) for role, name, kind, verb, _ in rows if kind in ("TABLE", "VIEW") and verb in VERBS}
    members = [role for role in ROLES if role.startswith(f"{GROUP}_")]
    return found | {(member, name, verb) for role, name, verb in found if role == GROUP for member in members}


def tried(connection: Connection, as_role: Callable[[str], Any]) -> set[Right]:
    """What each role could do: every verb on every table, planned but not done. `as_role`: a context with its connection."""
    tables = connection.execute(TABLES.encode()).fetchall()
    columns = {name: [column for (column,) in connection.execute(COLUMNS, [name])] for name, _ in tables}
    found = set()
    for role in ROLES:
        with as_role(role) as trying:
            for name, kind in tables:
                for verb in VERBS[: 1 if kind == "v" else None]:
                    if any(_may(trying, statement) for statement in _attempts(verb, name, columns[name])):
                        found.add((role, name, verb))
    return found


def _attempts(verb: str, name: str, columns: list[str]) -> Iterator[sql.Composed]:
    """The verb on the table. A right on one column is enough: counting and inserting defaults want no more."""
    table = sql.Identifier(*name.split("."))
    if verb == "UPDATE":
        yield from (sql.SQL("explain update {} set {} = null").format(table, sql.Identifier(column)) for column in columns)
        return
    attempt = {
        "SELECT": "explain select count(*) from {}",
        "INSERT": "explain insert into {} default values",
        "DELETE": "explain delete from {}",
        "TRUNCATE": "truncate {}",
    }
    yield sql.SQL(attempt[verb]).format(table)


def _may(connection: Connection, statement: sql.Composed) -> bool:
    """Whether it is not refused for want of a right; what else is wrong with it does not matter. Nothing stays of it."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.Error:
        return True
    return True


@contextmanager
def by_set_role(connection: Connection, role: str) -> Iterator[Connection]:
    connection.execute(f"set role bankalerts_{role}".encode())
    yield connection
    connection.execute("reset role")


def page(connection: Connection) -> str:
    """The matrix as Markdown: a table for each role that has rights of its own."""
    rights: dict[str, dict[str, dict[str, list[str | None]]]] = {}
    for role, name, kind, verb, columns in connection.execute(GRANTED.encode()).fetchall():
        short = name.partition("(")[0] + "()" if kind == "FUNCTION" else name
        rights.setdefault(role, {}).setdefault(short, {})[verb] = columns
    lines = []
    for role in ROLES:
        if role not in rights:
            continue
        lines += [f"#### bankalerts_{role}", "", "| what | may |", "|---|---|"]
        by_right: dict[str, list[str]] = {}
        for name, verbs in sorted(rights[role].items()):
            by_right.setdefault(_verbs(verbs), []).append(f"`{name}`")
        lines += [f"| {', '.join(names)} | {may} |" for may, names in by_right.items()]
        lines.append("")
    return "\n".join(lines) + "\n"


def _verbs(verbs: dict[str, list[str | None]]) -> str:
    found = []
    for verb in (*VERBS, "USAGE", "EXECUTE"):
        columns = [column for column in verbs.get(verb, []) if column is not None]
        if verb in verbs:
            found.append(f"{verb} of {', '.join(f'`{column}`' for column in columns)}" if columns else verb)
    return ", ".join(found)


def with_matrix(text: str, matrix: str) -> str:
    """The page with this matrix between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + matrix + END + after


def main() -> None:
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder) / "home", *without) as running,
        psycopg.connect(running.settings.database_url) as connection,
    ):
        PAGE.write_text(with_matrix(PAGE.read_text(encoding="utf-8"), page(connection)), encoding="utf-8")


if __name__ == "__main__":
    main()
