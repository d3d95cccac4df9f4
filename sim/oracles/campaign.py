"""Every case simulated: the exact value must lie inside a 95 % interval that is narrow enough to mean something."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np

from sim.intervals import LEVEL, t_quantile
from sim.oracles.cases import Case, Draws

REPLICATIONS = 40
RERUNS_MAX_IN = 20
"""One of so many cases may pass on one automatic rerun with twice the customers: intervals of 95 % miss that often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one case gave. ``half_width``: of the 95 % interval; ``limit``: the relative half-width allowed."""

    name: str
    source: str
    exact: float
    mean: float
    half_width: float
    limit: float
    customers: int
    replications: int
    seed: int
    rerun: bool

    @property
    def inside(self) -> bool:
        """Whether the exact value lies in the interval."""
        return abs(self.exact - self.mean) <= self.half_width

    @property
    def narrow(self) -> bool:
        """Whether the interval is narrow enough to prove anything."""
        return self.half_width <= self.limit * abs(self.exact)

    @property
    def right(self) -> bool:
        """Both."""
        return self.inside and self.narrow

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"inside": self.inside, "narrow": self.narrow}


def simulate(case: Case, *, seed: int, share: float = 1.0, times: int = 1, rerun: bool = False) -> Outcome:
    """One case over 40 replications.

    ``share``: of the customers (a quick look); the limit grows by 1 / sqrt(share), as half-widths do. ``times``: more
    customers than the case names.
    """
    customers, dropped = round(case.customers * share) * times, round(case.dropped * share)
    draws = Draws(seed, case.name if not rerun else f"{case.name}, rerun", REPLICATIONS)
    means = case.simulate(draws, customers, dropped)
    half_width = t_quantile(REPLICATIONS - 1, LEVEL) * float(np.std(means, ddof=1)) / sqrt(REPLICATIONS)
    return Outcome(
        name=case.name, source=case.source, exact=case.exact, mean=float(np.mean(means)), half_width=half_width,
        limit=case.limit / sqrt(min(1.0, share)), customers=customers, replications=REPLICATIONS, seed=seed,
        rerun=rerun,
    )  # fmt: skip


def run(
    cases: Sequence[Case], *, seed: int, share: float = 1.0, each: Callable[[Outcome], object] = lambda outcome: None
) -> tuple[list[Outcome], bool]:
    """(outcomes, whether all hold). One case in twenty may be simulated again; ``each`` hears every outcome."""
    outcomes = []
    reruns_left = -(-len(cases) // RERUNS_MAX_IN)
    for case in cases:
        outcome = simulate(case, seed=seed, share=share)
        if not outcome.right and reruns_left:
            reruns_left -= 1
            outcome = simulate(case, seed=seed, share=share, times=2, rerun=True)
        outcomes.append(outcome)
        each(outcome)
    return outcomes, all(outcome.right for outcome in outcomes)
