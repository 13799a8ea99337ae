"""The processes of a stack: started detached, found again by pid and age, stopped within a bound."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import psutil

from bankalerts.errors import BankalertsError
from bankalerts.settings import environment
from bankalerts.stack.home import Home

MARK = "BANKALERTS_STACK_PART"  # in the environment of each process we start: "<home>:<part>"
POLL_S = 0.02
LOG_BYTES_MAX = 10_000_000
# The boot time that a creation time is computed from moves a little when the clock is set.
CREATED_TOLERANCE_S = 2.0


@dataclass(frozen=True)
class Launch:
    """How a part's process is started."""

    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)  # set in its environment
    files: Mapping[Path, str] = field(default_factory=dict)  # written before the start
    code: tuple[Path, ...] = ()  # files and folders of the program, where it is ours

    def fingerprint(self) -> str:
        """Changes when a running process would have to be started anew: other command, addresses, files or code."""
        files = {str(path): text for path, text in self.files.items()}
        text = json.dumps([self.command, dict(self.variables), files, _digest(self.code)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Record:
    """Which process a part runs as. A pid alone may have been given to somebody else since."""

    pid: int
    created: float
    fingerprint: str

    def process(self) -> psutil.Process | None:
        """The process, while it lives."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < CREATED_TOLERANCE_S
        except psutil.NoSuchProcess:
            return None
        return process if same and lives(process) else None


def read_record(home: Home, part: str) -> Record | None:
    """The record of a part that was started and not stopped by us."""
    try:
        return Record(**json.loads(home.record(part).read_text(encoding="ascii")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def start(home: Home, part: str, launch: Launch) -> Record:
    """Start a part's process in its own session, its output in its log, and remember it."""
    for path, text in launch.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    home.ready_file(part).unlink(missing_ok=True)
    # Before the start: code that changes meanwhile then counts as changed, never as what runs.
    fingerprint = launch.fingerprint()
    with _log_file(home.log(part)) as log:
        try:
            child = subprocess.Popen(
                launch.command,
                env=environment({**launch.variables, MARK: f"{home.path}:{part}"}),
                cwd=home.path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            raise BankalertsError(f"{part} cannot be started: {launch.command[0]}: {error.strerror}") from error
    record = Record(child.pid, _created(child.pid), fingerprint)
    home.record(part).write_text(json.dumps(vars(record)), encoding="ascii")
    _CHILDREN.append(child)
    return record


# Children that ended are reaped when their Popen is asked; one that nobody holds would warn instead.
_CHILDREN: list[subprocess.Popen[bytes]] = []


def stop(processes: list[psutil.Process], number: signal.Signals, within_s: float) -> None:
    """Ask the processes to end, and end those that have not after `within_s` seconds."""
    _signal_all(processes, number)
    alive = wait_for_end(processes, within_s)
    _signal_all(alive, signal.SIGKILL)
    wait_for_end(alive, within_s)
    for child in _CHILDREN:
        child.poll()


def wait_for_end(processes: list[psutil.Process], within_s: float) -> list[psutil.Process]:
    """Wait until the processes have ended; returns those that live on after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while (alive := [process for process in processes if lives(process)]) and time.monotonic() < deadline:
        threading.Event().wait(POLL_S)
    return alive


def lives(process: psutil.Process) -> bool:
    """An ended process whose parent has not asked for its end yet is no living one."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def marked(home: Home) -> dict[str, list[psutil.Process]]:
    """Processes that any command of this home folder started, by part, whether a record knows them or not.

    Their children carry the mark too; they end with their parents and are left out.
    """
    found: dict[int, tuple[str, psutil.Process]] = {}
    for process in psutil.process_iter():
        try:
            of_home, _, part = process.environ().get(MARK, "").rpartition(":")
        except psutil.Error:  # gone, or somebody else's
            continue
        if of_home == str(home.path):
            found[process.pid] = (part, process)
    by_part: dict[str, list[psutil.Process]] = {}
    for part, process in found.values():
        if _parent(process) not in found:
            by_part.setdefault(part, []).append(process)
    return by_part


def last_line(log: Path) -> str:
    """The last line of a log that says something, for the one line that a person sees."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    # The frame that Python draws around grouped errors says nothing.
    said = (line.strip(" |+-") for line in reversed(lines))
    return next((line for line in said if line), "")


def _digest(code: tuple[Path, ...]) -> str:
    """Of the paths and contents of source files. What Python makes of them is no source."""
    found = hashlib.sha256()
    inside = (path.rglob("*") if path.is_dir() else (path,) for path in code)
    for path in sorted({path for paths in inside for path in paths if path.is_file() and path.suffix != ".pyc"}):
        content = path.read_bytes()
        found.update(f"{path} {len(content)} ".encode() + content)
    return found.hexdigest()


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return 0


def _created(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0


def _signal_all(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)  # a stopped process could not obey
        except psutil.NoSuchProcess:
            continue


def _log_file(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")
