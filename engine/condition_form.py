"""What a condition may be written with, and how: the same rules as bank.condition_form and bank.check_condition in SQL."""

from __future__ import annotations

import re

LONGEST = 1_000  # characters
MOST_WORDS = 200  # words and signs
DEEPEST = 10  # parentheses

WORDS = {word: word[0].upper() for word in ("and", "or", "not", "in", "between")} | {"is": "S"}
WORDS |= dict.fromkeys(("null", "true", "false"), "k")
SIGNS = {sign: sign for sign in "+*(),"} | {"-": "+"} | dict.fromkeys(("<", "<=", "=", "<>", ">=", ">"), "=")
TOKEN = re.compile(
    r"(?P<value>'(?:[^']|'')*'|[0-9]+|event\.[a-z_]+|:[a-z][a-z0-9_]*)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<space>\s+)|(?P<sign>--|<=|>=|<>|.)",
    re.ASCII,
)
SUM = r"\+?[xk](?:[+*]\+?[xk])*"
TEST = rf"N?(?:{SUM}(?:={SUM})?(?:SN?k)?|{SUM}N?B{SUM}A{SUM}|{SUM}N?IL)"
BOOLEAN = rf"{TEST}(?:[AO]{TEST})*"
IN_LIST = re.compile(rf"I\({SUM}(?:,{SUM})*\)")
GROUP = re.compile(rf"\({BOOLEAN}\)")


class BadCondition(ValueError):
    """The condition cannot be compiled; the text says what is wrong with it."""


def check_form(text: str) -> None:
    """Raises BadCondition unless the text has the words, the signs and the form of a condition."""
    if len(text) > LONGEST:
        raise BadCondition(f"the condition has {len(text)} characters, at most {LONGEST} fit")
    form = condition_form(text)
    if len(form) > MOST_WORDS:
        raise BadCondition(f"the condition has {len(form)} words and signs, at most {MOST_WORDS} fit")
    for _ in range(DEEPEST):
        form = GROUP.sub("x", IN_LIST.sub("IL", form))
    if not re.fullmatch(BOOLEAN, form):
        raise BadCondition(
            "the condition does not have the form of one: comparisons, BETWEEN, IN (...) and IS NULL, joined by "
            f"AND, OR and NOT, in parentheses at most {DEEPEST} deep"
        )


def condition_form(text: str) -> str:
    """One letter for each word and sign, as bank.condition_form says. Raises BadCondition."""
    form = []
    for token in TOKEN.finditer(text):
        kind, found = token.lastgroup, token.group()
        if kind == "space":
            continue
        letter = "x" if kind == "value" else WORDS.get(found.lower()) if kind == "word" else SIGNS.get(found)
        if letter is None:
            raise BadCondition(f"a condition cannot contain {found!r}")
        form.append(letter)
    return "".join(form)
