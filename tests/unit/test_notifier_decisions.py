"""The notifier's pure decisions: when to try again, what becomes of a message, whether it is sent, what an answer means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier import retry
from notifier.breaker import Breaker
from notifier.http_post import idempotency_key, judge
from notifier.message import (
    WHOLE,
    Attempt,
    Drop,
    Policy,
    Result,
    Retry,
    Sent,
    Target,
    Tried,
    Unknown,
)
from notifier.outcome import conclude, end_unsent, left_to_send, release
from tests.claimed import claimed

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MESSAGE = claimed(NOW)

chances = st.floats(0, 1, exclude_max=True)
failures = st.integers(1, 10_000)


def attempt(result: Result, target: str = "t", at: datetime = NOW) -> Attempt:
    return Attempt(Target(target, target), at, at, result, "p")


# When to try again ------------------------------------------------------------------------------------------------


@given(failures, chances)
def test_a_message_waits_anywhere_in_a_window_that_doubles_up_to_its_cap(attempt_no: int, chance: float) -> None:
    delay_s = retry.message_delay_s(attempt_no, chance)
    assert 0 <= delay_s < retry.MESSAGE_CAP_S
    assert delay_s <= retry.MESSAGE_BASE_S * 2 ** min(attempt_no - 1, 60)


def test_the_windows_of_a_message() -> None:
    almost = 0.999999
    windows = [round(retry.message_delay_s(attempt_no, almost)) for attempt_no in range(1, 12)]
    assert windows == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@given(failures, chances)
def test_pauses_are_never_nothing_and_never_beyond_their_cap(count: int, chance: float) -> None:
    assert retry.PROVIDER_BASE_S / 2 <= retry.provider_pause_s(count, chance) <= retry.PROVIDER_CAP_S
    assert retry.DATABASE_BASE_S / 2 <= retry.database_pause_s(count, chance) <= retry.DATABASE_CAP_S


# What becomes of a message ----------------------------------------------------------------------------------------

DOWN = Retry("HTTP 503", provider_down=True)
GONE = Drop("HTTP 410")
LOST = Unknown("the connection was reset")
NEVER_AGAIN = Policy(retries_unknown=False)


@pytest.mark.parametrize(
    ("results", "state", "reason"),
    [
        ([Sent()], "ACCEPTED", None),
        ([Sent(), GONE], "ACCEPTED", None),
        ([Sent(), DOWN], "PENDING", "HTTP 503"),
        ([DOWN, GONE], "PENDING", "HTTP 503"),
        ([GONE], "FAILED", "refused for good: HTTP 410"),
        ([GONE, Drop("HTTP 400")], "FAILED", "refused for good: HTTP 400; HTTP 410"),
    ],
)
def test_conclusions(results: list[Result], state: str, reason: str | None) -> None:
    attempts = [attempt(result, f"t{n}") for n, result in enumerate(results)]
    concluded = conclude(MESSAGE, attempts, Tried(), Policy(), 0.5)
    assert (concluded.state, concluded.reason) == (state, reason)
    assert (concluded.retry_in_s is not None) == (state == "PENDING")


def test_a_target_that_took_it_earlier_counts_from_that_time() -> None:
    earlier = NOW - timedelta(minutes=5)
    assert conclude(MESSAGE, [attempt(GONE)], Tried({"other": earlier}), Policy(), 0.5).handed_at == earlier
    assert conclude(MESSAGE, [attempt(Sent())], Tried({"other": earlier}), Policy(), 0.5).handed_at == earlier
    assert conclude(MESSAGE, [], Tried({"other": earlier}), Policy(), 0.5).state == "ACCEPTED"
    assert end_unsent("SUPPRESSED", "revoked", Tried({"other": earlier})).state == "ACCEPTED"
    assert end_unsent("SUPPRESSED", "revoked", Tried()).reason == "revoked"


def test_what_may_have_been_sent_is_sent_again_or_ends_unknown() -> None:
    """As the channel's policy says, and after a few tries in any case."""
    again = conclude(MESSAGE, [attempt(LOST)], Tried(), Policy(unknown_tries_max=2), 0.5)
    assert (again.state, again.reason, again.may_be_twice) == ("PENDING", LOST.reason, False)
    for tried, policy in ((Tried(unknown={"t": 1}), Policy(unknown_tries_max=2)), (Tried(), NEVER_AGAIN)):
        concluded = conclude(MESSAGE, [attempt(LOST)], tried, policy, 0.5)
        assert (concluded.state, concluded.reason, concluded.falls_back) == ("UNKNOWN", LOST.reason, False)
    assert conclude(MESSAGE, [attempt(LOST), attempt(Sent(), "u")], Tried(), NEVER_AGAIN, 0.5).state == "ACCEPTED"


def test_what_may_have_been_sent_and_is_now_refused_for_good_falls_back() -> None:
    """A notifier is killed with it, and the device turns out to be gone: better by SMS too than not at all."""
    refused = conclude(MESSAGE, [attempt(GONE)], Tried(unknown={WHOLE: 1}), Policy(), 0.5)
    assert (refused.state, refused.falls_back) == ("UNKNOWN", True)
    no_device = end_unsent("SUPPRESSED", "the customer has no device", Tried(unknown={WHOLE: 1}), falls_back=True)
    assert (no_device.state, no_device.falls_back) == ("UNKNOWN", True)
    for tried, policy in ((Tried(unknown={WHOLE: 3}), Policy()), (Tried(unknown={WHOLE: 1}), NEVER_AGAIN)):
        concluded = conclude(MESSAGE, [], tried, policy, 0.5)
        assert (concluded.state, concluded.falls_back) == ("UNKNOWN", False)


@pytest.mark.parametrize(("key", "twice"), [("t", True), (WHOLE, True), ("u", False)])
def test_what_a_provider_takes_after_an_unknown_attempt_may_be_twice(key: str, twice: bool) -> None:
    concluded = conclude(MESSAGE, [attempt(Sent())], Tried(unknown={key: 1}), Policy(), 0.5)
    assert (concluded.state, concluded.may_be_twice) == ("ACCEPTED", twice)


@pytest.mark.parametrize("key", ["t", WHOLE])
def test_what_was_taken_by_an_attempt_that_lost_its_lease_may_be_twice_as_well(key: str) -> None:
    """The attempt is on record, its conclusion is not: who finds it sent has to say what it would have said."""
    tried = Tried({"t": NOW}, {key: 1})
    assert left_to_send([Target("t", "t")], tried, Policy()) == []
    for concluded in (conclude(MESSAGE, [], tried, Policy(), 0.5), end_unsent("EXPIRED", "too old", tried)):
        assert (concluded.state, concluded.may_be_twice) == ("ACCEPTED", True)


def test_who_is_left_to_send_to() -> None:
    targets = [Target(key, key) for key in ("sent", "dropped", "unknown", "new")]
    tried = Tried({"sent": NOW}, {"unknown": 1}, frozenset({"dropped"}))
    assert [target.key for target in left_to_send(targets, tried, Policy())] == ["unknown", "new"]
    assert [target.key for target in left_to_send(targets, tried, NEVER_AGAIN)] == ["new"]
    assert left_to_send(targets, Tried(unknown={WHOLE: 1}), NEVER_AGAIN) == []
    assert left_to_send(targets, Tried(unknown={WHOLE: 3}), Policy(unknown_tries_max=3)) == []


def test_what_ends_unsent_says_when_it_may_have_been_sent() -> None:
    concluded = end_unsent("SUPPRESSED", "revoked", Tried(unknown={WHOLE: 1}))
    assert concluded.state == "UNKNOWN"
    assert "revoked" in str(concluded.reason)


def test_what_was_not_begun_is_no_attempt() -> None:
    released = release(MESSAGE, "given back", 7.0)
    assert (released.state, released.uncounted, released.retry_in_s) == ("PENDING", True, 7.0)
    assert (released.reason, released.held_for) == ("given back", None)
    assert release(claimed(NOW, last_reason="HTTP 503"), "given back").reason == "HTTP 503"
    for held_for, stays in (("DIGEST:1:T", "DIGEST:1:T"), ("QUIET", None)):
        assert release(claimed(NOW, held_for=held_for), "given back").held_for == stays
    nobody = Attempt(Target("t", "t"), NOW, NOW, Retry("the rate limit of p", after_s=3.0))
    concluded = conclude(MESSAGE, [nobody], Tried(), Policy(), 0.5)
    assert (concluded.uncounted, concluded.retry_in_s) == (True, 3.0)
    assert not conclude(MESSAGE, [nobody, attempt(DOWN)], Tried(), Policy(), 0.5).uncounted


results = st.lists(st.sampled_from([Sent("r"), DOWN, GONE, LOST]), min_size=1, max_size=5)


@given(results, chances, st.booleans())
def test_a_conclusion_is_one_that_the_outbox_takes(given_results: list[Result], chance: float, before: bool) -> None:
    attempts = [attempt(result, f"t{n}") for n, result in enumerate(given_results)]
    concluded = conclude(MESSAGE, attempts, Tried({"earlier": NOW} if before else {}), Policy(), chance)
    assert (concluded.state == "ACCEPTED") <= (concluded.handed_at is not None)
    assert (concluded.state == "FAILED") <= (concluded.reason is not None)
    assert (concluded.state == "PENDING") == (concluded.retry_in_s is not None) == (not {DOWN, LOST}.isdisjoint(given_results))


# Whether the provider is worth calling ----------------------------------------------------------------------------


def test_the_breaker_lets_one_message_try_while_the_provider_is_down() -> None:
    breaker = Breaker()
    assert (breaker.is_open, breaker.closed_for_s(now=100.0)) == (True, 0.0)

    breaker.failed(now=100.0, chance=0.5)
    breaker.failed(now=100.0, chance=0.5)  # was in flight with the other: counts once
    first_s = breaker.closed_for_s(now=100.0)
    assert first_s == retry.provider_pause_s(1, 0.5)
    assert (breaker.is_open, breaker.closed_for_s(now=100.0 + first_s)) == (False, 0.0)

    breaker.failed(now=100.0 + first_s, chance=0.5)
    assert breaker.closed_for_s(now=100.0 + first_s) == retry.provider_pause_s(2, 0.5)

    breaker.worked()
    assert (breaker.is_open, breaker.closed_for_s(now=100.0 + first_s)) == (True, 0.0)


# What an HTTP answer means ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (200, b'{"provider_ref": "abc-1"}', Sent("abc-1")),
        (202, b"", Sent(None)),
        (200, b"{}", Sent(None)),
        (200, b"[1]", Unknown("HTTP 200 with something that is no JSON object")),
        (201, b"\xff", Unknown("HTTP 201 with something that is no JSON object")),
        (200, b"<html>ada@example.org", Unknown("HTTP 200 with something that is no JSON object")),
        (200, None, Unknown("HTTP 200 with something that is no JSON object")),
        (200, b'{"provider_ref": "ada@example.org"}', Sent(None)),
        (200, b'{"provider_ref": 7}', Sent(None)),
        (400, b"ada@example.org is wrong", Drop("HTTP 400")),
        (410, b"", Drop("HTTP 410", address_is_dead=True)),
        (413, b"", Drop("HTTP 413")),
        (422, b"", Drop("HTTP 422")),
        (451, b"", Drop("HTTP 451")),
        (404, b"", Retry("HTTP 404", provider_down=True)),
        (405, b"", Retry("HTTP 405", provider_down=True)),
        (409, b"", Retry("HTTP 409")),
        (415, b"", Retry("HTTP 415", provider_down=True)),
        (302, b"", Retry("HTTP 302", provider_down=True)),
        (401, b"", Retry("HTTP 401", provider_down=True)),
        (429, b"", Retry("HTTP 429", provider_down=True)),
        (500, b"", Retry("HTTP 500", provider_down=True)),
    ],
)
def test_http_answers(status: int, body: bytes | None, result: Result) -> None:
    assert judge(status, body) == result


@given(st.uuids(), st.text(min_size=1), st.text(min_size=1))
def test_an_idempotency_key_stands_for_a_message_and_a_target(message_id: UUID, one: str, other: str) -> None:
    assert (idempotency_key(message_id, one) == idempotency_key(message_id, other)) == (one == other)
    assert idempotency_key(message_id, one).isascii()
