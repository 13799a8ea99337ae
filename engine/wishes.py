"""What the preferences of a partition ask for, each wish once: most customers want what others want too. Pure.

A wish is a preference without its customer, number and version. States refer to it by number, so they are small, and what an
account's customers want is matched without unpacking who they are (engine/quiet.py). A pool has room for so many; a preference
that finds none keeps its wish to itself, and is judged as before, only slower.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import structs

if TYPE_CHECKING:
    from engine.rows import Preference

MOST_WISHES = 16_384  # of a partition: about 10 MB
LONGEST = 500  # characters of parameters
NONE = 0

Key = tuple[str, str | None, str, tuple[str, ...], bool]  # alert type, currency, parameters as JSON, channels, enabled


class Wishes:
    """Wishes by number, from 1 on: a number keeps its meaning for as long as the pool is there."""

    def __init__(self, kept: Iterable[tuple[Key, Preference]] = ()) -> None:
        """`kept`: what `all` gave."""
        self._found: dict[Key, Preference] = dict(kept)
        self._by_number = list(self._found.values())

    def find(self, key: Key) -> Preference | None:
        """A preference with this wish, of no customer."""
        return self._found.get(key)

    def add(self, key: Key, preference: Preference) -> Preference:
        """The preference with its wish's number, where there is room for one more wish."""
        if len(self._by_number) >= MOST_WISHES or len(key[2]) > LONGEST:
            return preference
        numbered = structs.replace(preference, wish=len(self._by_number) + 1)
        pattern = structs.replace(numbered, customer_id=0, preference_no=0, state_version=0)
        self._found[key] = pattern
        self._by_number.append(pattern)
        return numbered

    def __getitem__(self, number: int) -> Preference:
        """The wish of this number, as a preference of no customer. Raises KeyError for a number that the pool never gave."""
        if not 0 < number <= len(self._by_number):
            raise KeyError(number)
        return self._by_number[number - 1]

    def all(self) -> list[tuple[Key, Preference]]:
        """In the order of their numbers."""
        return list(self._found.items())

    def __len__(self) -> int:
        return len(self._by_number)
