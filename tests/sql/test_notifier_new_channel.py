"""A new channel is one new file: dropped beside the others, it drains its messages, and nothing else was edited."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import shutil
import sys
from pathlib import Path

import notifier
from bankalerts.settings import variables
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


def test_a_channel_dropped_in_as_one_file_is_drained(database: str, tmp_path: Path) -> None:
    source = Path(notifier.__file__).parent
    shutil.copytree(source, tmp_path / "notifier", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "notifier" / "channels" / "pigeon.py").write_text(PIGEON)

    async def scenario(scene: Scene) -> None:
        await scene.bank.run("insert into bank.channel values ('PIGEON')")
        await scene.bank.run("insert into bank.contact_address values (1, 'PIGEON', 'roof-3', now())")
        await scene.bank.run(
            "insert into bank.message_template values"
            " ('BALANCE_BELOW', 'PIGEON', 'en', 1, null, 'Coo: {{ event.balance_after_minor | money(event.currency) }}')"
        )
        given = dataclasses.replace(scene.settings, kafka="none:1", connect_url="http://none:1", capture_database_url="none")
        path = f"{tmp_path}{os.pathsep}{source.parent}"
        environment = {**os.environ, **variables(given), "PYTHONPATH": path}
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
