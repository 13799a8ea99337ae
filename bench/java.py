"""The Java of the Kafka Streams peer: its jars beside the stack's, and its classes, compiled by Eclipse's compiler.

`python -m bench.java` fetches and compiles.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from bankalerts.errors import BankalertsError
from bankalerts.stack import java_parts
from bankalerts.stack.jvm import LOGGING

LOCK = Path(__file__).with_name("java.lock")
SOURCES = Path(__file__).parent / "peers" / "streams"
LANGUAGE = "-21"  # no --release: the runtime has no older versions' signatures


def main() -> None:
    java_parts.fetch(LOCK)
    compiled()


def class_path() -> str:
    jars = [*java_parts.class_path(), *java_parts.class_path(LOCK)]
    return os.pathsep.join(map(str, jars))


def compiled() -> Path:
    """The folder of the peer's classes, made when the sources are others than before. Raises BankalertsError."""
    sources = sorted(SOURCES.glob("*.java"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = Path(sys.prefix, "var", "bankalerts", f"streams-peer-{digest}")
    if not folder.exists():
        compiler = (str(java_parts.java()), "-cp", class_path(), "org.eclipse.jdt.internal.compiler.batch.Main")
        unfinished = folder.with_suffix(".unfinished")
        words = (LANGUAGE, "-nowarn", "-d", str(unfinished), "-cp", class_path(), *map(str, sources))
        done = subprocess.run((*compiler, *words), capture_output=True, text=True, check=False)
        if done.returncode:
            raise BankalertsError(f"the Kafka Streams peer does not compile: {done.stderr[-2_000:]}{done.stdout[-500:]}")
        unfinished.rename(folder)
    return folder


def streams_command(heap_mb: int, *arguments: str) -> tuple[str, ...]:
    """The command line of the peer."""
    options = (f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m", "-XX:+UseParallelGC", f"-Dlog4j2.configurationFile={LOGGING.as_uri()}")
    classes = os.pathsep.join((str(compiled()), class_path()))
    return (str(java_parts.java()), *options, "-cp", classes, "AlertsApp", *arguments)


if __name__ == "__main__":
    from bankalerts.process import run

    run(main)
