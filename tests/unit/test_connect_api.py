"""Calls to Kafka Connect outlast its rebalances, and end with one line when it stays busy."""

from __future__ import annotations

import pytest

from bankalerts.errors import BankalertsError
from connectors.connect_api import ConnectApi
from tests.fake_connect import fake_connect

REBALANCES = (409, {"error_code": 409, "message": "Cannot complete request momentarily due to stale configuration"})
NOT_JOINED = (503, {"error_code": 503, "message": "The worker has not joined its group yet"})


@pytest.mark.parametrize("busy", [REBALANCES, NOT_JOINED])
def test_a_call_is_repeated_while_connect_is_busy(busy: tuple[int, object]) -> None:
    with fake_connect(busy, busy, (202, {})) as (url, asked):
        ConnectApi(url).restart_failed("capture")
    assert len(asked) == 3


def test_who_stays_busy_is_reported_with_its_own_words() -> None:
    with fake_connect(REBALANCES) as (url, asked), pytest.raises(BankalertsError, match=r"\(409\): Cannot complete request"):
        ConnectApi(url, patience_s=0.5).pause("capture")
    assert len(asked) > 1


def test_a_refusal_of_another_kind_is_reported_at_once() -> None:
    with (
        fake_connect((400, {"message": "Invalid value"})) as (url, asked),
        pytest.raises(BankalertsError, match="Invalid value"),
    ):
        ConnectApi(url).put_config("capture", {"a": "b"}, print)
    assert len(asked) == 1
