"""One thing that maintenance did, or found it cannot do."""

from __future__ import annotations

from dataclasses import dataclass

UNDONE = ("LOCKED", "REFUSED")


@dataclass(frozen=True)
class Step:
    """`result`: MADE, DETACHED, DROPPED, DELETED, THERE, GONE, IN_DEFAULT, LOCKED, REFUSED; WOULD_... of a dry run."""

    result: str
    relation: str
    note: str = ""

    @property
    def is_done(self) -> bool:
        return self.result not in UNDONE
