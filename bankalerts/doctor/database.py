"""Checks of the database itself: its schema, its settings, and what keeps it from cleaning up."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from bankalerts.doctor.check import Asked, Finding

PROJECT = Path(__file__).parents[2]
LONGEST_TRANSACTION_S = 600
DEAD_MAX = 10_000
NOTICES_MAX = 0.25
# Values of refused rows, and parameters, must not reach the server's log.
LOG = {"log_error_verbosity": ("terse",), "log_min_error_statement": ("panic", "fatal"), "log_statement": ("none", "ddl")}
LOG_REMEDY = {"log_error_verbosity": "terse", "log_min_error_statement": "panic", "log_statement": "none"}


def migrations(asked: Asked) -> list[Finding]:
    """The database is at the head of the migrations."""
    config = Config()
    config.set_main_option("script_location", str(PROJECT / "migrations"))
    head = ScriptDirectory.from_config(config).get_current_head()
    found = asked.one("read_version")
    if found == head:
        return []
    return [Finding("FAULT", f"the database is at migration {found}, this version wants {head}", "alembic upgrade head")]


def wal_level(asked: Asked) -> list[Finding]:
    """Changes can be decoded."""
    level = _settings(asked, "wal_level")["wal_level"]
    return wal_level_findings(level)


def wal_level_findings(level: str) -> list[Finding]:
    """What is wrong with this value of wal_level."""
    if level == "logical":
        return []
    text = f"wal_level is {level}: nothing can be captured"
    return [Finding("FAULT", text, "alter system set wal_level = 'logical';", "it counts after a restart of PostgreSQL")]


def server_log(asked: Asked) -> list[Finding]:
    """The server's log leaves out values of rows: an address, a description, a webhook's secret."""
    found = _settings(asked, *LOG)
    return [
        Finding(
            "FAULT",
            f"{name} is {found[name]}: values of rows, which may be personal data, get into the server's log",
            f"alter system set {name} = '{LOG_REMEDY[name]}';",
            "it counts after `select pg_reload_conf();`; where the command line sets it, change that",
        )
        for name, allowed in LOG.items()
        if found[name] not in allowed
    ]


def oldest_transaction(asked: Asked) -> list[Finding]:
    """No transaction is so old that dead rows pile up behind it: claims get slower, and the slot keeps its WAL."""
    open_ones = [
        Finding(
            "WARNING",
            f"a transaction of {row[1]} ({row[2] or 'no name'}, {row[3]}) has been open for {row[4] / 60:.0f} minutes:"
            " dead rows behind it cannot be removed",
            f"select pg_terminate_backend({row[0]});",
            "its transaction is rolled back",
        )
        for row in asked.rows("read_transactions", seconds=LONGEST_TRANSACTION_S)
    ]
    prepared = [
        Finding(
            "WARNING",
            f"prepared transaction {gid} has waited for {seconds / 60:.0f} minutes: dead rows behind it cannot be removed",
            f"rollback prepared {_literal(gid)};",
            "ask its owner first: it may have to be committed",
        )
        for gid, seconds in asked.rows("read_prepared", seconds=LONGEST_TRANSACTION_S)
    ]
    return open_ones + prepared


def dead_tuples(asked: Asked) -> list[Finding]:
    """No table has more dead rows than living ones."""
    return [
        Finding("WARNING", f"{table} has {dead} dead rows beside {live} living ones: claims slow down", f"vacuum {table};")
        for table, dead, live in asked.rows("read_dead_tuples", most=DEAD_MAX)
    ]


def notice_queue(asked: Asked) -> list[Finding]:
    """The queue of notices is not filling: when it is full, no transaction with a message commits."""
    usage = float(asked.one("read_notice_queue"))
    return notice_findings(usage, [pid for (pid,) in asked.rows("read_listeners")])


def notice_findings(usage: float, pids: list[int]) -> list[Finding]:
    """What is wrong with a queue this full (0 to 1); `pids` may hold it up."""
    if usage <= NOTICES_MAX:
        return []
    text = (
        f"the queue of notices is {usage:.0%} full: a session that listens does not read; when it is full, no alert is written"
    )
    who = f"select pg_terminate_backend({pids[0]});" if pids else "select pg_listening_channels();"
    return [Finding("FAULT", text, who, "end the session with the oldest transaction among those that listen")]


def _settings(asked: Asked, *names: str) -> dict[str, str]:
    return dict(asked.rows("read_settings", names=list(names)))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
