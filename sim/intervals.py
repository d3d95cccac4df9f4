"""Intervals of a mean over independent replications, of pairs under common random numbers, and of a share.

Sums are ``math.fsum``, which rounds once: figures come out equal on every machine and in every order of arrival.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betaincinv, stdtrit

LEVEL = 0.95
"""Confidence of every interval unless another is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Mean of ``n`` values and half the width of its interval (infinite below two values)."""

    mean: float
    half_width: float
    n: int
    level: float = LEVEL

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half_width

    @property
    def relative(self) -> float:
        """Half-width over the size of the mean: 0 when nothing varies, infinite around a mean of zero."""
        if self.half_width == 0:
            return 0.0
        return self.half_width / abs(self.mean) if self.mean else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Differences (second less first) of two scenarios that met the same luck in each replication.

    ``correlation``: of the two; None where one of them never varies. ``variance_ratio``: variance of the difference of
    independent runs over that of the pairs; 4 means that common random numbers save three runs of four.
    """

    difference: Interval
    correlation: float | None
    variance_ratio: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out: the difference is real at this level."""
        return self.difference.n > 1 and (self.difference.low > 0 or self.difference.high < 0)

    @property
    def warning(self) -> str:
        """Why the pairing did harm ("" when it did not)."""
        if self.correlation is not None and self.correlation < 0:
            return "negative correlation: common random numbers widened this interval; compare unpaired, or run more"
        return ""


def mean_of(values: Sequence[float]) -> float:
    """Arithmetic mean. Raises ValueError without values."""
    if not values:
        raise ValueError("mean: expected at least one value, was none")
    return math.fsum(values) / len(values)


def variance_of(values: Sequence[float]) -> float:
    """Sample variance (n - 1). Raises ValueError below two values."""
    if len(values) < 2:
        raise ValueError(f"variance: expected at least two values, was {len(values)}")
    mean = mean_of(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def t_quantile(degrees: int, level: float) -> float:
    """Student's t that leaves (1 - level) / 2 above it; ``t_quantile(9, 0.95)`` is 2.262."""
    return float(stdtrit(degrees, 0.5 + level / 2))


def interval_of(values: Sequence[float], level: float = LEVEL) -> Interval:
    """mean +- t(n - 1) s / sqrt(n) over replications."""
    mean, n = mean_of(values), len(values)
    if n < 2:
        return Interval(mean=mean, half_width=math.inf, n=n, level=level)
    half = t_quantile(n - 1, level) * math.sqrt(variance_of(values) / n)
    return Interval(mean=mean, half_width=half, n=n, level=level)


def bonferroni(level: float, comparisons: int) -> float:
    """Level of each of several intervals, so that all hold together with at least ``level``."""
    return 1 - (1 - level) / max(1, comparisons)


def pairing_of(first: Sequence[float], second: Sequence[float], level: float = LEVEL) -> Pairing:
    """Paired t interval of second less first; replication i of both had the same random numbers.

    Raises ValueError when the lengths differ or fewer than two pairs are given.
    """
    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"pairs: expected two equally long lists of 2 or more, was {len(first)} and {len(second)}")
    gaps = [b - a for a, b in zip(first, second, strict=True)]
    apart, spread_1, spread_2 = variance_of(gaps), variance_of(first), variance_of(second)
    correlation = None
    if spread_1 > 0 and spread_2 > 0:
        correlation = (spread_1 + spread_2 - apart) / (2 * math.sqrt(spread_1 * spread_2))
        correlation = max(-1.0, min(1.0, correlation))
    ratio = (spread_1 + spread_2) / apart if apart > 0 else None
    return Pairing(difference=interval_of(gaps, level), correlation=correlation, variance_ratio=ratio)


def share_at_most(hits: int, trials: int, level: float = LEVEL) -> float:
    """One-sided upper bound of a probability after ``hits`` in ``trials`` (Clopper and Pearson 1934); 1 without trials.

    Without a hit this is close to 3 / trials at 95 %.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"share: expected hits 0..{trials}, was {hits}")
    return 1.0 if hits == trials else float(betaincinv(hits + 1, trials - hits, level))


def share_between(hits: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Two-sided exact interval of a probability (Clopper and Pearson 1934).

    Raises ValueError unless there are more trials than none and no more hits than trials.
    """
    if not 0 <= hits <= trials or not trials:
        raise ValueError(f"share: expected hits 0..{trials} of 1 trial or more, was {hits}")
    tail = (1 - level) / 2
    low = float(betaincinv(hits, trials - hits + 1, tail)) if hits else 0.0
    return low, share_at_most(hits, trials, 1 - tail)
