"""Checkpoints: a partition's snapshot as a file of this machine, so that a start reads only what came after it.

A file is the snapshot as it was at a position of the state topic: a header, the wishes that its states refer to, then chunks of
packed states, then an end that counts them, each with its checksum. It is written beside its place, forced to disk and renamed:
after a kill there is the old one, the new one or none. It is a cache and never the truth: whatever makes it doubtful has it
discarded, with a line in the log, and the topic is read from its start. Doubtful is
- what cannot be read as a whole, or was written by code with another layout;
- what is of another cluster, topic or number of partitions, or at a position that the topic does not have;
- what is older than half of the time for which the topic keeps tombstones: a key deleted since might come back from the dead.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import struct
import time
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from engine.outbox import Topic
from engine.packed import PACKED_ROWS, WISHED_HEADER
from engine.rows import Preference
from engine.wishes import Key, Wishes

log = logging.getLogger(__name__)
T = TypeVar("T")

MAGIC = b"bankalerts checkpoint\n"
FORMAT = 2
CHUNK = 1_000  # states; small, because the engine judges on while a chunk is made
FRAME = struct.Struct(">II")  # length, CRC-32
MOST_BYTES = 1 << 30
OLD_S = 3600.0  # a checkpoint at the same position is written again then, to be younger


def layout_of(rows: Iterable[type[msgspec.Struct]], *more: str) -> str:
    """A digest of what these rows are as bytes: names, types and order of their fields, and of `more`."""
    fields = [
        (row.__name__, [(field.name, str(field.type)) for field in msgspec.structs.fields(row)], row.__struct_config__.tag)
        for row in rows
    ]
    return hashlib.sha256(repr((fields, more)).encode()).hexdigest()[:16]


LAYOUT = layout_of(PACKED_ROWS, WISHED_HEADER.format)


class Header(msgspec.Struct, frozen=True):
    """What a file says of itself."""

    format: int
    layout: str
    cluster_id: str
    topic: str
    topic_id: str
    partitions: int
    partition: int
    position: int
    taken_at: datetime
    spoilt: list[str]


class End(msgspec.Struct, frozen=True, array_like=True):
    states: int


@dataclass(frozen=True)
class Checkpoint:
    """A snapshot at `position`, the next record to read. `packed` is not changed any more; `wishes`: what it refers to."""

    position: int
    packed: dict[str, bytes]
    spoilt: frozenset[str]
    wishes: tuple[tuple[Key, Preference], ...] = ()

    def content(self) -> tuple[dict[str, bytes], frozenset[str], Wishes]:
        """What a snapshot begins with."""
        return self.packed, self.spoilt, Wishes(self.wishes)


@dataclass(frozen=True)
class Source:
    """Where states come from, and for how long the topic keeps its tombstones."""

    cluster_id: str
    topic: Topic
    partitions: int
    tombstones_kept: timedelta


class Doubtful(Exception):
    """The checkpoint cannot be trusted; the text says why."""


class Checkpoints:
    """The checkpoints of a state topic, one file for each partition; engines of one machine share them."""

    def __init__(self, folder: Path, source: Source) -> None:
        self._folder = folder / source.topic.name
        self._source = source
        self._writer = ThreadPoolExecutor(1, "checkpoints")
        self._saved: dict[int, tuple[int, float]] = {}  # partition -> position, when by the monotonic clock
        self._under_way: dict[int, Future[None]] = {}

    def path(self, partition: int) -> Path:
        return self._folder / f"{partition}.checkpoint"

    def load(self, partition: int, low: int, high: int) -> Checkpoint | None:
        """The checkpoint of a partition whose records are those from `low` to before `high`; None: read from the start."""
        path = self.path(partition)
        if partition in self._under_way:
            self._under_way.pop(partition).result()
        self._forget_unfinished(partition)
        try:
            with path.open("rb") as file:
                return self._read(file, partition, low, high)
        except FileNotFoundError:
            return None
        except (Doubtful, OSError) as error:
            log.warning("checkpoint %s is discarded, partition %d is read from its start: %s", path, partition, error)
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def _forget_unfinished(self, partition: int) -> None:
        """Delete what engines left that were killed while they wrote: nobody else does, and each may be a gigabyte."""
        for path in self._folder.glob(f"{partition}.*.unfinished"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > OLD_S:
                    path.unlink()

    def _read(self, file: BinaryIO, partition: int, low: int, high: int) -> Checkpoint:
        header = read_header(file)
        now = datetime.now(UTC)
        why = why_doubtful(header, self._source, partition, low, high, now)
        if why is not None:
            raise Doubtful(why)
        wishes = _decode(_wishes, _read_frame(file))
        checkpoint = Checkpoint(header.position, read_states(file), frozenset(header.spoilt), wishes)
        self._saved[partition] = header.position, time.monotonic() - (now - header.taken_at).total_seconds()
        return checkpoint

    def are_due(self, partition: int, position: int, after_s: float) -> bool:
        """Whether to write one at this position: not that of the last, which is `after_s` old; or the last is an hour old."""
        saved = self._saved.get(partition)
        if saved is None:
            return True
        age_s = time.monotonic() - saved[1]
        return age_s > OLD_S or (saved[0] != position and age_s >= after_s)

    def are_being_written(self) -> bool:
        return any(not each.done() for each in self._under_way.values())

    def save(self, partition: int, checkpoint: Checkpoint) -> None:
        """Begin to write it, on a thread of its own."""
        self._saved[partition] = checkpoint.position, time.monotonic()
        self._under_way[partition] = self._writer.submit(self._save, partition, checkpoint, datetime.now(UTC))

    def _save(self, partition: int, checkpoint: Checkpoint, now: datetime) -> None:
        source = self._source
        header = Header(
            *(FORMAT, LAYOUT, source.cluster_id, source.topic.name, source.topic.topic_id, source.partitions, partition),
            *(checkpoint.position, now, sorted(checkpoint.spoilt)),
        )
        path = self.path(partition)
        unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write(unfinished, header, checkpoint)
            unfinished.replace(path)
            force(path.parent)
        except (OSError, ValueError, MemoryError) as error:
            log.warning("checkpoint %s is not written, the next start reads more: %s", path, error)
            with contextlib.suppress(OSError):
                unfinished.unlink()

    def close(self) -> None:
        """Wait until all that was begun is written."""
        self._writer.shutdown(wait=True)


def why_doubtful(header: Header, source: Source, partition: int, low: int, high: int, now: datetime) -> str | None:
    """Why a file cannot be used for this partition, whose records are those from `low` to before `high`; None: it can."""
    if (header.format, header.layout) != (FORMAT, LAYOUT):
        return "it was written by another version of the engine"
    if header.cluster_id != source.cluster_id:
        return f"it is of Kafka cluster {header.cluster_id}, this is {source.cluster_id}"
    if (header.topic, header.topic_id) != (source.topic.name, source.topic.topic_id):
        return f"it is of topic {header.topic} with identity {header.topic_id}; the topic was recreated"
    if (header.partition, header.partitions) != (partition, source.partitions):
        return f"it is of partition {header.partition} of {header.partitions}"
    if not low <= header.position <= high:
        return f"its position {header.position} is not in the topic, which has {low} to {high}"
    if header.taken_at > now:
        return "it was taken in the future: the clock was set back"
    if now - header.taken_at > source.tombstones_kept / 2:
        return f"it is of {header.taken_at:%Y-%m-%d %H:%M} UTC: what was deleted since might come back from the dead"
    return None


def write(path: Path, header: Header, checkpoint: Checkpoint) -> None:
    """The whole file, forced to disk; readable by its owner alone."""
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(MAGIC)
        _write_frame(file, msgspec.msgpack.encode(header))
        _write_frame(file, msgspec.msgpack.encode(checkpoint.wishes))
        states = iter(checkpoint.packed.items())
        while chunk := dict(islice(states, CHUNK)):
            _write_frame(file, msgspec.msgpack.encode(chunk))
        _write_frame(file, msgspec.msgpack.encode(End(len(checkpoint.packed))))
        file.flush()
        os.fsync(file.fileno())


def read_header(file: BinaryIO) -> Header:
    """Raises Doubtful."""
    if file.read(len(MAGIC)) != MAGIC:
        raise Doubtful("it is no checkpoint")
    return _decode(_header, _read_frame(file))


def read_states(file: BinaryIO) -> dict[str, bytes]:
    """What comes after the wishes. Raises Doubtful."""
    packed: dict[str, bytes] = {}
    for frame in _frames(file):
        found = _decode(_chunk, frame)
        if isinstance(found, End):
            if found.states != len(packed) or file.read(1):
                raise Doubtful("it does not hold what its end says")
            return packed
        packed.update(found)
    raise Doubtful("it has no end")


_header = msgspec.msgpack.Decoder(Header)
_wishes = msgspec.msgpack.Decoder(tuple[tuple[Key, Preference], ...])
_chunk: msgspec.msgpack.Decoder[dict[str, bytes] | End] = msgspec.msgpack.Decoder(dict[str, bytes] | End)


def _decode(decoder: msgspec.msgpack.Decoder[T], frame: bytes) -> T:
    try:
        return decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Doubtful(f"it cannot be decoded: {error}") from error


def _write_frame(file: BinaryIO, frame: bytes) -> None:
    file.write(FRAME.pack(len(frame), zlib.crc32(frame)))
    file.write(frame)


def _read_frame(file: BinaryIO) -> bytes:
    begin = file.read(FRAME.size)
    if len(begin) < FRAME.size:
        raise Doubtful("it is cut off")
    length, checksum = FRAME.unpack(begin)
    frame = file.read(length) if length <= MOST_BYTES else b""
    if len(frame) < length:
        raise Doubtful("it is cut off")
    if zlib.crc32(frame) != checksum:
        raise Doubtful("a checksum of it is wrong")
    return frame


def _frames(file: BinaryIO) -> Iterator[bytes]:
    while True:
        yield _read_frame(file)


def force(folder: Path) -> None:
    """A rename is on disk once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
