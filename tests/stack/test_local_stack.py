"""The local stack is brought up, to account and down by one command each, from whatever state it is in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest

from bankalerts.stack.processes import MARK, lives
from tests.running_stack import RunningStack, no_other_start
from tests.waiting import wait_until

PARTS = ("postgres", "kafka", "connect", "mail-server", "provider", "engine-1", "notifier")


def states(stack: RunningStack) -> dict[str, str]:
    return {name: part["state"] for name, part in stack.parts().items()}


def test_every_part_runs_and_has_a_log_and_most_an_address(stack: RunningStack) -> None:
    parts = stack.parts()
    assert {name: part["state"] for name, part in parts.items()} == dict.fromkeys(PARTS, "running")
    without_address = {name for name, part in parts.items() if not part["address"]}
    assert without_address == {"engine-1", "notifier"}
    assert all(os.path.exists(part["log"]) for part in parts.values())  # noqa: PTH110


def test_the_database_is_set_up_for_capture(stack: RunningStack) -> None:
    wanted = {
        "wal_level": "logical",
        "fsync": "on",
        "synchronous_commit": "on",
        "track_commit_timestamp": "on",
        "max_slot_wal_keep_size": "4GB",
    }
    with psycopg.connect(stack.settings.database_url) as connection:
        found = {name: connection.execute(f"show {name}").fetchone() for name in wanted}
    assert found == {name: (value,) for name, value in wanted.items()}


def test_up_again_leaves_everything_as_it_is(stack: RunningStack) -> None:
    before = stack.pids()
    stack.cli("up")
    assert stack.pids() == before


def test_two_ups_at_once_start_each_part_once(stack: RunningStack) -> None:
    os.kill(stack.pids()["provider"], signal.SIGKILL)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _number: stack.cli("up"), range(2)))
    marked = f"{stack.path}:provider"
    assert [process.pid for process in marked_processes(stack) if mark(process) == marked] == [stack.pids()["provider"]]


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_is_dead_until_up_starts_it_again(stack: RunningStack, part: str) -> None:
    before = stack.pids()
    os.kill(before[part], signal.SIGKILL)
    wait_until(lambda: stack.parts()[part]["state"] == "dead", 10, f"{part} shows as dead")
    stack.cli("up")
    after = stack.pids()
    assert set(after) == set(PARTS)
    assert after[part] != before[part]
    assert {name: pid for name, pid in after.items() if name != part} == {
        name: pid for name, pid in before.items() if name != part
    }


def test_a_paused_part_is_not_ready_and_up_says_so_in_one_line(stack: RunningStack) -> None:
    part = stack.parts()["engine-1"]
    os.kill(part["pid"], signal.SIGSTOP)
    try:
        wait_until(lambda: states(stack)["engine-1"] == "not ready", 10, "engine-1 shows as not ready")
        failed = stack.cli("up", check=False)
    finally:
        os.kill(part["pid"], signal.SIGCONT)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("engine-1 is not ready: ")
    assert part["log"] in line
    assert states(stack)["engine-1"] == "running"


def test_engines_are_added_and_taken_away(stack: RunningStack) -> None:
    before = stack.pids()
    stack.cli("up", "--engines", "2")
    assert set(stack.pids()) == {*PARTS, "engine-2"}
    second = psutil.Process(stack.pids()["engine-2"])
    stack.cli("up", "--engines", "1")
    assert not lives(second)
    assert stack.pids() == before


def test_a_part_left_out_is_stopped_and_comes_back(stack: RunningStack) -> None:
    stack.cli("up", "--without", "notifier")
    assert states(stack)["notifier"] == "stopped"
    stack.cli("up")
    assert states(stack)["notifier"] == "running"


def test_a_part_that_does_not_exist_is_refused_by_name(stack: RunningStack) -> None:
    failed = stack.cli("up", "--without", "mailman", check=False)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("--without mailman: there is no such part; there are postgres, kafka,")


def test_down_leaves_no_process_and_up_finds_the_data_and_the_ports_again(stack: RunningStack) -> None:
    addresses = {name: part["address"] for name, part in stack.parts().items()}
    with psycopg.connect(stack.settings.database_url) as connection:
        connection.execute("create table public.kept as select 1 as one")
    orphan = start_orphan(stack)
    with no_other_start():
        stack.cli("down")
        assert marked_processes(stack) == []
        assert orphan.poll() is not None
        assert states(stack) == dict.fromkeys(PARTS, "stopped")
        stack.cli("up")
    assert {name: part["address"] for name, part in stack.parts().items()} == addresses
    with psycopg.connect(stack.settings.database_url) as connection:
        assert connection.execute("select one from public.kept").fetchone() == (1,)
        connection.execute("drop table public.kept")


def start_orphan(stack: RunningStack) -> subprocess.Popen[bytes]:
    """A process such as an `up` leaves that was killed before it wrote down what it had started."""
    return subprocess.Popen(
        (sys.executable, "-c", "import signal; signal.pause()"),
        env={**stack.environment(), MARK: f"{stack.path}:engine-9"},
    )


def marked_processes(stack: RunningStack) -> list[psutil.Process]:
    found = [process for process in psutil.process_iter() if mark(process).startswith(f"{stack.path}:")]
    return [process for process in found if process.ppid() not in {other.pid for other in found}]


def mark(process: psutil.Process) -> str:
    try:
        return process.environ().get(MARK, "")
    except psutil.Error:
        return ""
