"""Fit of the two-state burst model (MMPP-2) by expectation maximisation on counts in short windows.

Counts in windows of width w are Poisson with one of two means, chosen by a hidden chain (Baum et al. 1970; Rabiner
1989); the chain's step matrix is that of a continuous-time chain over w, whose leaving rates are read back from it.
"""

import math

import numpy
from numpy.typing import NDArray

from sim.streamlab.dispersion import Times, curve
from sim.streams.arrivals import MILLI, Mmpp
from sim.streams.rates import HOUR_US

WINDOWS_MAX = 12_000
STEPS_MAX = 60
SETTLED = 1e-4
Pair = tuple[float, float]


def fit_bursts(times: Times) -> Mmpp | None:
    """The burst model of a stream; None when counts are not more spread than Poisson."""
    width_us = _width(times)
    if width_us is None:
        return None
    counts = numpy.bincount((times - times[0]) // width_us)[:-1][:WINDOWS_MAX]
    if len(counts) < 50 or counts.var() <= counts.mean():
        return None
    means, stay = _start(counts)
    likelihood = -math.inf
    for _ in range(STEPS_MAX):
        means, stay, reached = _step(counts, means, stay)
        if reached - likelihood < SETTLED * abs(reached):
            break
        likelihood = reached
    leave = 1 - stay[0], 1 - stay[1]
    together = min(0.999, sum(leave))
    per_hour = -math.log1p(-together) / together * HOUR_US / width_us
    leaving = leave[0] * per_hour, leave[1] * per_hour
    rates = means[0] * HOUR_US / width_us, means[1] * HOUR_US / width_us
    seen = (len(times) - 1) * HOUR_US / float(times[-1] - times[0])
    scale = seen * sum(leaving) / (rates[0] * leaving[1] + rates[1] * leaving[0])
    if min(leaving) * MILLI < 1 or not math.isfinite(scale):
        return None
    return Mmpp(
        rates_milli=(round(rates[0] * scale * MILLI), round(rates[1] * scale * MILLI)),
        leaving_milli=(round(leaving[0] * MILLI), round(leaving[1] * MILLI)),
    )


def _width(times: Times) -> int | None:
    """Windows much shorter than a burst: a tenth of where the index has grown half way."""
    points = [(window_s, value) for window_s, value in curve(times) if math.isfinite(value)]
    if not points:
        return None
    top = max(value for _, value in points)
    if top < 1.1:
        return None
    half_s = next(window_s for window_s, value in points if value >= (1 + top) / 2)
    span_us = float(times[-1] - times[0])
    mean_us = span_us / (len(times) - 1)
    return int(max(half_s * 1e6 / 10, mean_us))


def _start(counts: NDArray[numpy.int64]) -> tuple[Pair, Pair]:
    """Windows below and above the mean of neighbouring counts, as a first guess."""
    smooth = numpy.convolve(counts, numpy.ones(5) / 5, mode="same")
    high = smooth > smooth.mean()
    low_mean, high_mean = float(counts[~high].mean()), float(counts[high].mean())
    changes = numpy.diff(high.astype(int))
    share = float(high.mean())
    switches = max(1.0, float((changes != 0).sum()) / 2)
    stay_low = 1 - min(0.5, switches / max(1.0, len(counts) * (1 - share)))
    stay_high = 1 - min(0.5, switches / max(1.0, len(counts) * share))
    return (max(low_mean, 1e-6), max(high_mean, 1e-6)), (stay_low, stay_high)


def _step(counts: NDArray[numpy.int64], means: Pair, stay: Pair) -> tuple[Pair, Pair, float]:
    """One round of expectation maximisation: (means, stay probabilities, log likelihood before)."""
    emission = _emissions(counts, means)
    (a, d), (b, c) = stay, (1 - stay[0], 1 - stay[1])
    forward, scales = [], []
    low, high = c / (b + c), b / (b + c)
    for e_low, e_high in emission:
        low, high = low * e_low, high * e_high
        total = low + high
        low, high = low / total, high / total
        forward.append((low, high))
        scales.append(total)
        low, high = low * a + high * c, low * b + high * d
    back_low = back_high = 1.0
    weight = numpy.empty(len(forward))
    stays_low = stays_high = leaves_low = leaves_high = 0.0
    for n in range(len(forward) - 1, -1, -1):
        f_low, f_high = forward[n]
        p_low, p_high = f_low * back_low, f_high * back_high
        weight[n] = p_high / (p_low + p_high)
        if n:
            e_low, e_high = emission[n]
            g_low, g_high = e_low * back_low / scales[n], e_high * back_high / scales[n]
            f_low, f_high = forward[n - 1]
            stays_low += f_low * a * g_low
            leaves_low += f_low * b * g_high
            stays_high += f_high * d * g_high
            leaves_high += f_high * c * g_low
            back_low, back_high = a * g_low + b * g_high, c * g_low + d * g_high
    in_high = float(weight.sum())
    mean_high = float((weight * counts).sum()) / max(1e-9, in_high)
    mean_low = float(((1 - weight) * counts).sum()) / max(1e-9, len(counts) - in_high)
    likelihood = float(numpy.log(scales).sum())
    new_stay = stays_low / max(1e-12, stays_low + leaves_low), stays_high / max(1e-12, stays_high + leaves_high)
    kept = min(max(new_stay[0], 1e-6), 1 - 1e-9), min(max(new_stay[1], 1e-6), 1 - 1e-9)
    return (max(mean_low, 1e-9), max(mean_high, 1e-9)), kept, likelihood


def _emissions(counts: NDArray[numpy.int64], means: Pair) -> list[Pair]:
    """Poisson probabilities of the counts under both means, up to a common factor per window."""
    logs = [counts * math.log(mean) - mean for mean in means]
    top = numpy.maximum(logs[0], logs[1])
    low, high = (numpy.exp(numpy.maximum(one - top, -700)) for one in logs)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def long_run_index(model: Mmpp) -> float:
    """IDC over long windows: 1 + 2 s1 s2 (l1-l2)^2 / ((s1+s2)^2 (l1 s2 + l2 s1))."""
    (l1, l2), (s1, s2) = model.rates_milli, model.leaving_milli
    return 1 + 2 * s1 * s2 * (l1 - l2) ** 2 / ((s1 + s2) ** 2 * (l1 * s2 + l2 * s1))
