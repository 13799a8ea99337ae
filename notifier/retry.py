"""When to try again: pure, the random number and the time come in as arguments."""

from __future__ import annotations

# The first retry comes within a second: most failures are a connection that broke.
MESSAGE_BASE_S = 1.0
# The window doubles up to five minutes: a full mailbox then costs about 600 attempts in a day, not 86,400.
MESSAGE_CAP_S = 300.0

# While a provider is down one message at a time tries it; the first after a blink, none waits longer than this.
PROVIDER_BASE_S = 0.25
PROVIDER_CAP_S = 4.0
# While another provider takes its messages, waiting loses nothing and each trial may hold one up: no more often than this.
SPARED_CAP_S = 300.0

# What was claimed and not begun, because PostgreSQL went away in between, is due again so long after it is back.
RELEASED_FOR_S = 1.0

# PostgreSQL restarts in about a second; a longer absence is asked about every few seconds.
DATABASE_BASE_S = 0.1
DATABASE_CAP_S = 5.0


def message_delay_s(attempt_no: int, chance: float) -> float:
    """Seconds until a message is tried again after its `attempt_no`-th attempt (from 1). `chance` is in [0, 1).

    Full jitter: anywhere in a window that doubles, so that messages that failed together do not return together.
    """
    return chance * _window_s(MESSAGE_BASE_S, MESSAGE_CAP_S, attempt_no)


def provider_pause_s(failures: int, chance: float, cap_s: float = PROVIDER_CAP_S) -> float:
    """Seconds to leave a provider alone after `failures` in a row (from 1). Half of the window is certain."""
    return (0.5 + chance / 2) * _window_s(PROVIDER_BASE_S, cap_s, failures)


def database_pause_s(failures: int, chance: float) -> float:
    """Seconds to wait for PostgreSQL after `failures` in a row (from 1). Half of the window is certain."""
    return (0.5 + chance / 2) * _window_s(DATABASE_BASE_S, DATABASE_CAP_S, failures)


def _window_s(base_s: float, cap_s: float, failures: int) -> float:
    # 2 ** 60 windows are beyond any cap; more would overflow a float some day.
    return min(cap_s, base_s * 2.0 ** min(failures - 1, 60))
