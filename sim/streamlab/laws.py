"""Laws of durations from samples: constant, shifted exponential, lognormal, gamma, or a table of what was seen.

Parameters are of maximum likelihood (shifted exponential: the least value and the mean above it). The law with the
least Kolmogorov-Smirnov distance is taken; when that distance is too large for the number of samples, the samples
themselves become a table of equally likely values with the same mean and variance.
"""

import math
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from scipy import special

from sim.streams.durations import Duration, DurationLaw

Floats = NDArray[numpy.float64]
SAMPLES_MIN = 20
"""Fewer samples give no law."""
CONSTANT_CV = 0.002
"""Samples that differ less than this are a constant."""
KS_LIMIT = 1.2
"""Distance times root n up to which a law is accepted; about 1 in 10 true laws with fitted parameters is beyond 0.9."""
TABLE_VALUES = 500
MILLI = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LawFit:
    """A fitted law. ``distance``: Kolmogorov-Smirnov, of the law or of the nearest one refused; ``mean_error_us``: one
    standard error of the samples' mean."""

    samples: int
    duration: Duration
    mean_us: float
    deviation_us: float
    distance: float
    mean_error_us: float

    @property
    def name(self) -> str:
        """The law's word, or ``constant``."""
        plain = self.duration
        return "constant" if plain.law is DurationLaw.EXPONENTIAL and not plain.mean_us else plain.law.value


def fit_law(samples_us: NDArray[numpy.int64]) -> LawFit | None:
    """The law of positive samples; None when there are too few. Negative samples are taken as zero."""
    values = numpy.maximum(samples_us.astype(numpy.float64), 0.0)
    n = len(values)
    if n < SAMPLES_MIN:
        return None
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    if deviation <= CONSTANT_CV * mean or mean < 1:
        duration, distance = Duration(constant_us=round(mean)), 0.0
    else:
        ordered = numpy.sort(values)
        tried = [(_distance(ordered, law), law) for law in _candidates(ordered, mean)]
        distance, duration = min(tried, key=lambda pair: pair[0])
        if distance * math.sqrt(n) > KS_LIMIT:
            duration = _table(ordered)
    return LawFit(
        samples=n, duration=duration, mean_us=mean, deviation_us=deviation, distance=distance,
        mean_error_us=deviation / math.sqrt(n),
    )  # fmt: skip


def _candidates(ordered: Floats, mean: float) -> list[Duration]:
    n = len(ordered)
    least = max(0.0, float(ordered[0]) - (mean - float(ordered[0])) / n)
    found = [Duration(constant_us=round(least), mean_us=max(1, round(mean - least)))]
    if ordered[0] <= 0:
        return found
    logs = numpy.log(ordered)
    sigma2 = float(logs.var())
    lognormal_mean, cv = math.exp(float(logs.mean()) + sigma2 / 2), math.sqrt(math.expm1(min(sigma2, 5.0)))
    found.append(_of(DurationLaw.LOGNORMAL, lognormal_mean, cv))
    found.append(_of(DurationLaw.GAMMA, mean, 1 / math.sqrt(_gamma_shape(math.log(mean) - float(logs.mean())))))
    return found


def _of(law: DurationLaw, mean: float, cv: float) -> Duration:
    return Duration(law=law, mean_us=round(mean), cv_milli=max(1, round(cv * MILLI)))


def _gamma_shape(gap: float) -> float:
    """Shape k of maximum likelihood: ln k - digamma(k) = gap (Minka 2002, generalised Newton)."""
    gap = max(gap, 1e-9)
    shape = (3 - gap + math.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    for _ in range(20):
        off = math.log(shape) - float(special.digamma(shape)) - gap
        slope = 1 / shape - float(special.polygamma(1, shape))
        inverse = 1 / shape + off / (shape * shape * slope)
        if inverse <= 0 or abs(1 / inverse - shape) < 1e-9 * shape:
            break
        shape = 1 / inverse
    return shape


def _distance(ordered: Floats, law: Duration) -> float:
    """Greatest difference between the samples' distribution and the law's (both sides of each step)."""
    below = _cumulative(ordered, law)
    n = len(ordered)
    steps = numpy.arange(1, n + 1) / n
    return float(max((steps - below).max(), (below - steps + 1 / n).max()))


def _cumulative(values: Floats, law: Duration) -> Floats:
    above = numpy.maximum(values - law.constant_us, 0.0) / law.mean_us
    cv = law.cv_milli / MILLI
    found: Floats
    match law.law:
        case DurationLaw.LOGNORMAL:
            sigma = math.sqrt(math.log1p(cv * cv))
            found = special.ndtr((numpy.log(numpy.maximum(above, 1e-300)) + sigma * sigma / 2) / sigma)
        case DurationLaw.GAMMA:
            found = special.gammainc(1 / (cv * cv), above / (cv * cv))
        case _:
            found = -numpy.expm1(-above)
    return found


def _table(ordered: Floats) -> Duration:
    """Equally likely values: means of equal parts of the samples, spread so that mean and variance are kept."""
    n = len(ordered)
    edges = numpy.linspace(0, n, min(n, TABLE_VALUES) + 1).round().astype(int)
    sums = numpy.concatenate(([0.0], numpy.cumsum(ordered)))
    values = (sums[edges[1:]] - sums[edges[:-1]]) / (edges[1:] - edges[:-1])
    spread = float(values.std())
    factor = float(ordered.std()) / spread if spread else 1.0
    values = float(ordered.mean()) + (values - values.mean()) * factor
    return Duration(law=DurationLaw.TABLE, table_us=tuple(max(0, round(float(one))) for one in values))
