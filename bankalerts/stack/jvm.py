"""How the Java parts are run: small heaps, quick starts, one log format."""

from __future__ import annotations

import os
from pathlib import Path

from bankalerts.stack import java_parts

LOGGING = Path(__file__).with_name("log4j2.properties")


def command(heap_mb: int, main_class: str, *arguments: str) -> tuple[str, ...]:
    """The command line of a Java part, its heap bounded by `heap_mb`."""
    jars = java_parts.class_path()
    return (
        str(java_parts.java()),
        f"-Xmx{heap_mb}m",
        f"-Xms{heap_mb}m",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        f"-Dlog4j2.configurationFile={LOGGING}",
        "-cp",
        os.pathsep.join(map(str, jars)),
        main_class,
        *arguments,
    )
