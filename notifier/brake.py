"""The automatic brake: stops an alert type that sends far above its normal volume. Pure but for what it counts.

Messages count in the minute in which they were written, not sent: what piled up while a provider or the notifier was away is no
more than usual. What was written before an operator resumed the type is not counted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

Minute = datetime  # the start of a minute, by the clock that wrote the messages

COUNTED_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Volume:
    """How many messages of a type went out that were written in a minute."""

    alert_type: str
    minute: Minute
    messages: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A type that went above its limit."""

    alert_type: str
    messages: int
    limit: int


@dataclass(slots=True)
class Brake:
    """Counts what the gate lets through, and stops a type above its limit at once.

    `limits`: messages a minute, by alert type; a type without one is not stopped. `stopped`: types stopped here whose pause is
    not in the database yet. `resumed_at`: when an operator last resumed a type.
    """

    limits: Mapping[str, int] = field(default_factory=dict)
    resumed_at: Mapping[str, datetime] = field(default_factory=dict)
    stopped: dict[str, Stop] = field(default_factory=dict)
    _here: dict[tuple[str, Minute], int] = field(default_factory=dict)  # let through here, not yet told to the database
    _told: dict[tuple[str, Minute], int] = field(default_factory=dict)  # by all processes, as the database knew last

    def let_through(self, alert_type: str, written_at: datetime) -> bool:
        """Count one message; False: it is one too many, and the type is stopped from here on."""
        resumed_at = self.resumed_at.get(alert_type)
        if resumed_at is not None and written_at <= resumed_at:
            return True
        minute = written_at.replace(second=0, microsecond=0)
        key = (alert_type, minute)
        limit = self.limits.get(alert_type)
        messages = self._here.get(key, 0) + self._told.get(key, 0) + 1
        if limit is not None and messages > limit:
            self.stopped.setdefault(alert_type, Stop(alert_type, messages, limit))
            return False
        self._here[key] = messages - self._told.get(key, 0)
        return True

    def take_back(self, alert_type: str, written_at: datetime) -> None:
        """One that was let through is not sent after all, and will be asked for again."""
        key = (alert_type, written_at.replace(second=0, microsecond=0))
        # Below zero where the database was told of it already: the next sum takes it off there.
        self._here[key] = self._here.get(key, 0) - 1

    def take_volumes(self) -> list[Volume]:
        """What was counted since the last call, to be added to what the database has."""
        taken = [Volume(alert_type, minute, messages) for (alert_type, minute), messages in sorted(self._here.items())]
        for volume in taken:
            key = (volume.alert_type, volume.minute)
            self._told[key] = self._told.get(key, 0) + volume.messages
        self._here.clear()
        return taken

    def note_volumes(self, volumes: Iterable[Volume]) -> None:
        """What all processes together have let through in these minutes."""
        for volume in volumes:
            self._told[(volume.alert_type, volume.minute)] = volume.messages

    def forget(self) -> None:
        """Drop the counts of minutes that are over by the newest; a late message of one begins its count anew."""
        newest = max((minute for _, minute in self._told), default=None)
        if newest is not None:
            self._told = {key: messages for key, messages in self._told.items() if key[1] > newest - COUNTED_FOR}

    def is_paused(self, stop: Stop) -> None:
        """The pause of this type stands in the database."""
        self.stopped.pop(stop.alert_type, None)
