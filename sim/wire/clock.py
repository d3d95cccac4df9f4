"""Wall time and plant time of the wire twin. Plant time runs ``speed`` times wall; only this module reads a clock."""

import time

LAG_US_MAX = 20_000
"""A step later than this (wall) is counted: devices then acted late, though their stamps stay exact."""


def wall_us() -> int:
    """Monotonic wall time in microseconds; the same for all processes of one machine."""
    return time.monotonic_ns() // 1_000


class PlantClock:
    """Plant time in microseconds, from 0 at the first call.

    ``lags``: steps that came more than ``LAG_US_MAX`` after they were due; ``lag_us_max``: the worst.
    """

    def __init__(self, speed: int) -> None:
        if speed < 1:
            raise ValueError(f"speed: expected 1 or more, was {speed}")
        self.speed = speed
        self.lags = 0
        self.lag_us_max = 0
        self._zero_us = wall_us()

    def now_us(self) -> int:
        """Plant time now."""
        return (wall_us() - self._zero_us) * self.speed

    def stepped(self, due_wall_us: int) -> None:
        """A step that was due at this wall time runs."""
        lag = wall_us() - due_wall_us
        if lag > LAG_US_MAX:
            self.lags += 1
        self.lag_us_max = max(self.lag_us_max, lag)
