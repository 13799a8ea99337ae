"""The demo as a person runs it, and the SQL that it tells them to paste."""

from __future__ import annotations

import re

import psycopg

from bankalerts.stack.received import Received
from tests.running_stack import RunningStack
from tests.waiting import wait_until


def test_the_demo_ends_well_and_its_sql_makes_an_alert(stack: RunningStack) -> None:
    said = stack.cli("demo").stdout
    for told in ("3,000 of 3,000 entries", "alerts BALANCE_BELOW", "SMS to +31", "end to end", "missing", "Try next"):
        assert told in said
    to_paste = re.findall(r"^(?:insert into|select)\s[^;]*;", said, flags=re.MULTILINE)
    assert len(to_paste) == 3

    received = Received(stack.settings)
    received.new()
    with psycopg.connect(stack.settings.database_url, autocommit=True) as connection:
        for statement in to_paste[:2]:
            connection.execute(statement)

        def about_250_euro() -> list[str]:
            return [message["body"] for message in received.new() if re.search(r"250[.,]00", message["body"])]

        wait_until(about_250_euro, 30, "a message about 250 euro")
        assert connection.execute(to_paste[2]).fetchall()
