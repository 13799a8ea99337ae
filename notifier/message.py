"""The values that go through the notifier, in the order in which a message meets them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_ID = UUID(int=0)
REASON_CHARACTERS_MAX = 200
WHOLE = "*"  # in place of a target: an attempt of which nothing is known at all


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message leased to this process, with what its alert says.

    `attempt_no` counts the claims of the message from 1; `age` is that of its alert at this claim; `last_reason` is why the
    attempt before this one failed, if there was one; `account_id` is None where the event has no account (customer activity);
    `evidence` is as the engine wrote it. `rescued`: a notifier ended while it had the message, and may have sent it.
    `held_for`: what it was held for until now; `has_place`: it got one in the window of its throttled type. All times are the
    database's, `leased_at` (this claim) too.
    """

    message_id: UUID
    event_date: date
    lease_token: UUID
    attempt_no: int
    leased_at: datetime
    written_at: datetime
    age: timedelta
    last_reason: str | None
    claimed_at: datetime
    event_id: str
    event_time: datetime
    account_id: str | None
    customer_id: int
    alert_type: str
    evidence: dict[str, Any]
    alert_id: UUID = NO_ID
    channel: str = ""
    rescued: bool = False
    held_for: str | None = None
    has_place: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """What earlier attempts led to, by target key: when it was sent; whether that is unknown; whether it was refused for good.

    `unknown` counts attempts; the key WHOLE stands for an attempt of which nothing is known at all.
    """

    sent: Mapping[str, datetime] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()

    def may_have_got(self, key: str) -> bool:
        """Whether an earlier attempt may have reached this target, and nobody knows."""
        return WHOLE in self.unknown or key in self.unknown


@dataclass(frozen=True, slots=True)
class Policy:
    """A row of alerting.channel_policy."""

    retries_unknown: bool = True
    unknown_tries_max: int = 3


class Reach(enum.Enum):
    """What a channel sends to: verified rows of bank.contact_address, rows of bank.push_device, or the customer as such.

    Of CUSTOMER there is one target, with the key `customer` and the customer's number as its address.
    """

    ADDRESSES = "addresses"
    DEVICES = "devices"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Target:
    """One address or device. `key` stands for it in delivery_attempt and in logs; the address itself does not.

    `provider` is that of a device, as bank.push_device has it; `secrets` sign what goes to a webhook, the newest first.
    """

    key: str
    address: str
    provider: str | None = None
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    """What the bank says now about the customer and the account of one message.

    `permitted` and `balance_permitted` are the permission at this moment, not at the event's; both are true where there is no
    account, and then all of the account's values are None. `consent` is None where the customer was not asked. `targets` hold
    replaced addresses too where the purpose is SECURITY. Quiet hours and the throttle have both of their values or none.
    """

    known: bool
    full_name: str
    locale: str
    time_zone: str
    account_id: str | None
    iban: str | None
    product: str | None
    currency: str | None
    permitted: bool
    balance_permitted: bool
    targets: tuple[Target, ...]
    purpose: str = "SERVICE"
    mandatory: bool = False
    consent: bool | None = None
    contact_status: str = "ACTIVE"
    account_status: str | None = None
    quiet_from: time | None = None
    quiet_until: time | None = None
    shows_balance: bool = False
    title: str = ""
    time_to_live: timedelta = timedelta(hours=24)
    throttle_messages: int | None = None
    throttle_window: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A message as it is read by the customer: plain text, in the customer's language."""

    subject: str | None
    body: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a channel sends. `message_id` is the same at every attempt: providers that can, know a repetition by it."""

    message_id: UUID
    text: Text
    alert_type: str = ""
    customer_id: int = 0
    locale: str = "en"
    event_time: datetime = EPOCH


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took the message. `provider_ref` is its own name for it, if it gave one; `provider` the provider's name."""

    provider_ref: str | None = None
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """The message was certainly not taken and may be later. The reason holds codes, never personal data.

    `provider_down` says that no other message would fare better there now; `after_s` is what the provider asks for before the
    next attempt.
    """

    reason: str
    provider_down: bool = False
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """The provider refuses this message to this target for good. The reason holds codes, never personal data.

    `address_is_dead` says that it would refuse every other message to it as well.
    """

    reason: str
    address_is_dead: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message was sent, at least in part, and no answer came that could be understood: the provider may have taken it.

    The reason holds codes, never personal data.
    """

    reason: str


Result = Sent | Retry | Drop | Unknown


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a message to one target."""

    target: Target
    started_at: datetime
    finished_at: datetime
    result: Result
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What becomes of a message: a final state, or PENDING and another try at `due_at`, without that after `retry_in_s`.

    `held_for`: why it waits although nothing failed; `uncounted`: it was not tried at all; `may_be_twice`: a provider took it
    after an attempt with an unknown outcome; `falls_back`: another channel is to bring the alert.
    """

    state: str
    reason: str | None = None
    handed_at: datetime | None = None
    retry_in_s: float | None = None
    due_at: datetime | None = None
    held_for: str | None = None
    uncounted: bool = False
    may_be_twice: bool = False
    falls_back: bool = False
