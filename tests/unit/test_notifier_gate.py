"""Whether and when a message is sent: each reason not to, their order, and timelines by an injected clock."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from notifier import digest, gate
from notifier.brake import Brake, Volume
from notifier.channels import Traits
from notifier.controls import Controls
from notifier.gate import FOREVER, End, Hold, Send
from notifier.message import Conclusion, Reach, Recipient, Target, Text
from tests.claimed import claimed

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ADA = Target("k1", "ada@example.org")
EVE = Target("k2", "eve@example.org")
MESSAGE = claimed(NOW, alert_type="SALARY")
RECIPIENT = Recipient(
    known=True,
    full_name="Ada",
    locale="en",
    time_zone="Europe/Amsterdam",
    account_id="a-1",
    iban=None,
    product=None,
    currency=None,
    permitted=True,
    balance_permitted=True,
    targets=(ADA, EVE),
)
EMAIL = Traits("EMAIL", Reach.ADDRESSES, 100, has_subject=True, balance_is_private=False)
PUSH = Traits("PUSH", Reach.DEVICES, 100, has_subject=False, balance_is_private=True)
NIGHT = {"quiet_from": time(22), "quiet_until": time(7)}


def decide(
    of: dict[str, Any] | None = None,
    message: dict[str, Any] | None = None,
    channel: Traits = EMAIL,
    controls: Controls | None = None,
    dead: frozenset[str] = frozenset(),
    now: datetime = NOW,
) -> gate.Decision:
    return gate.decide(
        dataclasses.replace(MESSAGE, **(message or {})),
        dataclasses.replace(RECIPIENT, **(of or {})),
        channel,
        controls or Controls(),
        dead,
        now,
    )


def test_what_nothing_stands_against_is_sent_to_all_targets() -> None:
    assert decide() == Send((ADA, EVE))


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        ({"known": False, "permitted": False, "targets": ()}, "the customer is no longer there"),
        ({"contact_status": "HOLD", "mandatory": True}, "the customer's contact status is HOLD"),
        ({"contact_status": "DECEASED", "purpose": "STATUTORY"}, "the customer's contact status is DECEASED"),
        ({"account_status": "BLOCKED", "purpose": "SECURITY", "mandatory": True}, "the account is blocked"),
        ({"permitted": False, "balance_permitted": False}, "the permission on the account was revoked"),
        ({"balance_permitted": False}, "the permission to see the balance was revoked"),
        ({"purpose": "MARKETING"}, "the customer did not consent to MARKETING"),
        ({"purpose": "MARKETING", "consent": False}, "the customer did not consent to MARKETING"),
        ({"purpose": "SERVICE", "consent": False}, "the customer withdrew the consent to SERVICE"),
    ],
)
def test_what_may_not_be_sent_is_suppressed_for_its_first_reason(of: dict[str, Any], reason: str) -> None:
    """Not held, even when it is night and all is paused: it would not be sent in the morning."""
    for more, controls in (({}, Controls()), (NIGHT, Controls(pauses={"ALL"}))):
        night = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
        assert decide({**more, **of}, controls=controls, now=night) == End("SUPPRESSED", reason)


@pytest.mark.parametrize(
    ("purpose", "consent", "is_sent"),
    [
        ("MARKETING", None, False),
        ("MARKETING", True, True),
        ("SERVICE", None, True),
        ("SERVICE", True, True),
        ("SERVICE", False, False),
        # nobody is asked
        ("SECURITY", None, True),
        ("STATUTORY", None, True),
    ],
)
def test_consent_by_purpose(purpose: str, consent: bool | None, is_sent: bool) -> None:
    assert isinstance(decide({"purpose": purpose, "consent": consent}), Send) == is_sent


def test_a_message_older_than_its_time_to_live_expires_before_anything_else_is_said() -> None:
    """Of mandatory types too. A minute to live, a message every second."""
    of = {"time_to_live": timedelta(minutes=1), "mandatory": True, "permitted": True}
    for seconds in range(120):
        decision = decide(of, {"age": timedelta(seconds=seconds)})
        assert isinstance(decision, Send if seconds < 60 else End), seconds
    old = decide({**of, "known": False}, {"age": timedelta(hours=2), "attempt_no": 4, "last_reason": "HTTP 503"})
    assert old == End("EXPIRED", "older than its time to live of 1 min, after 3 attempts: HTTP 503")
    # what it was held for is no attempt's reason
    held = decide(of, {"age": timedelta(hours=2), "last_reason": "ALL is paused"})
    assert held == End("EXPIRED", "older than its time to live of 1 min, after 0 attempts")


@pytest.mark.parametrize(("seconds", "words"), [(86_400, "24 h"), (5_400, "90 min"), (75, "75 s")])
def test_lengths_of_time(seconds: int, words: str) -> None:
    assert gate.in_words(timedelta(seconds=seconds)) == words


def test_a_pilot_is_sent_to_its_cohort_alone() -> None:
    controls = Controls(pilots={"SALARY": frozenset({1}), "RENT": frozenset()})
    assert isinstance(decide(controls=controls), Send)
    assert decide(message={"customer_id": 2}, controls=controls) == End("SUPPRESSED", "not in the pilot of SALARY")
    assert decide(message={"alert_type": "RENT"}, controls=controls) == End("SUPPRESSED", "not in the pilot of RENT")
    assert isinstance(decide(message={"alert_type": "CARD", "customer_id": 2}, controls=controls), Send)


@pytest.mark.parametrize(
    ("pauses", "scope"),
    [
        ({"ALL", "TYPE:SALARY"}, "ALL"),
        ({"CHANNEL:EMAIL", "TYPE:SALARY"}, "CHANNEL:EMAIL"),
        ({"TYPE:SALARY"}, "TYPE:SALARY"),
        ({"CHANNEL:SMS", "TYPE:RENT"}, None),
        (set(), None),
    ],
)
def test_pauses_hold_for_the_widest_scope(pauses: set[str], scope: str | None) -> None:
    decision = decide({"mandatory": True, "purpose": "SECURITY"}, controls=Controls(pauses=pauses))
    assert decision == (Send((ADA, EVE)) if scope is None else Hold(FOREVER, f"PAUSE:{scope}", f"{scope} is paused"))


def test_a_night_is_slept_through_and_the_message_is_sent_in_the_morning() -> None:
    """A timeline through the night on which the clock goes back in Amsterdam: 22:00 to 07:00 are ten hours."""
    night = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)  # 22:00 there
    morning = datetime(2026, 10, 25, 6, 0, tzinfo=UTC)  # 07:00 there
    assert morning - night == timedelta(hours=10)
    now = night - timedelta(minutes=2)
    while now < morning + timedelta(minutes=2):
        decision = decide(NIGHT, now=now)
        quiet = Hold(morning, "QUIET", "the customer's quiet hours")
        assert decision == (quiet if night <= now < morning else Send((ADA, EVE))), now
        now += timedelta(minutes=1)


@pytest.mark.parametrize(
    ("of", "is_held"),
    [
        ({"purpose": "SERVICE"}, True),
        ({"purpose": "MARKETING", "consent": True}, True),
        ({"purpose": "SERVICE", "mandatory": True}, False),
        ({"purpose": "SECURITY"}, False),
        ({"purpose": "STATUTORY"}, False),
    ],
)
def test_who_is_woken(of: dict[str, Any], is_held: bool) -> None:
    assert isinstance(decide({**NIGHT, **of}, now=datetime(2026, 11, 23, 23, tzinfo=UTC)), Hold) == is_held


def test_a_digest_that_falls_into_the_night_stays_one() -> None:
    decision = decide(NIGHT, {"held_for": "DIGEST:1:SALARY"}, now=datetime(2026, 11, 23, 23, tzinfo=UTC))
    assert isinstance(decision, Hold)
    assert decision.held_for == "DIGEST:1:SALARY"


@pytest.mark.parametrize(
    ("of", "channel", "dead", "reason"),
    [
        ({"targets": ()}, EMAIL, frozenset(), "the customer has no verified address"),
        ({"targets": ()}, PUSH, frozenset(), "the customer has no device"),
        ({}, EMAIL, frozenset({"k1", "k2"}), "every address of the customer is known to be dead"),
    ],
)
@pytest.mark.parametrize("purpose", ["STATUTORY", "SECURITY", "SERVICE", "MARKETING"])
def test_who_cannot_be_reached_is_reached_on_another_channel_but_for_marketing(
    of: dict[str, Any], channel: Traits, dead: frozenset[str], reason: str, purpose: str
) -> None:
    decision = decide({**of, "purpose": purpose, "consent": True}, channel=channel, dead=dead)
    assert decision == End("SUPPRESSED", reason, falls_back=purpose != "MARKETING")


def test_a_dead_address_is_left_out() -> None:
    assert decide(dead=frozenset({"k1", "k7"})) == Send((EVE,))


# The brake --------------------------------------------------------------------------------------------------------


def test_a_type_far_above_its_usual_volume_stops_with_the_message_that_is_too_much() -> None:
    controls = Controls(brake=Brake(limits={"SALARY": 600}))
    through = [controls.brake.let_through("SALARY", NOW + timedelta(milliseconds=n)) for n in range(1000)]
    assert through == [True] * 600 + [False] * 400
    assert controls.brake.stopped["SALARY"].messages == 601
    assert decide(controls=controls) == Hold(FOREVER, "PAUSE:TYPE:SALARY", "TYPE:SALARY is paused")
    assert isinstance(decide(message={"alert_type": "RENT"}, controls=controls), Send)


def test_a_backlog_is_no_flood_and_other_processes_count() -> None:
    brake = Brake(limits={"SALARY": 10})
    # an hour of ten a minute, sent at once after an outage
    assert all(brake.let_through("SALARY", NOW - timedelta(minutes=n // 10)) for n in range(600))
    minute = NOW + timedelta(minutes=1)
    assert brake.let_through("SALARY", minute)
    assert brake.take_volumes()[-1] == Volume("SALARY", minute, 1)
    brake.note_volumes([Volume("SALARY", minute, 9)])  # eight of them elsewhere
    assert brake.let_through("SALARY", minute)
    assert not brake.let_through("SALARY", minute)
    assert brake.take_volumes() == [Volume("SALARY", minute, 1)]


def test_what_was_written_before_the_type_was_resumed_does_not_stop_it_again() -> None:
    brake = Brake(limits={"SALARY": 1})
    assert [brake.let_through("SALARY", NOW) for _ in range(3)] == [True, False, False]
    brake.is_paused(brake.stopped["SALARY"])
    brake.resumed_at = {"SALARY": NOW + timedelta(seconds=30)}
    assert all(brake.let_through("SALARY", NOW) for _ in range(100))
    later = NOW + timedelta(minutes=1)
    assert [brake.let_through("SALARY", later) for _ in range(2)] == [True, False]


# Throttles and digests --------------------------------------------------------------------------------------------


def test_a_digest_quotes_what_fits_and_counts_all() -> None:
    texts = [Text(f"subject {n}", f"body {n}") for n in range(12)]
    told = digest.fold("12 messages:", texts)
    assert told.subject == "12 messages:"
    assert told.body.splitlines() == ["12 messages:", *(f"body {n}" for n in range(10))]
    assert digest.fold("2 messages:", [Text(None, "x" * 2000), Text(None, "y")]) == Text(None, "2 messages:\n" + "x" * 2000)
    long = digest.fold("9 messages:", [Text(None, "x" * 400)] * 9)
    assert long.body.count("\n") == 2


def test_the_others_of_a_digest_end_with_the_one_that_tells_them() -> None:
    told = digest.conclude_other(MESSAGE, Conclusion("ACCEPTED", handed_at=NOW))
    assert (told.state, told.reason) == ("SUPPRESSED", f"told in the digest {MESSAGE.message_id}")
    failed = digest.conclude_other(MESSAGE, Conclusion("FAILED", "refused for good: HTTP 400"))
    assert (failed.state, failed.falls_back) == ("FAILED", False)
    assert failed.reason == f"as its digest {MESSAGE.message_id}: refused for good: HTTP 400"
    for state in ("FAILED", "UNKNOWN"):
        assert digest.conclude_other(MESSAGE, Conclusion(state, "refused for good: HTTP 400", falls_back=True)).falls_back
    again = digest.conclude_other(MESSAGE, Conclusion("PENDING", "HTTP 503", retry_in_s=7.0, held_for="DIGEST:1:X"))
    assert (again.state, again.held_for, again.uncounted) == ("PENDING", "DIGEST:1:X", True)
    # by the database's clock, as the other's
    assert (again.due_at, again.retry_in_s) == (None, 7.0 + digest.BEHIND.total_seconds())
    paused = Conclusion("PENDING", "ALL is paused", due_at=FOREVER, held_for="PAUSE:ALL", uncounted=True)
    assert digest.conclude_other(MESSAGE, paused).due_at == FOREVER


def test_who_is_left_out_of_what_a_claim_may_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digests behind the last that was begun, and that one: of it there may be more."""
    monkeypatch.setattr(digest, "SIBLINGS_OF_A_CLAIM_MAX", 3)
    a, b, c, quiet = (dataclasses.replace(MESSAGE, held_for=key) for key in ("DIGEST:1:T", "DIGEST:2:T", "DIGEST:3:T", "QUIET"))
    held = [a, quiet, b, c, a]
    assert digest.left_out(held, [a, b]) == set()
    assert digest.left_out(held, [a, b, b]) == {"DIGEST:2:T", "DIGEST:3:T"}
    assert digest.left_out(held, [a, a, c]) == {"DIGEST:3:T"}


def test_each_digest_has_one_carrier() -> None:
    held = [
        dataclasses.replace(MESSAGE, message_id=UUID(int=n), held_for=key)
        for n, key in enumerate(["DIGEST:1:A", None, "DIGEST:1:B", "DIGEST:1:A", "QUIET", "DIGEST:1:A"])
    ]
    others = {carrier.int: [other.message_id.int for other in rest] for carrier, rest in digest.carriers(held).items()}
    assert others == {0: [3, 5]}
