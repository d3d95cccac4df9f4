"""The beginning of a run that starts empty: where to cut (MSER-5), and the plot that shows it (Welch)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BATCH = 5
"""Observations in one mean of MSER-5."""
BATCHES_MIN = 10
"""Fewer means than this say nothing about a beginning."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """``observations`` to delete from the front. ``too_short``: the run has not settled, its cut means nothing."""

    observations: int
    too_short: bool


def batched(values: Sequence[float] | Floats, size: int = BATCH) -> Floats:
    """Means of ``size`` successive observations, shape (n // size,); a rest is left out."""
    whole = np.asarray(values, dtype=np.float64)
    batches = len(whole) // size
    return np.asarray(whole[: batches * size].reshape(batches, size).mean(axis=1))


def mser_statistic(means: Floats) -> Floats:
    """sum over j > d of (z_j - mean_(j>d))^2 / (n - d)^2 for d = 0..n/2, shape (n // 2 + 1,); ``means``: shape (n,).

    White (1997), "An effective truncation heuristic for bias reduction in simulation output".
    """
    n = len(means)
    centred = means - means.mean()  # squares of large means would eat the digits of their differences
    left = n - np.arange(n // 2 + 1)
    sums = np.cumsum(centred[::-1])[::-1][: n // 2 + 1]
    squares = np.cumsum(centred[::-1] ** 2)[::-1][: n // 2 + 1]
    return np.asarray(np.maximum(squares - sums**2 / left, 0.0) / left.astype(np.float64) ** 2)


def mser5(values: Sequence[float] | Floats) -> Cut:
    """Where the mean of the rest is known best. At the half of the run, or with too few observations: too short."""
    means = batched(values)
    if len(means) < BATCHES_MIN:
        return Cut(observations=0, too_short=True)
    cut = int(np.argmin(mser_statistic(means)))
    return Cut(observations=cut * BATCH, too_short=cut >= len(means) // 2)


def mean_series(runs: Sequence[Sequence[float] | Floats]) -> Floats:
    """Mean over replications, observation by observation, shape (shortest run,)."""
    shortest = min(len(run) for run in runs)
    return np.asarray(np.mean([np.asarray(run, dtype=np.float64)[:shortest] for run in runs], axis=0))


def welch(series: Floats, window: int) -> Floats:
    """Centred moving mean over 2 ``window`` + 1 values, narrower near the front; shape (n - window,).

    Welch (1983), "The statistical analysis of simulation results", section 6.
    """
    n = len(series)
    if not 0 <= window < n:
        raise ValueError(f"Welch window: expected 0..{n - 1}, was {window}")
    sums = np.concatenate(([0.0], np.cumsum(series)))
    centre = np.arange(n - window)
    reach = np.minimum(centre, window)
    return np.asarray((sums[centre + reach + 1] - sums[centre - reach]) / (2 * reach + 1))
