"""Channels that are dropped into a copy of the product as one file each, as an operator would."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import notifier

ROOT = Path(notifier.__file__).parent.parent


def drop(folder: Path, channels: Mapping[str, str]) -> dict[str, str]:
    """Copy notifier/ into `folder` and add to its channels the files with these names and texts.

    Returns the environment in which a Python process finds the copy before the original, and everything else as before.
    """
    shutil.copytree(ROOT / "notifier", folder / "notifier", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in channels.items():
        (folder / "notifier" / "channels" / name).write_text(text, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
