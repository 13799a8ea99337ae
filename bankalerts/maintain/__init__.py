"""Partitions ahead of time, retention by class of data: what `bankalerts maintain` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bankalerts.maintain.step import Step

__all__ = ["Done", "Step", "maintain"]


@dataclass(frozen=True)
class Done:
    """All that a run did, or, of a dry run, would do."""

    steps: tuple[Step, ...]

    @property
    def is_whole(self) -> bool:
        """Nothing was left undone for a lock, or because the database refused it."""
        return all(step.is_done for step in self.steps)


def maintain(database_url: str, *, dry_run: bool = False) -> Done:
    """Make partitions ahead, let go of partitions and rows by `audit.retention_policy`. Raises BankalertsError.

    Several at once are no harm: each partition is made or let go once, by one of them.
    """
    # the commands of the package are imported for `bankalerts --help`, which is to be quick
    from bankalerts.database import connected
    from bankalerts.maintain import partitions, retention

    with connected(database_url, "maintain") as connection:

        def steps() -> Iterator[Step]:
            yield from partitions.make_ahead(connection, dry_run=dry_run)
            yield from partitions.let_go(connection, dry_run=dry_run)
            yield from retention.delete_old(connection, dry_run=dry_run)

        return Done(tuple(steps()))
