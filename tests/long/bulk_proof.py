"""What the bulk run should have led to, from its rows alone: set-based, for audit.expected_alerts takes events one by one."""

from __future__ import annotations

from dataclasses import dataclass

from tests.chain import Connection

# only DEBITED_ABOVE is used, and every permission is valid all the time
EXPECTED = """
select e.entry_id as event_id, e.booking_date as event_date, p.account_id, p.customer_id
  from bank.account_entry e join bank.alert_preference p using (account_id)
 where p.alert_type = 'DEBITED_ABOVE' and - e.amount_minor > (p.parameters ->> 'threshold_minor')::bigint
"""
FOUND = "select event_id, event_date, account_id, customer_id from alerting.alert where alert_type = 'DEBITED_ABOVE'"
COUNTS = f"""
select (select count(*) from alerting.alert),
       (select count(*) from ({EXPECTED} except all {FOUND}) missing),
       (select count(*) from ({FOUND} except all {EXPECTED}) extra),
       (select count(*) from alerting.quarantine)
"""

# from the entry's own commit to that of its alert. In it: capture, which hands on one commit after the other; until the engine
# has decided; until that is committed
LIVE_DELAYS = """
select count(*), percentile_disc(0.5) within group (order by ms), percentile_disc(0.99) within group (order by ms), max(ms),
       percentile_disc(0.99) within group (order by capture_ms), percentile_disc(0.99) within group (order by decision_ms),
       percentile_disc(0.99) within group (order by writing_ms)
  from (select extract(epoch from pg_xact_commit_timestamp(a.xmin) - pg_xact_commit_timestamp(e.xmin)) * 1000 as ms,
               extract(epoch from a.on_kafka_at - pg_xact_commit_timestamp(e.xmin)) * 1000 as capture_ms,
               extract(epoch from a.decided_at - a.on_kafka_at) * 1000 as decision_ms,
               extract(epoch from pg_xact_commit_timestamp(a.xmin) - a.decided_at) * 1000 as writing_ms
          from bank.account_entry e join alerting.alert a on (a.event_id, a.event_date) = (e.entry_id, e.booking_date)
         where e.entry_id like 'live-%%' and e.inserted_at >= %(began)s and e.inserted_at < %(ended)s) live
"""


@dataclass(frozen=True)
class Differences:
    """Between the alerts that there are and those that there should be."""

    alerts: int
    missing: int
    extra: int
    quarantined: int


def differences(connection: Connection) -> Differences:
    row = connection.execute(COUNTS).fetchone()
    assert row is not None
    return Differences(*map(int, row))
