"""Random alert types with windows on random events of all kinds: engine and reference agree on every event and preference."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.conftest import Server
from tests.random_windows import judge_and_compare


def test_engine_and_reference_agree(server: Server) -> None:
    pairs: dict[str, int] = {}

    @seed(4)
    @settings(max_examples=4, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def judge(data: st.DataObject) -> None:
        url = server.clone()
        try:
            found = judge_and_compare(url, data.draw, data.draw(st.integers(0, 10**6)))
        finally:
            server.drop(url)
        assert not found.wrong
        for outcome, count in found.outcomes.items():
            pairs[outcome] = pairs.get(outcome, 0) + count

    judge()
    assert min(pairs["ALERTED"], pairs["CONDITION_FALSE"]) > 20, pairs
