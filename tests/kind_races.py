"""Races on events of every kind: windows, cool-downs, re-arm and timers, while what decides about them changes."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.races import CHANNELS, CUSTOMERS, ENTRY_TYPES, FIRST_CUSTOMER_ID, ROUND_MINOR, Races, Statement, Transaction

STEP_S, JITTER_S = 11, 900  # from one event's time to the next, and how early or late each may be
PLAIN: dict[str, Any] = {
    "statuses": "{BOOKED}", "parameters": {"threshold_minor": {"type": "integer", "default": 0}}, "mandatory": False,
    "default_channels": "{}", "window_aggregate": None, "window_value": None, "window_group": "{}", "window_condition": None,
    "window_length": None, "cool_down": None, "rearm_margin": None, "rearm_condition": None, "timer_arm": None,
    "timer_cancel": None, "timer_key": None, "timer_after": None,
}  # fmt: skip

Variants = tuple[dict[str, Any], ...]
# what an alert type may be; the first is what it is at the beginning
ON_ACCOUNTS: dict[str, tuple[str, Variants]] = {
    "SUM": (
        "ACCOUNT_ENTRY",
        (
            {"condition": "history.value < :threshold_minor and history.previous >= :threshold_minor"}
            | {"window_aggregate": "SUM", "window_value": "amount_minor", "window_length": "1800"},
            {"condition": "history.value > :threshold_minor", "window_condition": "event.amount_minor > 0"}
            | {"window_aggregate": "AVERAGE", "window_value": "amount_minor", "window_length": "600"}
            | {"window_group": "{entry_type}"},
            {"condition": "event.amount_minor > history.last", "statuses": "{BOOKED,PENDING}"}
            | {"window_aggregate": "MAX", "window_value": "amount_minor", "window_length": ":threshold_minor + 900"},
        ),
    ),
    "COOL": (
        "ACCOUNT_ENTRY",
        (
            {"condition": "event.amount_minor < :threshold_minor", "cool_down": "600"},
            {"condition": "event.amount_minor < :threshold_minor"},
            {"condition": "event.amount_minor < :threshold_minor and event.amount_minor % 100 = 0", "cool_down": "120"},
        ),
    ),
    "ARM": (
        "ACCOUNT_ENTRY",
        (
            {"condition": "event.balance_after_minor < :threshold_minor", "rearm_margin": "200"}
            | {"rearm_condition": "event.balance_after_minor >= :threshold_minor + 200"},
            {"condition": "event.balance_after_minor < :threshold_minor", "cool_down": "60", "rearm_margin": "100"}
            | {"rearm_condition": "event.balance_after_minor > 500"},
            {"condition": "event.balance_after_minor < :threshold_minor"},
        ),
    ),
    "SINCE": (
        "ACCOUNT_ENTRY",
        (
            {"condition": "history.since is null or history.since > 600", "window_aggregate": "SINCE"}
            | {"window_group": "{entry_type}"},
            {"condition": "history.since < 60", "window_aggregate": "SINCE", "window_length": "3600"},
        ),
    ),
    "CARD": (
        "CARD_AUTHORISATION",
        (
            {"condition": "history.value >= 3", "statuses": "{APPROVED}", "cool_down": "300", "window_aggregate": "COUNT"}
            | {"window_group": "{card_token}", "window_length": "900"},
            {"condition": "history.value = 2 and event.amount_minor < :threshold_minor", "statuses": "{}"}
            | {"window_aggregate": "COUNT", "window_length": "300"},
            {"condition": "event.outcome = 'DECLINED'", "statuses": "{DECLINED}"},
        ),
    ),
    "ORDER": (
        "PAYMENT_ORDER",
        (
            {"condition": "event.status = 'REJECTED'", "statuses": "{}", "mandatory": True, "default_channels": "{EMAIL}"},
            {"condition": "event.amount_minor < :threshold_minor", "statuses": "{REJECTED,RETURNED}", "mandatory": True}
            | {"default_channels": "{SMS,PUSH}", "parameters": {"threshold_minor": {"type": "integer", "default": 500}}},
        ),
    ),
}  # fmt: skip
OF_CUSTOMERS: dict[str, tuple[str, Variants]] = {
    "ACTIVITY": (
        "CUSTOMER_ACTIVITY",
        (
            {"condition": "history.value >= 2", "statuses": "{}", "window_aggregate": "COUNT", "window_length": "1800"},
            {"condition": "event.activity_type = 'END'", "statuses": "{}", "cool_down": "600"},
        ),
    ),
    "WAIT": (
        "CUSTOMER_ACTIVITY",
        (
            {"condition": "true", "statuses": "{}", "timer_arm": "event.activity_type = 'START'"}
            | {"timer_cancel": "event.activity_type = 'END'", "timer_key": "event.properties ->> 'id'", "timer_after": "600"},
            {"condition": "true", "statuses": "{}", "timer_arm": "event.activity_type = 'START'", "timer_after": "60"},
        ),
    ),
}
CUSTOMER_CHANGES = ("put_customer_preference", "remove_customer_preferences", "switch_customer_preferences")


@dataclass
class KindRaces(Races):
    """Beside what Races has one type of each of the names above, and events of every kind with times of their own."""

    def named(self, kinds: dict[str, tuple[str, Variants]]) -> list[str]:
        """The types of these names."""
        return [f"{self.alert_type}_{name}" for name in kinds]

    def setup(self) -> Transaction:
        """What Races sets up, and the types of every kind with a preference of each for everybody."""
        chance = random.Random(f"{self.seed}/setup")
        prefix = f"race-{self.name}-"
        first = super().setup().statements
        return Transaction(
            (
                *first[:3],
                *(self._type(chance, name, first_of_all=True) for name in (*ON_ACCOUNTS, *OF_CUSTOMERS)),
                *first[3:],
                (
                    "add_preferences",
                    {"prefix": prefix, "alert_types": self.named(ON_ACCOUNTS), "threshold_minor": 100, "channels": CHANNELS[0]},
                ),
                (
                    "add_customer_preferences",
                    {"first": FIRST_CUSTOMER_ID, "last": FIRST_CUSTOMER_ID + CUSTOMERS - 1, "threshold_minor": 0}
                    | {"alert_types": self.named(OF_CUSTOMERS), "channels": CHANNELS[1]},
                ),
            )
        )

    def _posting(self, chance: random.Random, account: int) -> Transaction:
        """More events than Races has: one to nine a transaction."""
        several = tuple(self._entry(chance, account) for _ in range(chance.choice((1, 1, 2, 3, 5, 9))))
        return Transaction(several, undone=chance.random() < 0.02)

    def _change(self, chance: random.Random, account: int) -> Statement:
        kind = chance.random()
        if kind < 0.04:
            return self._type(chance, chance.choice((*ON_ACCOUNTS, *OF_CUSTOMERS)))
        if kind < 0.30:
            values = {"customer_id": self._customer(chance, account), "alert_type": chance.choice(self.named(OF_CUSTOMERS))}
            name = chance.choice((*CUSTOMER_CHANGES, CUSTOMER_CHANGES[0]))
            return name, {**values, "preference_no": chance.choice((1, 1, 2)), "channels": chance.choice(CHANNELS)}
        name, values = super()._change(chance, account)
        if name in ("put_preference", "remove_preferences", "switch_preferences") and chance.random() < 0.7:
            values |= {"alert_type": chance.choice(self.named(ON_ACCOUNTS))}
        return name, values

    def _type(self, chance: random.Random, name: str, *, first_of_all: bool = False) -> Statement:
        kind, variants = (ON_ACCOUNTS | OF_CUSTOMERS)[name]
        values = PLAIN | (variants[0] if first_of_all else chance.choice(variants))
        values["parameters"] = json.dumps(values["parameters"])
        return "put_type", {**values, "alert_type": f"{self.alert_type}_{name}", "event_kind": kind}

    def _entry(self, chance: random.Random, account: int) -> Statement:
        """An event of any kind, now and then late or early."""
        self._entries += 1
        jitter = chance.randint(-JITTER_S, JITTER_S) if chance.random() < 0.2 else 0
        at = datetime.fromisoformat(self.day).replace(tzinfo=UTC) + timedelta(
            seconds=(self._entries * STEP_S) % 80_000 + 1_000 + jitter
        )
        values: dict[str, Any] = {"event_id": f"{self.name}-{self._entries}", "day": self.day, "at": at}
        values |= {
            "account_id": f"race-{self.name}-{account}",
            "amount_minor": chance.choice((-1, 1)) * ROUND_MINOR * chance.randint(1, 30),
        }
        kind = chance.random()
        if kind < 0.5:
            balance = None if chance.random() < 0.05 else ROUND_MINOR * chance.randint(-20, 30)
            status = "PENDING" if chance.random() < 0.05 else "BOOKED"
            return "add_timed_entry", {
                **values,
                "balance_minor": balance,
                "status": status,
                "entry_type": chance.choice(ENTRY_TYPES),
            }
        if kind < 0.7:
            outcome = "DECLINED" if chance.random() < 0.2 else "APPROVED"
            return "add_authorisation", {**values, "card_token": chance.choice(("one", "two")), "outcome": outcome}
        if kind < 0.8:
            status = chance.choice(("RECEIVED", "REJECTED", "EXECUTED", "RETURNED"))
            return "add_order", {**values, "order_id": f"o-{self._entries // 3}", "status": status}
        activity = {"customer_id": self._customer(chance, account), "activity_type": chance.choice(("START", "START", "END"))}
        return "add_activity", {**values, **activity, "properties": json.dumps({"id": chance.choice("xyz")})}

    def _customer(self, chance: random.Random, account: int) -> int:
        return FIRST_CUSTOMER_ID + (account + chance.choice((0, 0, 1, 1, 2))) % CUSTOMERS
