"""What a stack remembers in its home folder, and which process it takes for its own."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path

import psutil
import pytest

from bankalerts.errors import BankalertsError
from bankalerts.stack import home as homes
from bankalerts.stack.home import Home, Remembered, choose_ports, remembered
from bankalerts.stack.part import check_announced
from bankalerts.stack.parts import PROJECT, all_parts, code_of
from bankalerts.stack.processes import Launch, Record, last_line, read_record


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "run").mkdir()
    return Home(tmp_path)


def test_ports_stay_while_they_are_free_or_ours() -> None:
    first = choose_ports({}, set())
    assert len(set(first.values())) == len(homes.PORTS)
    assert choose_ports(first, set()) == first
    with socket.create_server((homes.LOOPBACK, first["kafka"])):
        moved = choose_ports(first, set())
        assert moved["kafka"] != first["kafka"]
        assert {**moved, "kafka": 0} == {**first, "kafka": 0}
        assert choose_ports(first, {"kafka"}) == first


def test_what_is_remembered_is_for_its_owner_only(home: Home) -> None:
    saved = Remembered(ports=choose_ports({}, set()), password="secret", engines=3)
    saved.save(home)
    assert remembered(home) == saved
    assert stat.S_IMODE(home.stack_file.stat().st_mode) == 0o600
    written = json.loads(home.stack_file.read_text())["settings"]
    assert written["database_url"] == f"postgresql://bankalerts:secret@127.0.0.1:{saved.ports['postgres']}/bank"


def test_a_damaged_file_is_named_with_what_to_do(home: Home) -> None:
    home.stack_file.write_text("{}")
    with pytest.raises(BankalertsError, match=r"stack\.json cannot be read .* `bankalerts down --purge`"):
        remembered(home)


def test_a_pid_given_to_somebody_else_is_not_ours() -> None:
    created = psutil.Process().create_time()
    assert Record(os.getpid(), created, "").process() == psutil.Process()
    assert Record(os.getpid(), created - 60, "").process() is None


def test_a_damaged_record_is_no_record(home: Home) -> None:
    home.record("kafka").write_text('{"pid":')
    assert read_record(home, "kafka") is None


def test_ready_is_what_this_process_said_not_its_predecessor(home: Home) -> None:
    check = check_announced(home, "engine-1")
    assert check(Record(42, 0.0, "")) == "it has not said that it is ready"
    home.ready_file("engine-1").write_text("41\n")
    assert check(Record(42, 0.0, "")) == "it has not said that it is ready"
    home.ready_file("engine-1").write_text("42\n")
    assert check(Record(42, 0.0, "")) == ""


def test_a_process_is_started_anew_when_its_command_addresses_or_files_change() -> None:
    one = Launch(("java",), {"BANKALERTS_KAFKA": "a:1"}, {Path("p"): "x=1"})
    same = Launch(("java",), {"BANKALERTS_KAFKA": "a:1"}, {Path("p"): "x=1"})
    others = [
        Launch(("java", "-v"), one.variables, one.files),
        Launch(("java",), {"BANKALERTS_KAFKA": "a:2"}, one.files),
        Launch(("java",), one.variables, {Path("p"): "x=2"}),
    ]
    assert one.fingerprint() == same.fingerprint()
    assert len({launch.fingerprint() for launch in (one, *others)}) == 4


def test_a_process_is_started_anew_when_its_code_changes(tmp_path: Path) -> None:
    package = tmp_path / "engine"
    (package / "__pycache__").mkdir(parents=True)
    shared = tmp_path / "settings.py"
    for path in (package / "loop.py", shared):
        path.write_text("one")
    launch = Launch(("python",), code=(package, shared))
    before = [launch.fingerprint()]
    (package / "__pycache__" / "loop.pyc").write_text("compiled")
    (tmp_path / "elsewhere.py").write_text("no part of it")
    assert launch.fingerprint() == before[0]
    (package / "loop.py").write_text("two")
    before.append(launch.fingerprint())
    shared.write_text("two")
    before.append(launch.fingerprint())
    (package / "new.sql").write_text("")
    before.append(launch.fingerprint())
    assert len(set(before)) == 4


@pytest.mark.parametrize("module", ["engine", "notifier", "bankalerts.stack.mail_server", "bankalerts.stack.provider"])
def test_the_code_of_a_part_is_its_package_and_what_it_shares(module: str) -> None:
    names = {str(path.relative_to(PROJECT)) for path in code_of(module)}
    package = "bankalerts/stack" if module.startswith("bankalerts") else module
    assert {package, "sql", "bankalerts/settings.py", "bankalerts/process.py"} <= names
    assert all((PROJECT / name).exists() for name in names)


def test_every_process_of_ours_knows_its_code(home: Home) -> None:
    stack = Remembered(ports=choose_ports({}, set()), password="secret")
    without = frozenset(("kafka", "connect"))  # these need the Java parts
    known = {part.name: bool(part.launch.code) for part in all_parts(home, stack, without)}
    assert known == {"postgres": False, "mail-server": True, "provider": True, "engine-1": True, "notifier": True}


def test_the_last_line_of_a_log_is_one_that_says_something(tmp_path: Path) -> None:
    log = tmp_path / "engine-1.log"
    assert last_line(log) == ""
    log.write_text("Traceback:\n  | KeyError: 'account_id'\n  +------------------\n\n")
    assert last_line(log) == "KeyError: 'account_id'"
