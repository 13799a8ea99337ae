"""The Java parts are those of the lock, byte by byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bankalerts.errors import BankalertsError
from bankalerts.stack import java_parts
from bankalerts.stack.java_parts import Jar


def test_the_lock_has_what_is_wanted_once_each() -> None:
    jars = java_parts.locked()
    locked = [f"{jar.group}:{jar.artifact}:{jar.version}" for jar in jars]
    assert {*java_parts.WANTED, java_parts.ALONE} <= set(locked)
    assert len({(jar.group, jar.artifact) for jar in jars}) == len(jars)


def test_the_lock_is_written_as_it_is_read() -> None:
    lines = java_parts.LOCK.read_text(encoding="ascii").splitlines()
    assert [jar.line() for jar in java_parts.locked()] == [line for line in lines if not line.startswith("#")]


def test_missing_parts_are_one_line_that_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("M2_REPO", str(tmp_path))
    with pytest.raises(BankalertsError, match=r"of \d+ Java parts .* -m bankalerts\.stack\.java_parts fetch`"):
        java_parts.class_path()


def test_a_damaged_jar_is_fetched_again(tmp_path: Path) -> None:
    jar = Jar("org.example", "thing", "1.0", hashlib.sha256(b"right").hexdigest(), len(b"right"))
    path = tmp_path / "org/example/thing/1.0/thing-1.0.jar"
    path.parent.mkdir(parents=True)
    for content, whole in ((b"wrong", False), (b"righ", False), (b"right", True)):
        path.write_bytes(content)
        assert java_parts.is_whole(tmp_path, jar) is whole
