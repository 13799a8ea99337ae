"""The parameters that count for a preference: those it gives, and its alert type's defaults. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TYPES = {"integer": int, "text": str, "boolean": bool}


def kinds(declared: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Name -> integer, text or boolean."""
    return {name: str(rule.get("type")) for name, rule in declared.items()}


def complete(declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> value: given, or the default. A value of another type than the declared one is left out, and so is NULL.

    `declared` are the rules of bank.alert_type.parameters. What is left out is NULL to a condition, in SQL as well.
    """
    merged = {}
    for name, rule in declared.items():
        value = given[name] if name in given else rule.get("default")
        if type(value) is TYPES.get(str(rule.get("type"))) and not (type(value) is int and abs(value) >= 10**18):
            merged[name] = value
    return merged
