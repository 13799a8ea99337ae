"""audit.next_due says what engine.schedule says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from engine.schedule import compile_schedule, next_due
from tests.schedules import ZONES, schedules, times

NEXT = "select audit.next_due(%s, %s, %s, %s)"


@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schedules(), st.sampled_from(ZONES), times())
@example({"every": "day", "hour": 2, "minute": 30}, "Europe/Amsterdam", datetime.fromisoformat("2026-10-24T12:00+02:00"))
@example({"every": "day", "hour": 3, "minute": 0}, "Europe/Chisinau", datetime.fromisoformat("2029-10-27T14:00+00:00"))
@example({"every": "day", "hour": 2, "minute": 30}, "Europe/Amsterdam", datetime.fromisoformat("2026-03-28T12:00+01:00"))
def test_the_next_time_is_the_same_in_sql_and_python(
    connection: psycopg.Connection[Any], written: dict[str, Any], zone: str, after: datetime
) -> None:
    row = connection.execute(NEXT, [Jsonb(written), Jsonb({}), zone, after]).fetchone()
    assert row == (next_due(compile_schedule(written, {}), {}, zone, after),)


def test_parameters_give_the_numbers_the_same_way(connection: psycopg.Connection[Any]) -> None:
    written = {"every": "month", "hour": ":hour", "day": ":day"}
    schedule = compile_schedule(written, {"hour": "integer", "day": "integer"})
    after = datetime.fromisoformat("2026-02-10T00:00+00:00")
    for given_hour in (0, 23, 24, -1, None):
        for given_day in (1, 31, 32, 0, None):
            parameters = {"hour": given_hour, "day": given_day}
            row = connection.execute(NEXT, [Jsonb(written), Jsonb(parameters), "UTC", after]).fetchone()
            assert row == (next_due(schedule, parameters, "UTC", after),), parameters
    assert connection.execute(NEXT, [Jsonb(written), Jsonb({}), "UTC", after]).fetchone() == (None,)
