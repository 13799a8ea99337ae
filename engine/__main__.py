"""python -m engine: one engine process. Start several and they share the partitions."""

from bankalerts import process, settings
from engine import loop
from engine.database import Stopped


def main() -> None:
    found = settings.load()
    process.configure_logging(found.name)
    stop = process.stop_event()
    try:
        loop.run(found, stop, lambda: process.announce_ready(found))
    except Stopped:
        return


process.run(main)
