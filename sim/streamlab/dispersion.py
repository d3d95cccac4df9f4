"""How bunched arrivals are: index of dispersion of counts, rates by hour, and the wait they cause at a plain server.

All functions take arrival times as an int64 array in microseconds, in order.
"""

from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from scipy import stats

from sim.streams.rates import HOUR_US, HOURS

Times = NDArray[numpy.int64]
WINDOWS_US = (10_000_000, 60_000_000, 600_000_000, 3_600_000_000)
"""10 s, 1 min, 10 min, 1 h: the windows at which the index is always told."""
WINDOW_NAMES = ("10s", "1min", "10min", "1h")
WINDOWS_MIN = 8
"""Fewer windows than this tell nothing on a variance."""
LOADS = (0.5, 0.7, 0.85)
"""Utilisations of the plain server that a stream is tried on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispersion:
    """Variance over mean of the counts in windows of one length: 1 for Poisson, above: batches or bursts.

    ``low``, ``high``: 95 % interval as if counts were independent and normal (chi-square with n-1 degrees).
    """

    window: str
    windows: int
    value: float
    low: float
    high: float


def index_of_dispersion(times: Times, window_us: int) -> tuple[float, int]:
    """(variance / mean of counts, number of whole windows); nan when there are too few windows."""
    windows = int((times[-1] - times[0]) // window_us)
    if windows < WINDOWS_MIN:
        return float("nan"), windows
    counts = numpy.bincount(((times - times[0]) // window_us).astype(numpy.int64), minlength=windows)[:windows]
    return float(counts.var(ddof=1) / counts.mean()), windows


def dispersions(times: Times) -> list[Dispersion]:
    """The index at the four windows, as far as the stream is long enough."""
    found = []
    for name, window_us in zip(WINDOW_NAMES, WINDOWS_US, strict=True):
        value, windows = index_of_dispersion(times, window_us)
        if windows >= WINDOWS_MIN:
            low, high = stats.chi2.ppf([0.975, 0.025], windows - 1)
            found.append(
                Dispersion(
                    window=name,
                    windows=windows,
                    value=value,
                    low=value * (windows - 1) / float(low),
                    high=value * (windows - 1) / float(high),
                )
            )
    return found


def curve(times: Times, points: int = 25) -> list[tuple[float, float]]:
    """(window in s, index) at windows spread evenly on a logarithmic scale, for pictures and for fits."""
    span_us = int(times[-1] - times[0])
    mean_us = span_us / max(1, len(times) - 1)
    longest_us = span_us / (3 * WINDOWS_MIN)
    if longest_us <= mean_us:
        return []
    windows = numpy.geomspace(mean_us, longest_us, points)
    return [(float(w) / 1e6, index_of_dispersion(times, int(w))[0]) for w in windows]


def hourly_rates(times: Times, start_us: int = 0) -> list[float]:
    """Parcels per hour by hour of the day; nan for hours that the stream doesn't cover."""
    first, last = int(times[0]) + start_us, int(times[-1]) + start_us
    counts = numpy.bincount((times + start_us) // HOUR_US % HOURS, minlength=HOURS)
    covered = numpy.zeros(HOURS)
    for hour in range(first // HOUR_US, last // HOUR_US + 1):
        covered[hour % HOURS] += (min(last, (hour + 1) * HOUR_US) - max(first, hour * HOUR_US)) / HOUR_US
    return [float(c / h) if h > 0.05 else float("nan") for c, h in zip(counts, covered, strict=True)]


def plain_waits(times: Times, loads: tuple[float, ...] = LOADS) -> list[float]:
    """Mean wait before one server with constant service, in service times, at each utilisation (Lindley 1952).

    W(n+1) = max(0, W(n) + S - A(n+1)), here as a running minimum: W = X - min(0, X so far).
    """
    headways = numpy.diff(times).astype(numpy.float64)
    mean = headways.mean() if len(headways) else 1.0
    waits = []
    for load in loads:
        service = max(1.0, load * mean)
        walk = numpy.concatenate(([0.0], numpy.cumsum(service - headways)))
        waits.append(float((walk - numpy.minimum.accumulate(walk)).mean() / service))
    return waits
