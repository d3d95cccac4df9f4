"""One long run instead of many: means of 20 batches stand in for replications once they are no longer correlated.

Whether they are is asked of 200 finer batches: twenty means are too few to show a correlation. Of 100 to 150 runs
stopped by the test on the 20 themselves, 53 % of the intervals held the mean wait of M/D/1 at load 0.8, and 87 % the
mean of an autoregression of 0.9; by the test on the 200, 89 % and 97 %. Replications are the better way to an interval.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.experiment.warmup import Floats, batched, mser5
from sim.intervals import Interval, interval_of, mean_of, variance_of

BATCHES = 20
FINE_BATCHES = 200
CORRELATION_MAX = 1.645 / math.sqrt(FINE_BATCHES)
"""A lag-1 correlation above this is significant (one-sided, 5 %): neighbours know of each other, the interval lies."""
OBSERVATIONS_MIN = 5 * FINE_BATCHES


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMeans:
    """Interval over the batch means, the observations cut from the front, and whether it can be believed.

    ``lag_1``: correlation of neighbouring fine batches. ``settled``: it is not significant, and the run long enough.
    """

    interval: Interval
    cut: int
    batch: int
    lag_1: float
    settled: bool


def lag_1(values: Sequence[float]) -> float:
    """Correlation of each value with the next (0 when nothing varies)."""
    mean, spread = mean_of(values), variance_of(values) * (len(values) - 1)
    if spread == 0:
        return 0.0
    return math.fsum((a - mean) * (b - mean) for a, b in itertools.pairwise(values)) / spread


def batch_means(values: Sequence[float] | Floats) -> BatchMeans:
    """Cut by MSER-5, 20 batches of the rest. Raises ValueError with fewer than 1,000 observations."""
    if len(values) < OBSERVATIONS_MIN:
        raise ValueError(f"batch means: expected at least {OBSERVATIONS_MIN} observations, was {len(values)}")
    cut = mser5(values)
    rest = values[cut.observations :]
    size = len(rest) // BATCHES
    correlation = lag_1(_means(rest, FINE_BATCHES))
    return BatchMeans(
        interval=interval_of(_means(rest, BATCHES)),
        cut=cut.observations,
        batch=size,
        lag_1=correlation,
        settled=correlation <= CORRELATION_MAX and not cut.too_short,
    )


def _means(values: Sequence[float] | Floats, batches: int) -> list[float]:
    return [float(mean) for mean in batched(values, len(values) // batches)[:batches]]


def lengthened(run: Callable[[int], Sequence[float] | Floats], first: int, limit: int) -> tuple[BatchMeans, int]:
    """Batch means of ``run(n)``, n doubled from ``first`` until they settle or n would pass ``limit``; with that n."""
    n = first
    while True:
        means = batch_means(run(n))
        if means.settled or 2 * n > limit:
            return means, n
        n *= 2
