"""Lognormal weights and longest sides of a stream, tied by a Gaussian copula, with 95 % intervals.

A lane sees only what it takes, so the likelihood is that of the laws cut at the lane's limits. With normal marginals
of the logarithms, the copula's rho is their correlation. The fit needs only means and covariances, whatever the size
of the stream; intervals come from the curvature of the likelihood at its top (observed information).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from scipy import optimize, special

from sim.streams.fitted import FittedGoods

Floats = NDArray[numpy.float64]
PARCELS_MIN = 30
STEP = 1e-4
"""Step of the numerical second derivative."""
Z95 = 1.959964
FAR = 12.0
"""A limit so many sigmas away cuts nothing."""
TINY = 1e-12
"""Stands for a limit of exactly 0, by which Owen's formula would divide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A fitted parameter with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsFit:
    """Parameters of ln(g) and ln(cm); ``outside``: parcels beyond the limits, left out of the fit."""

    parcels: int
    outside: int
    weight_mu: Figure
    weight_sigma: Figure
    side_mu: Figure
    side_sigma: Figure
    rho: Figure
    median_g: float
    mean_g: float
    median_mm: float
    goods: FittedGoods


def fit_goods(weights_g: Floats, sides_mm: Floats, limits: FittedGoods) -> GoodsFit | None:
    """Fit the five parameters; ``limits`` gives the lane's. None: too few parcels, or all alike."""
    inside = (weights_g > 0) & (weights_g <= limits.weight_g_max)
    inside &= (sides_mm >= limits.side_mm_min) & (sides_mm <= limits.side_mm_max)
    weights, sides = numpy.log(weights_g[inside]), numpy.log(sides_mm[inside] / 10)
    if len(weights) < PARCELS_MIN or weights.std() < 1e-6 or sides.std() < 1e-6:
        return None
    mean = numpy.array([weights.mean(), sides.mean()])
    spread = numpy.cov(weights, sides, ddof=0)
    box = (
        math.log(limits.weight_g_max),
        math.log(limits.side_mm_min / 10),
        math.log(limits.side_mm_max / 10),
    )
    n = len(weights)

    def cost(theta: Floats) -> float:
        return n * _minus_log_likelihood(theta, mean, spread, box)

    correlation = float(numpy.clip(spread[0, 1] / math.sqrt(spread[0, 0] * spread[1, 1]), -0.99, 0.99))
    start = numpy.array(
        [mean[0], math.log(spread[0, 0]) / 2, mean[1], math.log(spread[1, 1]) / 2, math.atanh(correlation)]
    )
    found = optimize.minimize(
        cost, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-4, "maxiter": 4000}
    )
    theta = found.x
    error = _errors(cost, theta)
    laws: tuple[Callable[[float], float], ...] = (float, math.exp, float, math.exp, math.tanh)
    figures = [
        Figure(value=law(t), low=law(t - Z95 * e), high=law(t + Z95 * e))
        for law, t, e in zip(laws, theta.tolist(), error.tolist(), strict=True)
    ]
    return GoodsFit(
        parcels=n, outside=int(len(weights_g) - n),
        weight_mu=figures[0], weight_sigma=figures[1], side_mu=figures[2], side_sigma=figures[3], rho=figures[4],
        median_g=float(numpy.median(weights_g)), mean_g=float(weights_g.mean()),
        median_mm=float(numpy.median(sides_mm)), goods=_goods(figures, limits),
    )  # fmt: skip


def _goods(figures: list[Figure], limits: FittedGoods) -> FittedGoods:
    milli = [round(figure.value * 1_000) for figure in figures]
    return FittedGoods(
        weight_mu_milli=milli[0], weight_sigma_milli=milli[1], side_mu_milli=milli[2], side_sigma_milli=milli[3],
        rho_milli=max(0, milli[4]), side_mm_min=limits.side_mm_min, side_mm_max=limits.side_mm_max,
        weight_g_max=limits.weight_g_max,
    )  # fmt: skip


def _minus_log_likelihood(theta: Floats, mean: Floats, spread: Floats, box: tuple[float, float, float]) -> float:
    """Of one parcel on average: a bivariate normal cut at ``box`` (ln weight below, ln side between)."""
    mu_w, log_w, mu_s, log_s, z = theta.tolist()
    if abs(log_w) > 4 or abs(log_s) > 4 or abs(z) > 4:
        return 1e9
    sigma_w, sigma_s, rho = math.exp(log_w), math.exp(log_s), math.tanh(z)
    cover = numpy.array([[sigma_w**2, rho * sigma_w * sigma_s], [rho * sigma_w * sigma_s, sigma_s**2]])
    inverse = numpy.linalg.inv(cover)
    off = mean - numpy.array([mu_w, mu_s])
    square = float(numpy.trace(inverse @ spread) + off @ inverse @ off)
    heavy, short, long = (box[0] - mu_w) / sigma_w, (box[1] - mu_s) / sigma_s, (box[2] - mu_s) / sigma_s
    inside = _below(heavy, long, rho) - _below(heavy, short, rho)
    if inside <= 1e-9:
        return 1e9
    return 0.5 * square + math.log(2 * math.pi * sigma_w * sigma_s * math.sqrt(1 - rho * rho)) + math.log(inside)


def _below(one: float, other: float, rho: float) -> float:
    """Probability that two standard normals of correlation rho both stay below their limits (Owen 1956)."""
    h, k = (max(-FAR, min(FAR, limit)) or TINY for limit in (one, other))
    root = math.sqrt(1 - rho * rho)
    beyond = 0.0 if h * k > 0 else 0.5
    tails = special.owens_t(h, (k / h - rho) / root) + special.owens_t(k, (h / k - rho) / root)
    return float((special.ndtr(h) + special.ndtr(k)) / 2 - tails - beyond)


def _errors(cost: Callable[[Floats], float], theta: Floats) -> Floats:
    """Standard errors: root of the diagonal of the inverse of the matrix of second derivatives."""
    size = len(theta)
    second = numpy.zeros((size, size))
    steps = numpy.eye(size) * STEP * 10
    for i in range(size):
        for j in range(size):
            corners = [cost(theta + a * steps[i] + b * steps[j]) * a * b for a in (-1, 1) for b in (-1, 1)]
            second[i, j] = sum(corners) / (4 * steps[i, i] * steps[j, j])
    variance = numpy.diag(numpy.linalg.pinv(second))
    return numpy.sqrt(numpy.maximum(variance, 0.0))
