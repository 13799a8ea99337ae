"""What the documents send people to is there: each command they name, with its options, and each file they link to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.command_line import mistake

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
LINK = re.compile(r"\]\(([^)\s]+)\)")
ADDRESS = re.compile(r"[a-z]+:")  # of a page elsewhere, or of a mail box
IN_TEXT = re.compile(r"`bankalerts ([^`]+)`")
IN_A_BLOCK = re.compile(r"^(?:    )?bankalerts ([a-z][^#\n]*)", re.MULTILINE)
WORD = re.compile(r"-{0,2}[A-Za-z][\w-]*(?=$|=|\s)")


def commands(text: str) -> list[str]:
    """What follows `bankalerts` where it stands as a command: in backquotes, or at the start of a line of a block."""
    blocks = "\n".join(re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL) + re.findall(r"^    .*", text, re.MULTILINE))
    return [command.strip() for command in IN_TEXT.findall(text) + IN_A_BLOCK.findall(blocks)]


def missing_files(document: Path, text: str) -> list[str]:
    links = [link.partition("#")[0] for link in LINK.findall(text) if not ADDRESS.match(link)]
    return [link for link in links if link and not (document.parent / link).exists()]


def mistakes(text: str) -> list[str]:
    """Each command that is not one, with what is wrong."""
    found = []
    for command in commands(text):
        # `connectors ensure|status` are two; [--json] is an option that may be left out
        for one in re.sub(r"[\[\]]", " ", command).split("|"):
            first = command.split()[0]
            words = one.split() if one.split()[0] == first or "|" not in command else [first, *one.split()]
            if wrong := mistake([word for word in words if WORD.fullmatch(word)]):
                found.append(f"bankalerts {command}: {wrong}")
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_each_command_exists(document: Path) -> None:
    assert mistakes(document.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_each_link_leads_to_a_file(document: Path) -> None:
    assert missing_files(document, document.read_text(encoding="utf-8")) == []


def test_the_readme_is_looked_at() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {"status", "psql", "replay berka path/to/berka"} <= set(commands(text))
    assert len(LINK.findall(text)) > 3


@pytest.mark.parametrize(
    "text",
    [
        "Use `bankalerts sql` now.",
        "    bankalerts upp  # start",
        "```\nbankalerts up --motors 3\n```",
        "`bankalerts connectors mend`",
    ],
)
def test_a_wrong_command_would_be_noticed(text: str) -> None:
    assert len(mistakes(text)) == 1


def test_a_broken_link_would_be_noticed() -> None:
    text = "[a](docs/none.md) [b](README.md#top) [c](https://example.org) [d](#here)"
    assert missing_files(ROOT / "README.md", text) == ["docs/none.md"]


def test_the_architecture_tells_of_each_file_and_of_no_other() -> None:
    """A new file of the product is named in docs/architecture.md; one that is gone is not."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, structure = text.partition("## Structure")
    files = {path.name for part in ("engine", "notifier", "connectors") for path in (ROOT / part).rglob("*.py")}
    assert {name for name in files if f"`{name}`" not in structure} <= {"__init__.py"}
    every = files | {path.name for path in (ROOT / "bankalerts").rglob("*.py")}
    assert set(re.findall(r"`(\w+\.py)`", structure)) <= every
    paths = re.findall(r"`?((?:engine|notifier|connectors|bankalerts|bench|sql|tests|migrations|docs)/[\w/.-]*\w/?)", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
