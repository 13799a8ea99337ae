"""A new channel is one new file: dropped beside the others, it drains its messages, and nothing else was edited."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

from bankalerts.settings import variables
from tests.dropped import ROOT, drop
from tests.notifying import Scene, play

PIGEON = '''
"""PIGEON: writes a letter into the loft, a folder."""

from pathlib import Path

from notifier.message import Reach, Sent


class Channel:
    reach = Reach.ADDRESSES
    most_in_flight = 2

    def __init__(self, settings):
        self._loft = settings.home / "loft"

    async def send(self, address, outgoing):
        self._loft.mkdir(exist_ok=True)
        (self._loft / address).write_text(outgoing.text.body)
        return Sent("ring-7")

    async def close(self):
        pass
'''

# A pigeon that the suite can hold to all that it asks: its letters go over a wire to a loft that may misbehave.
CARRIER = '''
"""PIGEON: a line of JSON to the loft, which answers with a ring or its reason."""

import asyncio
import json

from notifier.message import Drop, Reach, Retry, Sent, Unknown


class Channel:
    reach = Reach.ADDRESSES
    most_in_flight = 2
    has_subject = False

    def __init__(self, settings):
        self._port = int(settings.sms_url)

    async def send(self, address, outgoing):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return Retry("no loft", provider_down=True)
        try:
            letter = {"to": address, "body": outgoing.text.body, "key": str(outgoing.message_id)}
            writer.write(json.dumps(letter).encode() + b"\\n")
            answer = json.loads(await reader.readline())
        except (OSError, ValueError):
            return Unknown("no answer from the loft")
        finally:
            writer.close()
        kinds = {"taken": Sent, "refused": Drop, "later": Retry}
        return kinds[answer["was"]](answer["says"])

    async def close(self):
        pass
'''

LOFT = '''
"""PIGEON: a loft, behind a relay."""

import asyncio
import json
from contextlib import asynccontextmanager

from notifier.channels.pigeon import Channel
from notifier.message import Target
from tests import relay
from tests.rigs import Stage, UnsupportedError, settings

NAME = CHANNEL = "PIGEON"
TARGET = Target("roof", "roof-3")
IS_IDEMPOTENT = True
RELAY = {"down": relay.DOWN, "hang": relay.SILENT, "nonsense": relay.GARBLED}
WAS = {"refuse": ("refused", "no such roof"), "tempfail": ("later", "rain")}


@asynccontextmanager
async def stage(folder):
    letters, mode = [], ["accept"]

    async def take(reader, writer):
        letter = json.loads(await reader.readline())
        was, says = WAS.get(mode[0], ("taken", "ring-7"))
        if was == "taken":
            letters.append({**letter, "subject": None})
        writer.write(json.dumps({"was": was, "says": says}).encode() + b"\\n")
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as loft:
        async with relay.relay(loft.sockets[0].getsockname()[1]) as front:
            async def behave(to):
                if to == "drop_answer":
                    raise UnsupportedError("a pigeon always comes back")
                mode[0] = to
                await front.behave(RELAY.get(to, relay.PASS))

            async def received():
                return letters

            yield Stage(Channel(settings(folder, sms_url=str(front.port))), behave, received)
'''


def test_a_channel_dropped_in_as_one_file_is_drained(database: str, tmp_path: Path) -> None:
    found = drop(tmp_path, {"pigeon.py": PIGEON})

    async def scenario(scene: Scene) -> None:
        await scene.bank.run("insert into bank.channel values ('PIGEON')")
        await scene.bank.run("insert into bank.contact_address values (1, 'PIGEON', 'roof-3', now())")
        await scene.bank.run(
            "insert into bank.message_template values"
            " ('BALANCE_BELOW', 'PIGEON', 'en', 1, null, 'Coo: {{ event.balance_after_minor | money(event.currency) }}')"
        )
        given = dataclasses.replace(scene.settings, kafka="none:1", connect_url="http://none:1", capture_database_url="none")
        environment = {**found, **variables(given)}
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "notifier", cwd=tmp_path, env=environment)
        try:
            message_id = await scene.bank.message("PIGEON")
            await scene.bank.reaches(message_id, "ACCEPTED")
            await scene.bank.reaches(await scene.bank.message("SMS"), "ACCEPTED")
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            assert await process.wait() == 0
        assert (tmp_path / "loft" / "roof-3").read_text() == "Coo: €90.00"
        (attempt,) = await scene.bank.attempts(message_id)
        assert attempt["provider_ref"] == "ring-7"

    play(database, tmp_path, scenario)


def _suite(folder: Path, carrier: str, which: str) -> subprocess.CompletedProcess[str]:
    """Run the conformance suite for this pigeon, in a copy of the product and of the tests."""
    environment = drop(folder, {"pigeon.py": carrier})
    shutil.copytree(ROOT / "tests" / "rigs", folder / "tests" / "rigs", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests" / "channels").mkdir()
    beside = [path for path in (ROOT / "tests").glob("*.py") if path.name != "conftest.py"]
    for path in (*beside, *(ROOT / "tests" / "channels" / name for name in ("__init__.py", "test_channel_conformance.py"))):
        shutil.copy(path, folder / path.relative_to(ROOT))
    (folder / "tests" / "rigs" / "pigeon.py").write_text(LOFT, encoding="utf-8")
    command = (sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-k", which, "tests")
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_conformance_suite_runs_for_a_channel_dropped_in(tmp_path: Path) -> None:
    run = _suite(tmp_path / "good", CARRIER, "PIGEON")
    assert run.returncode == 0, run.stdout
    assert "12 passed, 1 skipped" in run.stdout, run.stdout
    assert "a pigeon always comes back" in run.stdout

    lying = CARRIER.replace('Unknown("no answer from the loft")', 'Retry(f"no answer about {address}")')
    run = _suite(tmp_path / "lying", lying, "PIGEON and nonsense")
    assert run.returncode == 1, run.stdout
    assert "1 failed" in run.stdout, run.stdout
