"""Rates that are constant piece by piece, and arrivals from them by inversion of the cumulative rate.

A piece is (its end in microseconds, rate per microsecond). Inversion takes exactly one variate per parcel, so that
parcel i has the same luck whatever the rates are (NHPP by inversion; Lewis and Shedler 1979 call it time-scale change).
"""

from collections.abc import Iterator

HOUR_US = 3_600 * 1_000_000
HOURS = 24
FOR_EVER_US = float(1 << 62)

Piece = tuple[float, float]


class Clock:
    """Hours of the day along the lane's time, which begins ``start_us`` after midnight."""

    def __init__(self, start_us: int) -> None:
        self._start_us = start_us

    def hourly(self, values: tuple[int, ...], unit: float) -> Iterator[Piece]:
        """One value for always, or 24 by hour of the day, times ``unit``."""
        while len(values) == 1:
            yield FOR_EVER_US, values[0] * unit
        hour = self._start_us // HOUR_US
        while True:
            hour += 1
            yield float(hour * HOUR_US - self._start_us), values[(hour - 1) % HOURS] * unit

    def at(self, values: tuple[int, ...], at_us: int) -> int:
        """The value of the hour at lane time ``at_us``."""
        return values[(self._start_us + at_us) // HOUR_US % len(values)]


def constant(rate: float) -> Iterator[Piece]:
    """The same rate for ever."""
    yield FOR_EVER_US, rate


def switching(
    rates: tuple[float, ...], leaving: tuple[float, ...], stays: Iterator[float], *, first: int
) -> Iterator[Piece]:
    """A rate that changes between two states; a stay in state k is exponential with rate ``leaving[k]``."""
    at_us, state = 0.0, first
    for stay in stays:
        at_us += stay / leaving[state]
        yield at_us, rates[state]
        state = 1 - state


def product(one: Iterator[Piece], other: Iterator[Piece]) -> Iterator[Piece]:
    """The product of two rates, piece by piece."""
    one_end, one_rate = next(one)
    other_end, other_rate = next(other)
    while True:
        yield min(one_end, other_end), one_rate * other_rate
        if one_end <= other_end:
            one_end, one_rate = next(one)
        else:
            other_end, other_rate = next(other)


def invert(pieces: Iterator[Piece], steps: Iterator[float]) -> Iterator[int]:
    """Times (whole microseconds, rounded down) at which the cumulative rate has grown by each of ``steps``."""
    at_us = 0.0
    end_us, rate = next(pieces)
    for step in steps:
        while not rate or step > (end_us - at_us) * rate:
            step -= (end_us - at_us) * rate
            at_us = end_us
            end_us, rate = next(pieces)
        at_us += step / rate
        yield int(at_us)
