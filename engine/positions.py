"""How far each partition was judged: what the database has stored, and what came after in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bankalerts.errors import BankalertsError
from engine import measures
from engine.outbox import Connection, Move, Topic
from sql import queries


class Positions:
    """Positions of this engine's partitions of one topic.

    Records that decided nothing move them in memory only: judging the same events again decides nothing again. They are
    stored with the next alert, or after a second. Records that decided something move them when that was written.
    """

    def __init__(self) -> None:
        self._stored: dict[int, int] = {}
        self._next: dict[int, int] = {}

    def take(self, partition: int, position: int) -> None:
        self._stored[partition] = self._next[partition] = position

    def give_up(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._stored.pop(partition, None)
            self._next.pop(partition, None)

    def next(self, partition: int) -> int | None:
        """The next offset to judge; None for a partition that is not ours."""
        return self._next.get(partition)

    def all(self) -> dict[int, int]:
        """Partition -> the next offset to judge, of the partitions that are ours."""
        return dict(self._next)

    def judged(self, next_offsets: Mapping[int, int]) -> None:
        """Everything before these offsets was judged, and what it decided, if anything, is written."""
        measures.EVENTS.inc(sum(after - self._next.get(partition, after) for partition, after in next_offsets.items()))
        self._next.update(next_offsets)

    def moves(self, next_offsets: Mapping[int, int]) -> list[Move]:
        """What is to be stored together with the records before `next_offsets`; by partition, so that none deadlock.

        Those partitions are among it in any case: a position that does not move must not have been moved by another engine.
        """
        after = {**self._next, **next_offsets}
        return [
            Move(partition, stored, after[partition])
            for partition, stored in sorted(self._stored.items())
            if after[partition] != stored or partition in next_offsets
        ]

    def stored(self, moves: Iterable[Move]) -> None:
        judged = 0
        for move in moves:
            if move.partition in self._stored:
                judged += move.next - self._next[move.partition]
                self._stored[move.partition] = self._next[move.partition] = move.next
        measures.EVENTS.inc(judged)


def read_position(connection: Connection, engine: str, topic: Topic, partition: int, beginning: int) -> int:
    """The stored position of a partition, which starts at `beginning` when it was never judged.

    Raises BankalertsError when the topic is another one than the position was stored for, or no longer has it.
    """
    sql = queries("engine", "psycopg")
    sql.start_position(
        connection, topic=topic.name, partition=partition, topic_id=topic.topic_id, position=beginning, engine=engine
    )
    ((_, topic_id, position),) = sql.read_positions(connection, topic=topic.name, partitions=[partition])
    if topic_id != topic.topic_id:
        raise BankalertsError(
            f"topic {topic.name} was recreated since partition {partition} was judged up to {position}: its positions "
            "mean something else now. To judge the new topic from its start, delete its rows of alerting.engine_position"
        )
    if position < beginning:
        raise BankalertsError(
            f"topic {topic.name}, partition {partition}: events {position} to {beginning - 1} were deleted by retention "
            f"before they were judged. To go on without them, set the position in alerting.engine_position to {beginning}"
        )
    return int(position)
