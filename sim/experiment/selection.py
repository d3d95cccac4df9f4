"""The best of several scenarios with a stated risk: procedure KN of Kim and Nelson (2001), common random numbers.

"A fully sequential procedure for indifference-zone selection in simulation", ACM TOMACS 11(3). Scenarios that can't be
the best any more leave early, so most runs go to the close ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.intervals import mean_of, variance_of

ALPHA = 0.05
FIRST = 10
"""Replications of every scenario before the first comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """``best`` (index), ``replications`` used of each scenario, ``left_at``: replication at which a loser left (0: it
    stayed), ``decided``: False when ``limit`` came first and the best so far is named."""

    best: int
    replications: tuple[int, ...]
    left_at: tuple[int, ...]
    decided: bool


def eta(scenarios: int, first: int, alpha: float = ALPHA) -> float:
    """((2 alpha / (k - 1))^(-2 / (n0 - 1)) - 1) / 2."""
    return float(((2 * alpha / (scenarios - 1)) ** (-2 / (first - 1)) - 1) / 2)


def h_squared(scenarios: int, first: int, alpha: float = ALPHA) -> float:
    """2 eta (n0 - 1)."""
    return 2 * eta(scenarios, first, alpha) * (first - 1)


def select_best(
    value: Callable[[int, int], float],
    scenarios: int,
    delta: float,
    *,
    alpha: float = ALPHA,
    first: int = FIRST,
    limit: int = 1_000,
    smallest: bool = False,
) -> Selection:
    """Find the scenario with the largest mean, right with probability 1 - alpha when it is ahead by ``delta``.

    ``value(i, r)``: figure of scenario i in replication r (from 0); it is asked for in a fixed order, each once.
    ``smallest``: the smallest mean is wanted. Raises ValueError for sizes that the procedure is not made for.
    """
    if scenarios < 2 or first < 3 or delta <= 0 or not 0 < alpha < 0.5 or limit < first:
        raise ValueError(
            f"selection: expected 2 or more scenarios, 3 or more first replications, limit not below, delta above 0, "
            f"alpha 0..0.5, was {scenarios}, {first}, {limit}, {delta}, {alpha}"
        )
    sign = -1.0 if smallest else 1.0
    samples = [[sign * value(i, r) for r in range(first)] for i in range(scenarios)]
    apart = _spreads(samples)
    factor = h_squared(scenarios, first, alpha) / delta**2
    alive, left_at, r = list(range(scenarios)), [0] * scenarios, first
    while True:
        alive, gone = _screen(samples, alive, apart, factor, delta, r)
        for i in gone:
            left_at[i] = r
        enough = r > factor * max((apart[i][j] for i in alive for j in alive if i != j), default=0.0)
        if len(alive) == 1 or enough or r >= limit:
            break
        for i in alive:
            samples[i].append(sign * value(i, r))
        r += 1
    best = max(alive, key=lambda i: (mean_of(samples[i]), -i))
    return Selection(
        best=best,
        replications=tuple(len(sample) for sample in samples),
        left_at=tuple(left_at),
        decided=len(alive) == 1 or enough,
    )


def _spreads(samples: Sequence[Sequence[float]]) -> list[list[float]]:
    """S2_il: sample variance of the differences of each two scenarios in the first stage."""
    return [[variance_of([a - b for a, b in zip(x, y, strict=True)]) for y in samples] for x in samples]


def _screen(
    samples: Sequence[Sequence[float]],
    alive: Sequence[int],
    apart: Sequence[Sequence[float]],
    factor: float,
    delta: float,
    r: int,
) -> tuple[list[int], list[int]]:
    """(those that may still be the best, those that leave) after ``r`` replications."""
    means = {i: mean_of(samples[i]) for i in alive}

    def holds(i: int, j: int) -> bool:
        slack = max(0.0, delta / (2 * r) * (factor * apart[i][j] - r))
        return means[i] >= means[j] - slack

    kept = [i for i in alive if all(holds(i, j) for j in alive if j != i)]
    return kept, [i for i in alive if i not in kept]
