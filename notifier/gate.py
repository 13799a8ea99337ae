"""Whether a message is sent, when, and to which targets: a flat list of reasons not to, each read at sending time. Pure."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from notifier.channels import Traits
from notifier.controls import Controls
from notifier.message import Claimed, Reach, Recipient, Target
from notifier.quiet import quiet_until

QUIET = "QUIET"
PAUSE = "PAUSE:"
DIGEST = "DIGEST:"
FOREVER = datetime.max.replace(tzinfo=UTC)  # PostgreSQL gets it as infinity

NO_TARGET = {Reach.DEVICES: "the customer has no device", Reach.ADDRESSES: "the customer has no verified address"}
EXEMPT_FROM_QUIET = frozenset({"STATUTORY", "SECURITY"})
# What a customer loses when a channel cannot reach them; an advertisement is not worth a second channel.
FALLS_BACK = frozenset({"STATUTORY", "SECURITY", "SERVICE"})


@dataclass(frozen=True, slots=True)
class Send:
    """Send it to these."""

    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep it until then, or until somebody releases it (FOREVER). `held_for` is what operators see it grouped by."""

    until: datetime
    held_for: str
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """It is not sent. `falls_back`: another channel is to bring the alert."""

    state: Literal["SUPPRESSED", "EXPIRED", "FAILED"]
    reason: str
    falls_back: bool = False


Decision = Send | Hold | End


def decide(
    message: Claimed, recipient: Recipient, channel: Traits, controls: Controls, dead_targets: frozenset[str], now: datetime
) -> Decision:
    """What becomes of a message that is due at `now`. `dead_targets`: keys that a provider has called dead.

    What ends a message comes before what holds it: nothing waits for the night to pass that would not be sent then.
    """
    if message.age >= recipient.time_to_live:
        return End("EXPIRED", _too_old(message, recipient.time_to_live))
    reason = _forbidden(message, recipient, controls)
    if reason is not None:
        return End("SUPPRESSED", reason)
    hold = _held(message, recipient, channel, controls, now)
    if hold is not None:
        return hold
    falls_back = recipient.purpose in FALLS_BACK
    if not recipient.targets:
        return End("SUPPRESSED", NO_TARGET.get(channel.reach, "the customer cannot be reached"), falls_back)
    if not dead_targets:
        return Send(recipient.targets)
    alive = tuple(target for target in recipient.targets if target.key not in dead_targets)
    if not alive:
        return End("SUPPRESSED", "every address of the customer is known to be dead", falls_back)
    return Send(alive)


def falls_back(recipient: Recipient) -> bool:
    """Whether another channel brings the alert when all targets of this one refuse it for good."""
    return recipient.purpose in FALLS_BACK


def is_digested(message: Claimed) -> bool:
    """Whether the message was held for a digest, which falls due now."""
    return message.held_for is not None and message.held_for.startswith(DIGEST)


def held_by_pause(message: Claimed, channel: str, controls: Controls) -> Hold | None:
    """The pause that holds this message now; asked again right before it is sent."""
    scope = controls.paused(message.alert_type, channel)
    return None if scope is None else Hold(FOREVER, PAUSE + scope, f"{scope} is paused")


def _forbidden(message: Claimed, recipient: Recipient, controls: Controls) -> str | None:
    """Why this customer may not be sent this message at all. Revoked after the event stops the message (design 4.5)."""
    if not recipient.known:
        return "the customer is no longer there"
    if recipient.contact_status != "ACTIVE":
        return f"the customer's contact status is {recipient.contact_status}"
    if recipient.account_status == "BLOCKED":
        return "the account is blocked"
    if not recipient.permitted:
        return "the permission on the account was revoked"
    if not recipient.balance_permitted:
        return "the permission to see the balance was revoked"
    if recipient.purpose == "MARKETING" and recipient.consent is not True:
        return "the customer did not consent to MARKETING"
    if recipient.purpose == "SERVICE" and recipient.consent is False:
        return "the customer withdrew the consent to SERVICE"
    if not controls.is_sent_to(message.alert_type, message.customer_id):
        return f"not in the pilot of {message.alert_type}"
    return None


def _held(message: Claimed, recipient: Recipient, channel: Traits, controls: Controls, now: datetime) -> Hold | None:
    """What the message waits for."""
    paused = held_by_pause(message, channel.name, controls)
    if paused is not None:
        return paused
    if recipient.quiet_from is None or recipient.quiet_until is None:
        return None
    if recipient.mandatory or recipient.purpose in EXEMPT_FROM_QUIET:
        return None
    until = quiet_until(now, recipient.quiet_from, recipient.quiet_until, _zone(recipient.time_zone))
    if until is None:
        return None
    # A digest that falls into the night stays one: the others of it are gathered in the morning.
    held_for = message.held_for if message.held_for and is_digested(message) else QUIET
    return Hold(until, held_for, "the customer's quiet hours")


def _too_old(message: Claimed, time_to_live: timedelta) -> str:
    tried = message.attempt_no - 1
    last = f": {message.last_reason}" if tried and message.last_reason else ""
    return f"older than its time to live of {in_words(time_to_live)}, after {tried} attempts{last}"


def in_words(length: timedelta) -> str:
    """A length of time in the largest unit that divides it: 24 h, 90 min, 75 s."""
    seconds = int(length.total_seconds())
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


_zone: Callable[[str], ZoneInfo] = functools.lru_cache(maxsize=1024)(ZoneInfo)
