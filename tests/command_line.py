"""The commands of `bankalerts`, asked of the program itself: what a document or a container's command names exists."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from typer.core import TyperCommand, TyperGroup

from bankalerts.cli import app


def mistake(words: Sequence[str]) -> str:
    """What is wrong with the words after `bankalerts`: an unknown command or option; nothing when all is known."""
    found: object = typer.main.get_command(app)
    rest = list(words)
    while isinstance(found, TyperGroup) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in found.commands:
            return f"there is no command {name}; there are {', '.join(found.commands)}"
        found = found.commands[name]
    assert isinstance(found, TyperGroup | TyperCommand)
    if found.context_settings.get("ignore_unknown_options"):
        return ""
    known = {"--help", "-h", *(option for parameter in found.params for option in parameter.opts)}
    unknown = [word for word in rest if word.startswith("-") and word not in known]
    return f"there is no option {', '.join(unknown)}" if unknown else ""
