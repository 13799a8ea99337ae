"""Which part belongs to which text, for as long as its delivery reports are awaited."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

TEXTS_MAX = 10_000


@dataclass(slots=True)
class _Text:
    """A text by the names of its parts. `missing` are those that are not delivered yet; `is_whole`: all were handed over."""

    parts: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    is_whole: bool = False


class PartsInTransit:
    """Texts of several parts that were handed over. A text goes by the message centre's name for its first part.

    It is in memory alone: of a text that was handed over before a restart, reports on its first part count for the whole.
    """

    def __init__(self) -> None:
        self._first_of: dict[str, str] = {}
        self._texts: OrderedDict[str, _Text] = OrderedDict()

    def add(self, first: str | None, part: str | None, *, is_last: bool) -> None:
        """A part was taken; the first one names itself. One without a name has no reports."""
        if first is None or part is None:
            return
        text = self._texts.setdefault(first, _Text())
        text.parts.append(part)
        text.missing.add(part)
        text.is_whole = is_last
        self._first_of[part] = first
        if len(self._texts) > TEXTS_MAX:
            _, oldest = self._texts.popitem(last=False)
            for one in oldest.parts:
                self._first_of.pop(one, None)

    def reference(self, part: str, *, is_delivered: bool) -> str | None:
        """The name under which a report on `part` counts; None while other parts of a delivered text are missing.

        A failure of one part is a failure of the text.
        """
        first = self._first_of.get(part)
        if first is None or not is_delivered:
            return first or part
        text = self._texts[first]
        text.missing.discard(part)
        return first if text.is_whole and not text.missing else None
