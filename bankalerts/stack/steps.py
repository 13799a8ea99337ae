"""Run steps that need one another: each as soon as what it needs is done, the others at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from bankalerts.errors import BankalertsError


@dataclass(frozen=True)
class Step:
    """`run` raises BankalertsError when it fails; what needs the step is then left out."""

    name: str
    run: Callable[[], None]
    needs: tuple[str, ...] = ()


class _LeftOutError(Exception):
    """Something that the step needs failed; that failure was reported already."""


def run_steps(steps: list[Step], interrupted: threading.Event) -> None:
    """Run all steps, given in an order in which each comes after what it needs.

    A need that is not among the steps counts as done. Raises BankalertsError with one line per failed step.
    Ctrl-C sets `interrupted`, on which a waiting step gives up.
    """
    futures: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(len(steps) or 1) as pool:
        for step in steps:
            before = [futures[need] for need in step.needs if need in futures]
            futures[step.name] = pool.submit(_run_after, before, step.run)
        try:
            wait(futures.values())
        except KeyboardInterrupt:
            interrupted.set()
            raise
    errors = [future.exception() for future in futures.values()]
    for error in errors:
        if error is not None and not isinstance(error, BankalertsError | _LeftOutError):
            raise error
    failures = [str(error) for error in errors if isinstance(error, BankalertsError)]
    if failures:
        raise BankalertsError("\n".join(failures))


def _run_after(before: list[Future[None]], run: Callable[[], None]) -> None:
    if any(future.exception() is not None for future in before):
        raise _LeftOutError
    run()
