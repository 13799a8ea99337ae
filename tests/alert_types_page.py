"""`python -m tests.alert_types_page`: writes docs/alert-types.md anew from the catalogue's files (make alert-types)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.running_stack import ALL_BUT_POSTGRES, running_stack

PAGE = Path(__file__).parents[1] / "docs" / "alert-types.md"


def main() -> None:
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "home", *without) as running:
        PAGE.write_text(running.cli("types", "--markdown").stdout, encoding="utf-8")


if __name__ == "__main__":
    main()
