"""Does the 95 % interval hold the truth 95 times of 100? Asked of a queue whose truth is known: M/D/1."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from sim.experiment.batches import lengthened
from sim.experiment.warmup import Floats
from sim.intervals import Interval, interval_of, mean_of

LOAD = 0.5
SERVED, DELETED = 2_500, 500
REPLICATIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """``held`` of ``experiments`` intervals contain the exact mean wait; ``bias`` is relative to it."""

    experiments: int
    held: int
    bias: float

    @property
    def share(self) -> float:
        """Share of intervals that hold the truth."""
        return self.held / self.experiments

    @property
    def standard_error(self) -> float:
        """Of ``share``."""
        return math.sqrt(self.share * (1 - self.share) / self.experiments)


def mean_wait(load: float) -> float:
    """Exact mean wait of M/D/1 with service 1: load / (2 (1 - load)) (Pollaczek and Khinchine)."""
    return load / (2 * (1 - load))


def cover(experiments: int = 400, seed: int = 1, load: float = LOAD) -> Coverage:
    """Experiments of 10 replications of 2,500 waits after 500 deleted, by Lindley's recursion; service is 1."""
    runs = experiments * REPLICATIONS
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, experiments])))
    wait, total = np.zeros(runs), np.zeros(runs)
    for customer in range(DELETED + SERVED):
        if customer >= DELETED:
            total += wait
        wait = np.maximum(0.0, wait + 1.0 - stream.exponential(1 / load, runs))
    means = (total / SERVED).reshape(experiments, REPLICATIONS)
    return _coverage([interval_of([float(mean) for mean in row]) for row in means], mean_wait(load))


def _coverage(intervals: Sequence[Interval], exact: float) -> Coverage:
    """How many of these intervals hold the truth, and how far their means are off it together."""
    held = sum(one.low <= exact <= one.high for one in intervals)
    bias = mean_of([one.mean for one in intervals]) / exact - 1
    return Coverage(experiments=len(intervals), held=held, bias=bias)


def waits(load: float, seed: int, customers: int) -> Floats:
    """Waits of the first customers of M/D/1 with service 1; a longer run begins with the waits of a shorter one."""
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed])))
    walk = np.cumsum(1.0 - stream.exponential(1 / load, customers))  # Lindley's recursion is a reflected walk
    walk = np.concatenate(([0.0], walk[:-1]))
    return np.asarray(walk - np.minimum.accumulate(walk))


def cover_batches(experiments: int = 100, load: float = 0.8, first: int = 2_000, limit: int = 500_000) -> Coverage:
    """The same question to batch means of one long run, doubled until it settles."""
    intervals = [lengthened(partial(waits, load, seed), first, limit)[0].interval for seed in range(experiments)]
    return _coverage(intervals, mean_wait(load))
