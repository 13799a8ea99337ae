"""The words and signs of a condition, each with its position: the same rules as bank.expression_tokens in SQL."""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 1_000  # characters
MOST_TOKENS = 200  # words and signs
MOST_SEARCHES = 10  # words of SEARCHES: what they cost grows with the product of two texts

PLAIN_WORDS = ("and", "or", "not", "in", "between", "is", "like", "ilike", "null", "true", "false")
CASE_WORDS = ("case", "when", "then", "else", "end")
EXTRACT_WORDS = ("extract", "from", "at", "time", "zone", "epoch", "hour", "minute", "isodow", "day", "month", "year")
TEXT_FUNCTIONS = ("lower", "upper", "length", "left", "right", "strpos", "starts_with", "substr", "trim", "replace")
OTHER_FUNCTIONS = ("integer_of", "abs", "coalesce", "nullif", "greatest", "least")
WORDS = frozenset((*PLAIN_WORDS, *CASE_WORDS, *EXTRACT_WORDS, *TEXT_FUNCTIONS, *OTHER_FUNCTIONS))
SEARCHES = frozenset(("like", "ilike", "strpos", "replace"))
_WORDS_ALLOWED = [word.upper() for word in (*PLAIN_WORDS, *CASE_WORDS, "extract")] + [*TEXT_FUNCTIONS, *OTHER_FUNCTIONS]
ALLOWED = (
    "event.column, history.value, :parameter, whole numbers, 'text', + - * / % || ->> < <= = <> >= >, parentheses, commas, "
    + ", ".join(_WORDS_ALLOWED)
)
TOKEN = re.compile(
    r"(?P<value>'(?:[^']|'')*'|[0-9]+|(?:event|history)\.[a-z_]+|:[a-z][a-z0-9_]*)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<space>[ \t\n\r\f\v]+)"
    r"|(?P<sign>->>|\|\||<=|>=|<>|(?!--|/\*)[-+*/%<>=(),])|(?P<other>--|/\*|.)",
    re.ASCII | re.DOTALL,
)


class BadCondition(ValueError):
    """The condition cannot be compiled; the text says where, what is wrong with it, and what is allowed."""


class Token(NamedTuple):
    """A word (small letters), sign or value; `position` counts characters from 1. kind: value, word, sign or end."""

    kind: str
    text: str
    position: int


def refuse(token: Token, reason: str, allowed: str) -> BadCondition:
    """To be raised: `reason` says what is wrong at the token."""
    return BadCondition(f"position {token.position}: {reason}: {token.text or 'the end'}. {allowed}")


def tokenized(text: str) -> list[Token]:
    """Words, signs and values, then an end. Raises BadCondition where there is something else, or too much."""
    if len(text) > LONGEST:
        raise refuse(Token("end", "", LONGEST + 1), f"it is longer than {LONGEST} characters", "Shorten it.")
    tokens: list[Token] = []
    searches = 0
    for found in TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if kind == "space":
            continue
        token = Token(kind, found.group().lower() if kind == "word" else found.group(), found.start() + 1)
        if kind == "other" or (kind == "word" and token.text not in WORDS):
            raise refuse(token, "a condition cannot contain this", f"Allowed are {ALLOWED}.")
        searches += token.text in SEARCHES
        if searches > MOST_SEARCHES:
            raise refuse(token, f"this is more than {MOST_SEARCHES} of LIKE, ILIKE, strpos and replace", "Use fewer.")
        if len(tokens) == MOST_TOKENS:
            raise refuse(token, f"it has more than {MOST_TOKENS} words and signs", "Shorten it.")
        tokens.append(token)
    return [*tokens, Token("end", "", len(text) + 1)]
