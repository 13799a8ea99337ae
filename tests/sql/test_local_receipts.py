"""The local provider posts signed receipts, as a real one does: what it says becomes the messages' state."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
from pathlib import Path

from bankalerts.stack import provider
from bankalerts.stack.receipt_sender import Receipt, ReceiptSender
from tests.notifying import Scene, free_port, notifier, play

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_receipts_of_the_local_provider_are_taken(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        port, listens_at = free_port(), f"127.0.0.1:{free_port()}"
        sender = ReceiptSender(listens_at, SECRET)
        stop, ready = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(provider.serve(port, tmp_path / "second", stop, ready.set, receipts=sender))
        await ready.wait()
        base = f"http://127.0.0.1:{port}"
        given = dataclasses.replace(
            scene.settings, push_url=f"{base}/push", provider_url=base, receipts_listen=listens_at, receipts_secrets=SECRET
        )
        behaviour = {"channel": "PUSH", "receipts": "DELIVERED", "delay_ms": 300}
        async with scene.servers.http.post(f"{base}/behaviour", json=behaviour) as answer:
            assert answer.status == 204, await answer.text()
        async with notifier(given):
            # One that nobody knows must not keep the others of its request back.
            sender.add(Receipt("push", "never-sent", "DELIVERED"))
            message_id = await scene.bank.message("PUSH")
            row = await scene.bank.reaches(message_id, "DELIVERED")
            assert row["delivered_at"] is not None
        stop.set()
        await serving

    play(database, tmp_path, scenario)
