"""The checks in their order, and running them."""

from __future__ import annotations

from collections.abc import Sequence

from bankalerts.doctor import capture, database, delivery, machine, partitions
from bankalerts.doctor.check import Asked, Check, Finding, Outcome
from bankalerts.errors import BankalertsError

CHECKS: tuple[Check, ...] = (
    Check("migrations", database.migrations),
    Check("wal_level", database.wal_level),
    Check("server_log", database.server_log),
    Check("oldest_transaction", database.oldest_transaction),
    Check("dead_tuples", database.dead_tuples),
    Check("notice_queue", database.notice_queue),
    Check("partitions_ahead", partitions.partitions_ahead),
    Check("default_partitions", partitions.default_partitions),
    Check("retention", partitions.retention),
    Check("publication", capture.publication),
    Check("generated_columns", capture.generated_columns),
    Check("replica_identity", capture.replica_identity),
    Check("slot", capture.slot),
    Check("slot_bound", capture.slot_bound),
    Check("connector", capture.connector),
    Check("heartbeat", capture.heartbeat),
    Check("halts", delivery.halts),
    Check("consumer_lag", delivery.consumer_lag),
    Check("parked_types", delivery.parked_types),
    Check("oldest_claimable", delivery.oldest_claimable),
    Check("clock_skew", machine.clock_skew),
    Check("certificates", machine.certificates),
)


def examine(asked: Asked, only: Sequence[str] = ()) -> list[Outcome]:
    """What each check found, in the order of the table. Raises BankalertsError where `only` names no check."""
    names = [check.name for check in CHECKS]
    for name in only:
        if name not in names:
            raise BankalertsError(f"--only {name}: there is no such check; there are {', '.join(names)}")
    return [_run(check, asked) for check in CHECKS if not only or check.name in only]


def _run(check: Check, asked: Asked) -> Outcome:
    """A part that does not answer is a finding too: what could not be checked is not in order."""
    try:
        return Outcome(check.name, tuple(check.run(asked)))
    except BankalertsError as error:
        return Outcome(check.name, (Finding("FAULT", f"it could not be checked: {error}", "bankalerts up"),))
