"""Figures for Prometheus: where they are kept, how they are served, and how the local stack finds them.

Every figure is counted for a batch, never for an event: the engine judges an event in seven microseconds.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.exposition import start_http_server

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings

disable_created_metrics()  # type: ignore[no-untyped-call]

# Of this product alone: a library's figures would be names that no page tells of.
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

UP = Gauge("bankalerts_process", "1 while the process runs, with its name.", ["name"], registry=REGISTRY)

TARGETS_SUFFIX = ".metrics.yml"


def render() -> str:
    """All figures of this process, in Prometheus' text format."""
    return generate_latest(REGISTRY).decode()


@contextmanager
def served(settings: Settings) -> Iterator[int | None]:
    """Answer scrapes at `metrics_listen` (host:port, 0 for a free port) on a thread; yields the port, None where it is empty.

    Beside the ready file a file says where, in the form that Prometheus' file_sd_configs reads.
    Raises BankalertsError when the address cannot be had.
    """
    UP.labels(settings.name).set(1)
    if not settings.metrics_listen:
        yield None
        return
    host, _, wanted = settings.metrics_listen.rpartition(":")
    try:
        server, thread = start_http_server(int(wanted), host or "127.0.0.1", REGISTRY)
    except (OSError, ValueError, OverflowError) as error:
        raise BankalertsError(
            f"BANKALERTS_METRICS_LISTEN {settings.metrics_listen!r} cannot be listened at ({error}): give host:port, or nothing"
        ) from error
    port = int(server.server_port)
    targets = _tell(settings, f"{host or '127.0.0.1'}:{port}")
    try:
        yield port
    finally:
        if targets is not None:
            targets.unlink(missing_ok=True)
        _close(server, thread)


def targets(folder: Path) -> dict[str, str]:
    """Process -> host:port, of those whose file is in the folder. Empty where nothing runs."""
    found = {}
    for path in sorted(folder.glob(f"*{TARGETS_SUFFIX}")):
        (group,) = json.loads(path.read_text(encoding="utf-8"))
        found[path.name.removesuffix(TARGETS_SUFFIX)] = str(group["targets"][0])
    return found


def _tell(settings: Settings, address: str) -> Path | None:
    if settings.ready_file is None:
        return None
    path = settings.ready_file.with_name(settings.name + TARGETS_SUFFIX)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps([{"targets": [address], "labels": {"part": settings.name}}]) + "\n", encoding="ascii")
    unfinished.replace(path)
    return path


def _close(server: object, thread: threading.Thread) -> None:
    server.shutdown()  # type: ignore[attr-defined]
    server.server_close()  # type: ignore[attr-defined]
    thread.join()
