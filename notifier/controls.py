"""What operators have settled, as this process knows it now: pauses, pilots, limits, policies. In memory, for each message."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from notifier.brake import Brake
from notifier.message import Policy

DEFAULT = Policy()


@dataclass(slots=True)
class Controls:
    """One per process. The Keeper keeps it up to date; decisions read it.

    `pauses`: open scopes (ALL, CHANNEL:x, TYPE:x). `pilots`: by alert type the customers that it is sent to; types that are not
    there are sent to everybody. `policies`: by channel. `brake` may stop a type before its pause stands in the database.
    """

    pauses: Set[str] = frozenset()
    pilots: Mapping[str, Set[int]] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    brake: Brake = field(default_factory=Brake)

    def paused(self, alert_type: str, channel: str) -> str | None:
        """The widest scope that is paused and holds messages of this type on this channel."""
        if self.pauses:
            for scope in ("ALL", f"CHANNEL:{channel}", f"TYPE:{alert_type}"):
                if scope in self.pauses:
                    return scope
        return f"TYPE:{alert_type}" if alert_type in self.brake.stopped else None

    def policy(self, channel: str) -> Policy:
        """How the channel is drained."""
        return self.policies.get(channel, DEFAULT)

    def is_sent_to(self, alert_type: str, customer_id: int) -> bool:
        """Whether the customer gets messages of the type: of a type that is piloted, only its cohort does."""
        cohort = self.pilots.get(alert_type)
        return cohort is None or customer_id in cohort
