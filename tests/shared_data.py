"""The real data beside the repository. A user's clone has none: its tests are skipped then, but fail where CI=true."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data"


def shared_data(*parts: str) -> Path:
    """The path of a file or folder of the shared data."""
    path = FOLDER.joinpath(*parts)
    if path.exists():
        return path
    reason = f"there is no {path}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true wants it")
    pytest.skip(reason)
