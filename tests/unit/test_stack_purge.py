"""`down --purge` deletes what a stack made, and leaves and names what somebody else put into the folder."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from bankalerts.stack.down import down
from bankalerts.stack.home import Home, Remembered, choose_ports
from bankalerts.stack.parts import all_parts
from bankalerts.stack.purge import remove


def stopped_stack(path: Path) -> Home:
    """A folder as a stack leaves it: a log and a record of each part, and their data."""
    home = Home(path)
    with home.locked(lambda: None):
        stack = Remembered(ports=choose_ports({}, set()), password="secret", engines=2)
        stack.save(home)
    names = [part.name for part in all_parts(home, stack, frozenset(("kafka", "connect")))]
    for name in (*names, "kafka", "connect", "migrations", "connectors", "kafka-format"):
        home.log(name).write_text("said")
    for name in (*names, "kafka", "connect"):
        home.ready_file(name).write_text("1")
    for name in ("postgres", "kafka", "mail-server", "provider", "checkpoints"):
        home.data(name).mkdir()
        (home.data(name) / "kept").write_text("kept")
    for name in ("kafka.properties", "connect.properties"):
        home.data(name).write_text("a=b")
    return home


def test_nothing_of_the_stack_is_left(tmp_path: Path) -> None:
    home = stopped_stack(tmp_path / "home")
    assert remove(home) == []
    assert not home.path.exists()


def test_what_others_put_there_stays_and_is_named(tmp_path: Path) -> None:
    home = stopped_stack(tmp_path)
    mine = [tmp_path / name for name in ("data/thesis.txt", "logs/app.log", "letter.txt", "photos")]
    mine[-1].mkdir()
    for path in mine[:-1]:
        path.write_text("mine")
    shown = io.StringIO()
    down(home, purge=True, console=Console(file=shown, width=2000))
    assert sorted(path for path in tmp_path.rglob("*")) == sorted((*mine, tmp_path / "data", tmp_path / "logs"))
    assert "left alone" in shown.getvalue()
    assert all(str(path) in shown.getvalue() for path in mine)


def test_a_link_is_removed_not_what_it_leads_to(tmp_path: Path) -> None:
    home = stopped_stack(tmp_path / "home")
    elsewhere = tmp_path / "elsewhere"
    home.data("provider").rename(elsewhere)
    home.data("provider").symlink_to(elsewhere)
    assert remove(home) == []
    assert (elsewhere / "kept").read_text() == "kept"
