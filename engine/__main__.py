"""python -m engine: one engine process. Start several and they share the partitions."""

import sys

from bankalerts import metrics, process, settings
from engine import member
from engine.database import Stopped

# A write goes on beside the matching: it needs Python's lock a few times only, and would wait 5 ms for it each time.
SWITCH_S = 0.0005


def main() -> None:
    sys.setswitchinterval(SWITCH_S)
    found = settings.load()
    process.configure_logging(found.name, found.log)
    stop = process.stop_event()
    try:
        with metrics.served(found):
            member.run(found, stop, lambda: process.announce_ready(found))
    except Stopped:
        return


process.run(main)
