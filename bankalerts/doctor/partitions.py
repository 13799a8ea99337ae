"""Checks of partitions: those of the coming months are there, and no row had to go into a default one."""

from __future__ import annotations

from datetime import date, timedelta

from bankalerts.doctor.check import Asked, Finding

MONTHS_AHEAD = 2


def partitions_ahead(asked: Asked) -> list[Finding]:
    """Each partitioned table has its partitions of this month and the two after it."""
    missing: dict[str, list[str]] = {}
    for table, month in asked.rows("read_partitions_missing", months=MONTHS_AHEAD):
        missing.setdefault(month, []).append(table)
    return [
        Finding(
            "WARNING",
            f"{len(tables)} tables have no partition for {month}: {', '.join(tables)}",
            f"select alerting.add_partitions('{month}-01', '{month}-01');",
        )
        for month, tables in missing.items()
    ]


def retention(asked: Asked) -> list[Finding]:
    """No partition is older than its policy says."""
    return [
        Finding(
            "WARNING",
            f"{partitions} partitions of {data_class} should be gone by audit.retention_policy, the oldest ended {until}",
            "bankalerts maintain",
            "run it each day",
        )
        for data_class, partitions, until in asked.rows("count_due_partitions")
    ]


def default_partitions(asked: Asked) -> list[Finding]:
    """The default partitions are empty: rows in them stay for ever, as no policy drops a default partition."""
    return [
        Finding(
            "WARNING",
            f"{table}_default holds rows of {first} to {last}: their month had no partition",
            renaming(table, first, last),
            "the default partition becomes that of those months; the table is locked while these rows are looked at",
        )
        for table, first, last in asked.rows("read_default_rows")
    ]


def renaming(table: str, first: date, last: date) -> str:
    """The statements that make a default partition the one of the months that its rows are of."""
    beginning = first.replace(day=1)
    end = (last.replace(day=1) + timedelta(days=32)).replace(day=1)
    name = f"{table.partition('.')[2]}_{beginning:%Y_%m}"
    schema = table.partition(".")[0]
    return (
        f"begin; set local lock_timeout = '2s'; alter table {table} detach partition {table}_default; "
        f"alter table {table}_default rename to {name}; "
        f"alter table {table} attach partition {schema}.{name} for values from ('{beginning}') to ('{end}'); "
        f"create table {table}_default partition of {table} default; select alerting.take_ownership(); commit;"
    )
