"""The local mail server and provider as processes, and `bankalerts messages`, which shows what they received."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings, environment, variables
from bankalerts.stack.kept import Kept
from bankalerts.stack.received import Received, show_messages
from notifier.channels import discover, providers_of
from notifier.message import Outgoing, Sent, Target, Text
from tests.notifying import free_port
from tests.waiting import wait_until


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of servers on free ports; nothing listens there yet."""
    smtp, page, provided = free_port(), free_port(), free_port()
    return Settings(
        home=tmp_path,
        database_url="postgresql://none",
        kafka="none:1",
        connect_url="http://none:1",
        smtp_url=f"smtp://127.0.0.1:{smtp}",
        sms_url=f"http://127.0.0.1:{provided}/sms",
        push_url=f"http://127.0.0.1:{provided}/push",
        capture_database_url="postgresql://none",
        provider_url=f"http://127.0.0.1:{provided}",
        mail_url=f"http://127.0.0.1:{page}",
    )


def _port(url: str | None) -> str:
    return str(url).rstrip("/smph").rpartition(":")[2]


def _start(settings: Settings, module: str, *arguments: str) -> subprocess.Popen[str]:
    ready = settings.home / f"{module}.ready"
    ready.unlink(missing_ok=True)
    given = environment(variables(dataclasses.replace(settings, ready_file=ready)))
    command = (sys.executable, "-m", f"bankalerts.stack.{module}", *arguments, "--home", str(settings.home / module))
    process = subprocess.Popen(command, env=given, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: ready.exists() or process.poll() is not None, 20, f"{module} is ready or gave up")
    return process


def _mail_server(settings: Settings) -> subprocess.Popen[str]:
    return _start(settings, "mail_server", "--smtp-port", _port(settings.smtp_url), "--http-port", _port(settings.mail_url))


def _provider(settings: Settings) -> subprocess.Popen[str]:
    return _start(settings, "provider", "--port", _port(settings.provider_url))


@pytest.fixture
def running(settings: Settings) -> Iterator[Settings]:
    """Both servers as processes; that each ends well on SIGTERM is part of every test."""
    processes = [_mail_server(settings), _provider(settings)]
    yield settings
    for process in processes:
        process.terminate()
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")


def _send(settings: Settings, channel: str, body: str) -> str:
    message_id = uuid4()
    address = {"EMAIL": "ada@example.org", "SMS": "+31612345678", "PUSH": "device-1"}[channel]

    async def send() -> None:
        opened = discover()[channel](settings)
        with contextlib.suppress(asyncio.CancelledError):
            provider, *_ = providers_of(opened)
            assert isinstance(await provider.send(Target("key", address), Outgoing(message_id, Text("Subject", body))), Sent)
        await opened.close()

    asyncio.run(send())
    return str(message_id)


def test_what_was_received_is_shown(running: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [_send(running, channel, f"[bold]{channel} & <b>") for channel in ("EMAIL", "SMS", "PUSH")]

    show_messages(running, channel=None, follow=False, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert [message["message_id"] for message in shown] == ids
    assert [message["channel"] for message in shown] == ["EMAIL", "SMS", "PUSH"]
    assert [message["received_at"] for message in shown] == sorted(message["received_at"] for message in shown)

    show_messages(running, channel="sms", follow=False, as_json=False)
    table = capsys.readouterr().out
    assert "[bold]SMS" in table.replace("\n", "")
    assert "PUSH" not in table

    page = requests.get(str(running.provider_url), timeout=5).text
    assert "[bold]PUSH &amp; &lt;b&gt;" in page


def test_each_message_is_told_once_to_a_follower(running: Settings) -> None:
    received = Received(running)
    assert received.new() == []
    first = [_send(running, "PUSH", "one"), _send(running, "EMAIL", "two")]
    assert [message["message_id"] for message in received.new()] == first
    third = _send(running, "SMS", "three")
    assert [message["message_id"] for message in received.new()] == [third]
    assert received.new() == []


def test_a_killed_server_still_shows_what_it_received(settings: Settings) -> None:
    process = _provider(settings)
    sent = _send(settings, "PUSH", "before")
    process.kill()
    process.communicate()
    with (settings.home / "provider" / "messages.jsonl").open("a") as file:
        file.write('{"received_at": 17, "cut off by the ki')
    process = _provider(settings)
    again = _send(settings, "PUSH", "after")
    found = requests.get(f"{settings.provider_url}/messages", timeout=5).json()
    process.terminate()
    process.communicate(timeout=10)
    assert [message["message_id"] for message in found] == [sent, again]


def test_the_servers_listen_at_the_host_that_they_are_given(settings: Settings) -> None:
    smtp, page, provided = (_port(url) for url in (settings.smtp_url, settings.mail_url, settings.provider_url))
    processes = [
        _start(settings, "mail_server", "--host", "127.0.0.2", "--smtp-port", smtp, "--http-port", page),
        _start(settings, "provider", "--host", "127.0.0.2", "--port", provided),
    ]
    for port in (smtp, page, provided):
        socket.create_connection(("127.0.0.2", int(port)), timeout=5).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port)), timeout=5)
    for process in processes:
        process.terminate()
        process.communicate(timeout=10)


def test_a_port_in_use_is_one_line(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", int(_port(settings.provider_url)))):
        process = _provider(settings)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert errors.count("\n") == 1
    assert f"port {_port(settings.provider_url)} cannot be used" in errors


@pytest.mark.parametrize(
    ("base", "behaviour", "remedy"),
    [
        ("mail_url", {"mode": "sulk"}, "mode is 'sulk': use accept, refuse, tempfail, drop, nonsense, hang, down"),
        ("provider_url", {"channel": "FAX"}, "channel is 'FAX': use SMS, PUSH, SMS2, PUSH2"),
        ("provider_url", {"channel": "SMS", "status": 7}, "status is 7: use 200 to 599"),
        ("provider_url", {"channel": "SMS", "colour": 7}, "colour"),
        ("provider_url", {"channel": "PUSH2", "body": "song"}, "body is 'song': use json or nonsense"),
        ("provider_url", {"channel": "SMS2", "receipts": "LOST"}, "receipts is 'LOST': use DELIVERED or BOUNCED or FAILED"),
        ("provider_url", {"channel": "SMS", "receipts": "BOUNCED"}, "set BANKALERTS_RECEIPTS_LISTEN"),
    ],
)
def test_a_wrong_behaviour_is_refused_with_the_remedy(
    running: Settings, base: str, behaviour: dict[str, object], remedy: str
) -> None:
    answer = requests.post(f"{getattr(running, base)}/behaviour", json=behaviour, timeout=5)
    assert answer.status_code == 400
    assert remedy in answer.text


def test_each_provider_behaves_by_itself(running: Settings) -> None:
    message = {"to": "device-1", "title": None, "body": "Hello", "message_id": "m-1"}

    def post(path: str) -> requests.Response:
        return requests.post(f"{running.provider_url}{path}", json=message, timeout=5)

    def behave(channel: str, **told: object) -> None:
        requests.post(f"{running.provider_url}/behaviour", json={"channel": channel, **told}, timeout=5).raise_for_status()

    behave("PUSH", status=500)
    behave("SMS", body="nonsense")
    behave("SMS2", rate_429_above=0)
    assert [post(path).status_code for path in ("/push", "/second/push", "/sms", "/second/sms")] == [500, 200, 200, 429]
    assert post("/sms").text.startswith("<!doctype html>")
    assert post("/second/sms").headers["Retry-After"] == "1"
    kept = requests.get(f"{running.provider_url}/messages", timeout=5).json()
    assert [(row["channel"], row["path"]) for row in kept] == [("PUSH", "/second/push"), ("SMS", "/sms"), ("SMS", "/sms")]


def test_a_malformed_message_is_refused(running: Settings) -> None:
    for content in (b"no json", b"[]", b"{}"):
        assert requests.post(running.push_url, data=content, timeout=5).status_code == 422


def test_errors_say_what_to_do(settings: Settings) -> None:
    with pytest.raises(BankalertsError, match="use EMAIL, SMS, PUSH"):
        show_messages(settings, channel="fax", follow=False, as_json=False)
    with pytest.raises(BankalertsError, match="does not answer: `bankalerts status`"):
        show_messages(settings, channel=None, follow=False, as_json=False)
    with pytest.raises(BankalertsError, match="start the stack with `bankalerts up`"):
        Received(dataclasses.replace(settings, mail_url=None, provider_url=None))


def test_kept_messages_have_strictly_increasing_times(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    times = [kept.add(channel="SMS", to="x", subject=None, body="", message_id="") for _ in range(1000)]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert [message["received_at"] for message in kept.since(times[989])] == times[990:]
    kept.close()
