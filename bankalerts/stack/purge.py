"""Delete a stack's state: what a stack makes in its home folder, and nothing that was put there by somebody else."""

from __future__ import annotations

import shutil
from pathlib import Path

from bankalerts.settings import STACK_FILE
from bankalerts.stack.home import Home
from bankalerts.stack.parts import CONNECTORS, ENGINE, MIGRATIONS, SINGLE

PROCESSES = (*SINGLE, f"{ENGINE}[0-9]*")
LOGS = (*PROCESSES, MIGRATIONS, CONNECTORS, "kafka-format")
FOLDERS = ("logs", "run", "data")
SUFFIXES = ("json", "ready", "unfinished", "metrics.yml", "metrics.unfinished")
MADE = (
    *(f"logs/{name}.{suffix}" for name in LOGS for suffix in ("log", "log.1")),
    *(f"run/{name}.{suffix}" for name in PROCESSES for suffix in SUFFIXES),
    *(f"data/{name}" for name in ("postgres", "postgres.password", "mail-server", "provider")),
    *(f"data/{name}" for name in ("kafka", "kafka.properties", "connect.properties", "checkpoints")),
    *("lock", STACK_FILE, str(Path(STACK_FILE).with_suffix(".unfinished"))),
)


def remove(home: Home) -> list[Path]:
    """Delete what a stack made, and each folder that is empty then; returns what is left, of others."""
    for pattern in MADE:
        for path in home.path.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    left = [path for name in FOLDERS for path in _remove_empty(home.path / name)]
    return [*left, *(path for path in _remove_empty(home.path) if path.name not in FOLDERS)]


def _remove_empty(folder: Path) -> list[Path]:
    """Remove a folder that has nothing in it; else what it has."""
    if not folder.is_dir():
        return []
    inside = sorted(folder.iterdir())
    if not inside:
        folder.rmdir()
    return inside
