"""State by version: whatever capture sends again and compaction takes away, a version found in memory is that version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from engine.state import KEPT_VERSIONS, Missing, Versions

State = dict[str, int]
Record = tuple[str | None, int | None]  # (key, row or None for a deletion); key None: the marker, with its version


def copied(rows: Mapping[str, int]) -> State:
    return dict(rows)


def feed(versions: Versions[str, int, State], record: Record, following: bool) -> None:
    key, value = record
    if key is None:
        assert value is not None
        versions.mark(value, following)
    else:
        versions.change(key, value, following)


@dataclass
class Told:
    """What a state topic tells of one account, and the truth."""

    random: Random
    log: list[Record] = field(default_factory=list)  # each change once
    sent: list[int] = field(default_factory=list)  # positions in the log, as capture sent them: some again
    truth: dict[int, State] = field(default_factory=dict)
    ends: set[int] = field(default_factory=set)  # positions in the log of the markers that end a version

    def __post_init__(self) -> None:
        self._change()
        self._send()

    def _change(self) -> None:
        state: State = {}
        for version in range(self.random.randint(3, 12)):
            for _ in range(self.random.randint(0, 3)):
                key, value = self.random.choice("abcd"), self.random.choice((None, self.random.randint(0, 99)))
                state = {**state, key: value} if value is not None else {k: v for k, v in state.items() if k != key}
                self.log.append((key, value))
                # the account's row, changed by the same statement before its version rises
                if version and self.random.random() < 0.2:
                    self.log.append((None, version - 1))
            self.truth[version] = state
            self.ends.add(len(self.log))
            self.log.append((None, version))

    def _send(self) -> None:
        """Capture is killed now and then, and begins again some records earlier; it always goes on to the newest."""
        position = 0
        while position < len(self.log):
            self.sent.append(position)
            position += 1
            if self.random.random() < 0.08:
                position = self.random.randint(max(0, position - 8), position)

    def may_be_compacted(self, before: int, end: int) -> bool:
        """Compaction is an hour behind: what it reached into, a re-send or a transaction, is over at the end of the topic."""
        reached = max(self.sent[:before], default=-1)
        while reached >= 0 and reached not in self.ends:
            reached += 1
        return reached < 0 or reached in self.sent[before:end] or self.sent[before - 1] == reached

    def read(self, before: int, end: int) -> list[Record]:
        """The topic up to `end`, read after its records before `before` were compacted."""
        last = {self.log[position][0]: n for n, position in enumerate(self.sent[:before])}
        kept = [self.log[self.sent[n]] for n in sorted(last.values())]
        # tombstones are removed some time later
        forgotten = self.random.random() < 0.5
        compacted = [record for record in kept if record[0] is None or record[1] is not None or not forgotten]
        return compacted + [self.log[position] for position in self.sent[before:end]]


def test_a_version_in_memory_is_the_state_it_was() -> None:
    for seed in range(1_000):
        check_one_topic(seed)


def check_one_topic(seed: int) -> None:
    random = Random(seed)
    told = Told(random)
    end = random.randint(1, len(told.sent))  # where the end of the topic was seen
    before = random.choice([n for n in range(end + 1) if told.may_be_compacted(n, end)])
    versions: Versions[str, int, State] = Versions(copied)
    for record in told.read(before, end):
        feed(versions, record, following=False)
    for position in [None, *told.sent[end:]]:
        if position is not None:
            feed(versions, told.log[position], following=True)
        for version, state in told.truth.items():
            found = versions.at(version)
            assert isinstance(found, Missing) or found == state, f"version {version}, seed {seed}"
    newest = max(told.truth)
    assert versions.version == newest
    if before == 0:
        assert versions.at(newest) == told.truth[newest], f"the newest was not reached, seed {seed}"


def test_changes_wait_for_their_marker() -> None:
    versions: Versions[str, int, State] = Versions(copied)
    versions.mark(0, following=True)
    versions.change("a", 1, following=True)
    assert versions.at(0) == {}
    assert versions.at(1) is Missing.BEHIND
    versions.mark(1, following=True)
    assert (versions.at(0), versions.at(1), versions.at(2)) == ({}, {"a": 1}, Missing.BEHIND)


def test_changes_that_are_sent_again_change_nothing() -> None:
    versions: Versions[str, int, State] = Versions(copied)
    log: list[Record] = [("a", 1), (None, 1), ("a", 2), ("b", 1), (None, 2), ("b", None), (None, 3)]
    for record in [*log, *log, *log[2:]]:
        feed(versions, record, following=True)
    assert versions.at(3) == {"a": 2}
    assert versions.at(2) == {"a": 2, "b": 1}


def test_a_marker_that_compaction_left_before_its_changes() -> None:
    """[marker 2] [a, sent again] | end | [marker 1, sent again] ...: what was in force at version 2 is not known."""
    versions: Versions[str, int, State] = Versions(copied)
    versions.mark(2, following=False)
    versions.change("a", 1, following=False)
    assert versions.at(2) is Missing.PASSED
    versions.mark(1, following=True)
    versions.change("a", 2, following=True)
    versions.mark(2, following=True)
    assert versions.at(2) is Missing.PASSED
    versions.mark(3, following=True)
    assert versions.at(3) == {"a": 2}


def test_a_change_whose_marker_was_not_sent_before_capture_began_again() -> None:
    """[marker 1] [a] | killed | [marker 1] [a] [marker 2]: the change is not of version 1."""
    versions: Versions[str, int, State] = Versions(copied)
    log: list[Record] = [(None, 1), ("a", 1), (None, 1), ("a", 1)]
    for record in log:
        feed(versions, record, following=True)
        assert versions.at(1) == {}
    versions.mark(2, following=True)
    assert versions.at(2) == {"a": 1}


def test_only_the_last_versions_are_kept() -> None:
    versions: Versions[str, int, State] = Versions(copied)
    for version in range(KEPT_VERSIONS + 3):
        versions.change("a", version, following=True)
        versions.mark(version, following=True)
    assert versions.at(1) is Missing.PASSED
    assert versions.at(2) == {"a": 2}
    versions.forget_earlier()
    assert versions.at(2) is Missing.PASSED
    assert versions.at(KEPT_VERSIONS + 2) == {"a": KEPT_VERSIONS + 2}


def test_versions_passed_before_the_end_was_seen_are_not_kept() -> None:
    versions: Versions[str, int, State] = Versions(copied)
    for version in (1, 2):
        versions.change("a", version, following=False)
        versions.mark(version, following=False)
    assert (versions.at(1), versions.at(2)) == (Missing.PASSED, {"a": 2})
