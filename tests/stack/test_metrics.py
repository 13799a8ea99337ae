"""What a running stack tells Prometheus and the doctor: an event is in the figures, and all is in order."""

from __future__ import annotations

import json

from prometheus_client.parser import text_string_to_metric_families

from tests.chain import Chain
from tests.running_stack import RunningStack
from tests.waiting import wait_until

BANK = """
insert into bank.customer (customer_id, full_name) values (7700888, 'Metrics Test');
insert into bank.push_device values ('metrics-test', 7700888, 'ANDROID', 'local');
insert into bank.account (account_id, currency) values ('metrics-test', 'EUR');
insert into bank.account_permission (account_id, customer_id, role) values ('metrics-test', 7700888, 'OWNER');
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)
values ('metrics-test', 7700888, 'DEBITED_ABOVE', 'EUR', '{"threshold_minor": 0}', '{PUSH}');
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)
values ('metrics-test', current_date, 'metrics-test', -100, 'EUR');
"""


def figures(stack: RunningStack) -> dict[str, float]:
    """Each figure with its labels, of all parts."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(stack.cli("metrics").stdout)
        for sample in family.samples
    }


def test_an_event_is_in_the_figures(stack: RunningStack) -> None:
    chain = Chain(stack)
    before = figures(stack)
    sent = "bankalerts_notifier_conclusions_total[('channel', 'PUSH'), ('state', 'ACCEPTED')]"
    with chain.database() as connection:
        connection.execute(BANK)
        wait_until(
            lambda: (
                connection.execute(
                    "select from audit.outbox_history where customer_id = 7700888 and state in ('ACCEPTED', 'DELIVERED')"
                ).rowcount
            ),
            60,
            "the message is accepted",
        )
    wait_until(lambda: figures(stack).get(sent, 0) > before.get(sent, 0), 10, "it is counted")
    after = figures(stack)
    for name in (
        "bankalerts_engine_events_total[]",
        "bankalerts_engine_alerts_total[]",
        "bankalerts_engine_write_seconds_count[]",
    ):
        assert after[name] > before[name], name
    for number in range(chain.partitions):
        lag = f"bankalerts_engine_lag_events[('partition', '{number}')]"
        wait_until(lambda lag=lag: figures(stack).get(lag) == 0, 10, f"{lag} is told, and nothing waits")  # type: ignore[misc]
    assert after["bankalerts_notifier_database_up[]"] == 1
    assert after["bankalerts_process[('name', 'engine-1')]"] == 1


def test_the_doctor_finds_a_running_stack_in_order(stack: RunningStack) -> None:
    capture = ("publication", "generated_columns", "replica_identity", "slot", "slot_bound", "connector", "heartbeat")
    only = [word for name in (*capture, "wal_level", "migrations", "clock_skew") for word in ("--only", name)]
    told = stack.cli("doctor", "--json", *only, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert {check["severity"] for check in json.loads(told.stdout)["checks"]} == {"OK"}
    figures_of_it = stack.cli("doctor", "--metrics", "--only", "slot").stdout
    assert 'bankalerts_doctor_severity{check="slot"} 0.0' in figures_of_it
