"""The only real clock of the lane: lane time in microseconds, wall time, and the way between them.

Lane time never runs backwards and crosses restarts: it starts at the last journalled ``at_us`` plus the wall time that
has passed since, so hold times and epochs go on while the core is down. ``speed`` is 1 on a live lane; a twin runs
its plant and its lane clock at ``speed`` times wall. Latencies, watchdogs and link time-outs stay wall time.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

SPEED_MAX = 100
"""A twin on real wires renders and counts every picture: nothing runs a hundred times real time."""
DOWN_US_MAX = 30 * 86_400 * 1_000_000
"""A core that was down for longer than 30 days does not add more to lane time: the wall clock is wrong."""


class LaneClock:
    """Lane time: ``start_us`` at construction, then monotonic time times ``speed``."""

    def __init__(self, start_us: int = 0, speed: int = 1, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        if not 1 <= speed <= SPEED_MAX:
            raise ValueError(f"speed: expected 1..{SPEED_MAX}, was {speed}")
        self._start_us = start_us
        self.speed = speed
        self._monotonic_ns = monotonic_ns
        self._zero_ns = monotonic_ns()
        self._last_us = start_us

    def now(self) -> int:
        """Lane time in microseconds; never less than an earlier answer."""
        elapsed_us = (self._monotonic_ns() - self._zero_ns) * self.speed // 1_000
        self._last_us = max(self._last_us, self._start_us + elapsed_us)
        return self._last_us

    def wall_seconds_until(self, at_us: int) -> float:
        """Wall seconds until lane time reaches ``at_us`` (0.0 when it has passed)."""
        return max(0.0, (at_us - self.now()) / self.speed / 1_000_000)


def resumed_start_us(last_at_us: int, header_at_us: int, header_wall_at: str, speed: int, wall_now: datetime) -> int:
    """Lane time at which a restarted core goes on.

    ``last_at_us`` is the highest time in the journal; the header tells which wall time belonged to which lane time.
    A wall clock that went backwards, or that claims more than ``DOWN_US_MAX``, adds nothing beyond that bound.
    """
    if not header_wall_at:
        return last_at_us
    passed = wall_now - parse_wall(header_wall_at)
    passed_us = (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
    reached_us = header_at_us + max(0, passed_us) * speed
    return min(max(last_at_us, reached_us), last_at_us + DOWN_US_MAX)


def wall_now() -> datetime:
    """Wall time, UTC. Only for headers, file names and screens: no decision hangs on it."""
    return datetime.now(UTC)


def format_wall(moment: datetime) -> str:
    """UTC in the one form that records and messages use: ``2025-11-21T01:31:07.120Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_wall(text: str) -> datetime:
    """Inverse of ``format_wall``. Raises ``ValueError`` on another form."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
