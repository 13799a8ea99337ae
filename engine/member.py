"""Being a member of the group that shares the event topic: joining, and joining anew after what a new member can mend."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from confluent_kafka import KafkaException

from bankalerts.kafka import answering
from bankalerts.settings import Settings
from engine.database import Database
from engine.halt import Halt, StopOrHalted
from engine.loop import Engine, Stalls
from engine.outbox import PositionLost
from engine.readers import Stalled
from engine.timekeeper import Timekeeper

log = logging.getLogger(__name__)

REJOIN_AFTER_S = 1.0


def run(settings: Settings, stop: threading.Event, on_ready: Callable[[], None]) -> None:
    """Judge until `stop`. Raises BankalertsError when that is impossible."""
    with answering(settings.kafka, settings.name):
        pass  # asked once: later on, an outage is waited for
    with Database(settings.database_url, settings.name, stop) as database, timekeeping(settings), Halt(settings) as halt:
        stalls: Stalls = set()
        while not stop.is_set():
            halt.wait_for_leave(stop)
            if stop.is_set():
                break
            try:
                run_as_member(Engine(settings, database, stalls, on_ready), StopOrHalted(stop, halt))
            except PositionLost as lost:
                log.warning("%s: joining the group anew", lost)
            except (KafkaException, Stalled) as error:
                log.warning("Kafka: %s: joining the group anew in %.0f s", error, REJOIN_AFTER_S)
                stop.wait(REJOIN_AFTER_S)


def timekeeping(settings: Settings) -> AbstractContextManager[object]:
    """A timekeeper, unless the setting says off."""
    return nullcontext() if settings.timekeeper == "off" else Timekeeper(settings)


def run_as_member(engine: Engine, stop: threading.Event) -> None:
    try:
        engine.run(stop)
    finally:
        engine.close()
