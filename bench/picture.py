"""The picture of a run: bars, as SVG written by hand."""

from __future__ import annotations

from html import escape
from typing import Any

WIDTH, BAR, GAP, LABEL, MARGIN = 860, 22, 8, 300, 20
OURS, OTHERS, FLOOR = "#1b6ac9", "#9aa3ad", "#d9dde2"
Bars = list[tuple[str, float, str]]  # label, value, colour


def drawn(found: dict[str, Any]) -> str:
    """One chart under the other, for the parts that were measured."""
    charts = [(title, bars) for title, bars in charts_of(found) if bars]
    body, y = [], MARGIN
    for title, bars in charts:
        body.append(f'<text x="{MARGIN}" y="{y + 14}" font-weight="bold">{escape(title)}</text>')
        y += 28
        longest = max(value for _, value, _ in bars) or 1.0
        for label, value, colour in bars:
            length = (WIDTH - LABEL - 120) * value / longest
            body.append(f'<text x="{LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>')
            body.append(f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>')
            body.append(f'<text x="{LABEL + length + 6:.1f}" y="{y + 15}">{shown(value)}</text>')
            y += BAR + GAP
        y += GAP * 2
    size = f'width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
    style = 'font-family="sans-serif" font-size="13"'
    paper = '<rect width="100%" height="100%" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{paper}{"".join(body)}</svg>\n'


def charts_of(found: dict[str, Any]) -> list[tuple[str, Bars]]:
    parts = {name: part for name, part in found.items() if isinstance(part, dict) and "failed" not in part}
    return [
        ("Entries a second (more is better)", throughput(parts.get("throughput", {}))),
        ("Posted to committed, p99 in ms (less is better)", latency(parts.get("latency", {}))),
        ("Time to the first decision in s (less is better)", starts(parts.get("starts", {}))),
        ("Entries a second by engine processes", processes(parts.get("processes", {}))),
    ]


def throughput(part: dict[str, Any]) -> Bars:
    names = {"floor": ("read and decode only", FLOOR), "engine": ("bankalerts, to committed outbox", OURS)}
    names |= {"quix": ("Quix Streams, exactly once", OTHERS), "streams": ("Kafka Streams, exactly once", OTHERS)}
    return [(label, part[name]["entries_per_s"], colour) for name, (label, colour) in names.items() if name in part]


def latency(part: dict[str, Any]) -> Bars:
    bars: Bars = []
    for rate, ours in part.get("engine", {}).items():
        bars.append((f"bankalerts at {rate}/s", ours["p99_ms"], OURS))
        bars.append((f"Kafka Streams at {rate}/s", part["streams"][rate]["p99_ms"], OTHERS))
    return bars


def starts(part: dict[str, Any]) -> Bars:
    bars: Bars = []
    for one in part.values():
        size = f"{one['preferences'] / 1e6:g} M preferences"
        bars.append((f"bankalerts, checkpoint, {size}", one["checkpoint_s"], OURS))
        bars.append((f"bankalerts, cold, {size}", one["cold_s"], OURS))
        bars.append((f"Kafka Streams, restore, {size}", one["streams"]["restore_s"], OTHERS))
    return bars


def processes(part: dict[str, Any]) -> Bars:
    return [(f"{count} engine process{'es' * (count != '1')}", one["entries_per_s"], OURS) for count, one in part.items()]


def shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
