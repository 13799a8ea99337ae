"""What the doctor found as figures for Prometheus, so that its checks alarm as everything else does."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from bankalerts.doctor.check import SEVERITIES, Outcome


def registry_of(outcomes: Sequence[Outcome]) -> CollectorRegistry:
    """One figure for each check, 0 for OK to 2 for FAULT, and when they ran."""
    registry = CollectorRegistry()
    severity = Gauge("bankalerts_doctor_severity", "0: OK, 1: WARNING, 2: FAULT.", ["check"], registry=registry)
    for outcome in outcomes:
        severity.labels(outcome.check).set(SEVERITIES.index(outcome.severity))
    Gauge("bankalerts_doctor_run_seconds", "When the doctor ran, as Unix time.", registry=registry).set_to_current_time()
    return registry


def figures(outcomes: Sequence[Outcome]) -> str:
    """The same as text."""
    return generate_latest(registry_of(outcomes)).decode()
