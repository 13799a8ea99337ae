"""Alert rules and dashboard name figures and labels that are really exported, and each rule has its runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from bankalerts.doctor.check import Outcome
from bankalerts.doctor.examine import CHECKS
from bankalerts.doctor.figures import figures, registry_of
from bankalerts.metrics import REGISTRY
from engine import measures as engine_measures
from notifier import measures as notifier_measures

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "docs" / "monitoring"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = yaml.safe_load((MONITORING / "alert_rules.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in RULES} | {
    panel["title"]: target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
}
OF_PROMETHEUS = {"le", "instance", "job"}  # labels that a scrape adds, and a histogram's
STATES = {"ACCEPTED", "FAILED", "UNKNOWN", "PENDING", "EXPIRED", "SUPPRESSED"}
NAMED = re.compile(r"\bby\s*\(([^)]*)\)")


def exported() -> dict[str, set[str]]:
    """Figure -> its labels, of all that the processes export."""
    found: dict[str, set[str]] = {}
    for registry in (REGISTRY, registry_of([Outcome("slot", ())])):
        for collector in list(registry._collector_to_names):
            labels = set(getattr(collector, "_labelnames", ()))
            for name in registry._collector_to_names[collector]:
                found[name] = labels
        for family in registry.collect():  # a collector may tell its names at the scrape only
            found.setdefault(family.name, set())
    found["bankalerts_engine_lag_events"] = {"partition"}
    return found


def selectors(node: Any) -> Iterator[promql_parser.VectorSelector]:
    """The figures that an expression names."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
        return
    if isinstance(node, promql_parser.MatrixSelector):
        yield node.vector_selector
        return
    for name in ("expr", "lhs", "rhs", "param"):
        if getattr(node, name, None) is not None:
            yield from selectors(getattr(node, name))
    for argument in getattr(node, "args", ()):
        yield from selectors(argument)


def test_the_figures_are_those_that_the_parts_keep() -> None:
    """The table of what is exported is made of what the modules register, not of a list."""
    assert engine_measures.EVENTS in REGISTRY._collector_to_names
    assert notifier_measures.CONCLUDED in REGISTRY._collector_to_names


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_figure_and_label_is_exported(name: str) -> None:
    expression, known = EXPRESSIONS[name], exported()
    found = list(selectors(promql_parser.parse(expression)))
    assert found, f"{name} names no figure: {expression}"
    labels: set[str] = set()
    for selector in found:
        assert selector.name in known, f"{name}: nothing exports {selector.name}"
        labels |= known[selector.name]
        for matcher in selector.matchers.matchers:
            assert matcher.name in known[selector.name] | OF_PROMETHEUS, f"{name}: {selector.name} has no label {matcher.name}"
            if matcher.name == "state":
                assert set(matcher.value.split("|")) <= STATES
    for grouped in NAMED.findall(expression):
        wanted = {label.strip() for label in grouped.split(",")}
        assert wanted <= labels | OF_PROMETHEUS, f"{name}: no figure of it has {wanted - labels}"


def test_a_figure_that_nobody_exports_is_noticed() -> None:
    (selector,) = selectors(promql_parser.parse("sum(rate(bankalerts_engine_evnts_total[1m])) > 1"))
    assert selector.name not in exported()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_rule_has_its_runbook(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    assert f"\n### {name}\n" in OPERATIONS, f"docs/operations.md has no runbook for {name}"
    runbook = OPERATIONS.partition(f"\n### {name}\n")[2].partition("\n##")[0]
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
    assert f"*{rule['labels']['severity'].capitalize()}.*" in runbook
    assert len(runbook.split()) > 25, f"the runbook of {name} says nothing"


def test_no_runbook_is_without_its_rule() -> None:
    runbooks = re.findall(r"^### (\w+)$", OPERATIONS.partition("\n## Runbooks\n")[2].partition("\n## ")[0], re.MULTILINE)
    assert runbooks == [rule["alert"] for rule in RULES]


def test_each_figure_of_ours_is_on_the_dashboard_or_in_a_rule() -> None:
    everything = " ".join(EXPRESSIONS.values())
    ours = {re.sub(r"_(total|bucket|count|sum|created)$", "", name) for name in exported() if name.startswith("bankalerts_")}
    assert {name for name in ours if name not in everything} == set()


def test_the_doctor_tells_each_of_its_checks() -> None:
    text = figures([Outcome(check.name, ()) for check in CHECKS])
    assert all(f'bankalerts_doctor_severity{{check="{check.name}"}} 0.0' in text for check in CHECKS)
    assert isinstance(registry_of([]), CollectorRegistry)
