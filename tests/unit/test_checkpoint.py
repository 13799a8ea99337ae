"""A checkpoint is the snapshot that was, or it is discarded with a line in the log (fault 16)."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from engine import checkpoint
from engine.checkpoint import Checkpoint, Checkpoints, Header, Source, why_doubtful
from engine.outbox import Topic

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOURCE = Source("cluster", Topic("bankalerts.state", "identity"), 8, timedelta(hours=24))
HEADER = Header(
    *(checkpoint.FORMAT, checkpoint.LAYOUT, "cluster", "bankalerts.state", "identity", 8, 3, 50, NOW - timedelta(hours=1), []),
)
SOME = Checkpoint(50, {f"a-{number}": bytes([number % 256]) * 40 for number in range(2_500)}, frozenset({"spoilt"}))


def saved(folder: Path, partition: int = 3, content: Checkpoint = SOME) -> Path:
    checkpoints = Checkpoints(folder, SOURCE)
    checkpoints.save(partition, content)
    checkpoints.close()
    return checkpoints.path(partition)


def load(folder: Path, partition: int = 3, source: Source = SOURCE, low: int = 0, high: int = 100) -> Checkpoint | None:
    return Checkpoints(folder, source).load(partition, low, high)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert load(tmp_path) == SOME
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert load(tmp_path, partition=4) is None


def test_the_last_one_saved_is_loaded(tmp_path: Path) -> None:
    saved(tmp_path)
    later = Checkpoint(60, {"a-1": b"x"}, frozenset())
    saved(tmp_path, content=later)
    assert load(tmp_path) == later


def test_one_without_accounts(tmp_path: Path) -> None:
    nothing = Checkpoint(0, {}, frozenset())
    saved(tmp_path, content=nothing)
    assert load(tmp_path) == nothing


@pytest.mark.parametrize(
    ("source", "low", "high", "why"),
    [
        (dataclasses.replace(SOURCE, cluster_id="other"), 0, 100, "it is of Kafka cluster cluster, this is other"),
        (dataclasses.replace(SOURCE, topic=Topic("bankalerts.state", "new")), 0, 100, "the topic was recreated"),
        (dataclasses.replace(SOURCE, partitions=9), 0, 100, "it is of partition 3 of 8"),
        (SOURCE, 51, 100, "its position 50 is not in the topic"),
        (SOURCE, 0, 49, "its position 50 is not in the topic"),
        (dataclasses.replace(SOURCE, tombstones_kept=timedelta(0)), 0, 100, "might come back from the dead"),
    ],
)
def test_what_is_of_another_time_or_place_is_discarded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, source: Source, low: int, high: int, why: str
) -> None:
    path = saved(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert load(tmp_path, source=source, low=low, high=high) is None
    assert why in caplog.text
    assert "partition 3 is read from its start" in caplog.text
    assert not path.exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"format": checkpoint.FORMAT + 1}, "another version of the engine"),
        ({"layout": "else"}, "another version of the engine"),
        ({"topic": "other.state"}, "recreated"),
        ({"partition": 4}, "it is of partition 4 of 8"),
        ({"taken_at": NOW + timedelta(seconds=1)}, "the clock was set back"),
        ({"taken_at": NOW - timedelta(hours=12, seconds=1)}, "come back from the dead"),
    ],
)
def test_why_a_header_is_doubted(changes: dict[str, object], why: str) -> None:
    doubt = why_doubtful(msgspec.structs.replace(HEADER, **changes), SOURCE, 3, 0, 100, NOW)
    assert doubt is not None
    assert why in doubt


def test_the_layout_changes_with_any_field_that_changes() -> None:
    def row(*fields: tuple[str, type]) -> type[msgspec.Struct]:
        return msgspec.defstruct("Row", fields)

    kept = checkpoint.layout_of([row(("a", int), ("b", str))])
    assert kept == checkpoint.layout_of([row(("a", int), ("b", str))])
    others = [[row(("a", int), ("b", bytes))], [row(("b", str), ("a", int))], [row(("a", int))], []]
    assert kept not in [*map(checkpoint.layout_of, others), checkpoint.layout_of([row(("a", int), ("b", str))], "<BQB")]


@pytest.mark.parametrize(("low", "high"), [(0, 50), (50, 50), (0, 100)])
def test_a_header_that_is_not_doubted(low: int, high: int) -> None:
    assert why_doubtful(HEADER, SOURCE, 3, low, high, NOW) is None
    younger = msgspec.structs.replace(HEADER, taken_at=NOW - timedelta(hours=12))
    assert why_doubtful(younger, SOURCE, 3, low, high, NOW) is None


def test_a_file_that_was_changed_anywhere_is_discarded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    small = Checkpoint(50, {f"a-{number}": b"state" for number in range(5)}, frozenset())
    whole = saved(tmp_path, content=small).read_bytes()
    for position in range(len(whole)):
        path = saved(tmp_path, content=small)
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x20]) + whole[position + 1 :])
        caplog.clear()
        assert load(tmp_path) is None, f"byte {position} of {len(whole)}"
        assert "is discarded" in caplog.text
        assert not path.exists()


def test_a_file_that_is_cut_off_or_goes_on_is_discarded(tmp_path: Path) -> None:
    small = Checkpoint(50, {f"a-{number}": b"state" for number in range(5)}, frozenset())
    whole = saved(tmp_path, content=small).read_bytes()
    for content in (*(whole[:length] for length in range(len(whole))), whole + b"x", whole + whole, b"nothing of ours"):
        saved(tmp_path, content=small).write_bytes(content)
        assert load(tmp_path) is None, f"{len(content)} bytes"


def test_chunks_that_are_missing_are_noticed(tmp_path: Path) -> None:
    """Each frame is right by itself: the end knows how many there were."""
    path = tmp_path / "file"
    checkpoint.write(path, HEADER, Checkpoint(50, {"a": b"1", "b": b"2"}, frozenset()))
    whole = path.read_bytes()
    checkpoint.write(path, HEADER, Checkpoint(50, {"a": b"1"}, frozenset()))
    other = path.read_bytes()
    end = other.rindex(other[-10:])
    path.write_bytes(other[:end] + whole[-10:])
    with path.open("rb") as file:
        checkpoint.read_header(file)
        with pytest.raises(checkpoint.Doubtful):
            checkpoint.read_states(file)


def test_a_folder_that_cannot_be_written_costs_the_checkpoint_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "bankalerts.state").write_text("a file where the folder should be")
    saved(tmp_path)
    assert "is not written" in caplog.text
    assert load(tmp_path) is None


def test_a_kill_while_one_is_written_leaves_the_one_before(tmp_path: Path) -> None:
    """kill -9 at some moment of writing, again and again: what is found is whole, and of the first or the second kind."""
    writer = (
        "import sys, time; from pathlib import Path; from tests.unit.test_checkpoint import saved, SOME, Checkpoint\n"
        "folder = Path(sys.argv[1]); print('ready', flush=True)\n"
        "for number in range(10**6): saved(folder, content=Checkpoint(number % 100, SOME.packed, SOME.spoilt))"
    )
    for round_ in range(3):
        process = subprocess.Popen([sys.executable, "-c", writer, tmp_path], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        path = tmp_path / "bankalerts.state" / "3.checkpoint"
        before = path.stat().st_mtime_ns if path.exists() else 0
        while not path.exists() or path.stat().st_mtime_ns == before:
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = load(tmp_path)
        assert found is not None, f"round {round_}"
        assert found.packed == SOME.packed


def test_what_a_killed_engine_left_unfinished_is_deleted_once_it_is_old(tmp_path: Path) -> None:
    path = saved(tmp_path)
    old, young, of_another = (path.with_name(name) for name in ("3.7.unfinished", "3.8.unfinished", "33.7.unfinished"))
    for left in (old, young, of_another):
        left.write_bytes(b"half")
    for left in (old, of_another):
        os.utime(left, (0, 0))
    assert load(tmp_path) == SOME
    assert sorted(path.parent.iterdir()) == sorted([path, young, of_another])


def test_one_is_due_when_something_was_read_since(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, SOURCE)
    assert checkpoints.are_due(3, 50, after_s=3600)
    checkpoints.save(3, SOME)
    assert checkpoints.load(3, 0, 100) == SOME, "a partition that comes back is loaded after what is under way was written"
    assert not checkpoints.are_being_written()
    assert not checkpoints.are_due(3, 50, after_s=0)
    assert checkpoints.are_due(3, 51, after_s=0)
    assert not checkpoints.are_due(3, 51, after_s=3600)
    checkpoints.close()
