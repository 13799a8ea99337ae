"""How the Java parts are run: small heaps, quick starts, one log format."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bankalerts.stack import java_parts

LOGGING = Path(__file__).with_name("log4j2.properties")
# What a JVM writes at its first end, and reads at the next start instead of loading classes from jars: half the
# processor time of a start. In the virtual environment, as the runtime and the jars' lock are.
ARCHIVES = Path(sys.prefix, "var", "bankalerts")
QUIET = ("-Xlog:disable", "-Xlog:all=error:stderr")  # a missing archive is no news


def server(name: str, heap_mb: int, main_class: str, *arguments: str) -> tuple[str, ...]:
    """The command line of a Java part that stays, its heap bounded by `heap_mb`."""
    ARCHIVES.mkdir(parents=True, exist_ok=True)
    archive = ("-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={_archive(name)}", *QUIET)
    heap = (f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
    return (str(java_parts.java()), *archive, *heap, *_program(main_class), *arguments)


def tool(name: str, main_class: str, *arguments: str) -> tuple[str, ...]:
    """The command line of a Java program that ends soon; it reads the archive of the server `name`."""
    archive = (f"-XX:SharedArchiveFile={_archive(name)}", *QUIET) if _archive(name).exists() else ()
    quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    return (str(java_parts.java()), *archive, *quick, *_program(main_class), *arguments)


def _archive(name: str) -> Path:
    return ARCHIVES / f"{name}.jsa"


def _program(main_class: str) -> tuple[str, ...]:
    class_path = os.pathsep.join(map(str, java_parts.class_path()))
    return (f"-Dlog4j2.configurationFile={LOGGING.as_uri()}", "-cp", class_path, main_class)
