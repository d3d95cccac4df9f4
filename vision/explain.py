"""The best way to see pieces in regions: every region holds a handful of pieces, every piece lies in one region.

All hypotheses of a picture share one forward pass: regions are taken in turn, and for every total of pieces used so
far only the best way is kept. A hypothesis is then looked up by its own total.
"""

from itertools import product

import numpy as np
import numpy.typing as npt

from vision.hypotheses import Pieces
from vision.likelihood import NEVER, RegionLikelihood

Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]

UNIVERSE_MAX = 60_000
"""More handfuls than this to look at for each region: too many pieces and kinds to decide in time."""
HANDFUL_PRUNE = 30.0
"""A handful e^30 less likely than the region's best is not tried."""
HANDFULS_MAX = 400
TOTALS_MAX = 2_000
"""Most handfuls per region, and most totals from region to region; the least likely are dropped."""


def universe_size(declared: Pieces) -> int:
    """How many handfuls ``Explanation`` would have to look at."""
    count = 1 + sum(1 for number in declared if number == 0)
    for number in declared:
        count *= number + 2 if number else 1
    return count


class Explanation:
    """Best explanations of one picture's regions by the declared pieces, one more of each, and one of other goods."""

    def __init__(self, likelihood: RegionLikelihood, regions: int, declared: Pieces) -> None:
        self._likelihood = likelihood
        self._kinds = len(declared)
        self._own = [place for place, number in enumerate(declared) if number]
        self._limits = np.array([declared[place] + 1 for place in self._own], dtype=np.int64)
        # Mixed-radix code of a total: own kinds first, then which other goods (0: none).
        radix = [*(self._limits + 1).tolist(), self._kinds + 1]
        self._weights = np.array([int(np.prod(radix[:place], dtype=np.int64)) for place in range(len(radix))])
        universe = self._universe()
        self._handfuls = [self._plausible(likelihood, region, universe) for region in range(regions)]
        self._back: list[tuple[Rows, Rows]] = []
        self._totals, self._scores = self._forward()
        self._places = {code: place for place, code in enumerate((self._totals @ self._weights).tolist())}

    def score(self, pieces: Pieces) -> float | None:
        """ln p(regions | pieces), best way; None when there is no plausible way."""
        place = self._places.get(self._code(pieces))
        return None if place is None else float(self._scores[place])

    def parts(self, pieces: Pieces) -> tuple[Pieces, ...]:
        """Pieces of each region in the best way; KeyError when there is none."""
        place = self._places[self._code(pieces)]
        found: list[Pieces] = []
        for (previous, chosen), (rows, _) in zip(reversed(self._back), reversed(self._handfuls), strict=True):
            found.append(tuple(self._unfold(rows[chosen[place]][None, :])[0].tolist()))
            place = int(previous[place])
        return tuple(reversed(found))

    def misfit(self, pieces: Pieces) -> float:
        """Sigmas by which the worst region misses what its pieces should look like, in the best way."""
        return max((self._likelihood.misfit(place, part) for place, part in enumerate(self.parts(pieces))), default=0.0)

    def _code(self, pieces: Pieces) -> int:
        other = [place for place, number in enumerate(pieces) if number and place not in self._own]
        row = [*(pieces[place] for place in self._own), other[0] + 1 if other else 0]
        return int(np.dot(row, self._weights))

    def _universe(self) -> Rows:
        """All handfuls: (handfuls, own kinds + 1)."""
        own = np.array(list(product(*(range(limit + 1) for limit in self._limits.tolist()))), dtype=np.int64)
        own = own.reshape(-1, len(self._own))
        others = [0, *(place + 1 for place in range(self._kinds) if place not in self._own)]
        blocks = [np.concatenate([own, np.full((len(own), 1), other)], axis=1) for other in others]
        return np.concatenate(blocks)[1:]

    def _unfold(self, rows: Rows) -> Rows:
        """Handfuls as counts per kind: (handfuls, kinds)."""
        whole = np.zeros((len(rows), self._kinds + 1), dtype=np.int64)
        whole[:, [place + 1 for place in self._own]] = rows[:, :-1]
        whole[np.arange(len(rows)), rows[:, -1]] += rows[:, -1] > 0
        return whole[:, 1:]

    def _plausible(self, likelihood: RegionLikelihood, region: int, universe: Rows) -> tuple[Rows, Scores]:
        unfolded = self._unfold(universe)
        near = np.flatnonzero(likelihood.near(region, unfolded))
        scores = likelihood.log_densities(region, unfolded[near])
        order = np.argsort(-scores, kind="stable")[:HANDFULS_MAX]
        order = order[scores[order] > max(NEVER, float(scores.max(initial=NEVER)) - HANDFUL_PRUNE)]
        return universe[near[order]], scores[order]

    def _forward(self) -> tuple[Rows, Scores]:
        totals, scores = np.zeros((1, len(self._own) + 1), dtype=np.int64), np.zeros(1)
        for rows, densities in self._handfuls:
            summed = totals[:, None, :] + rows[None, :, :]
            one_other = (totals[:, None, -1] == 0) | (rows[None, :, -1] == 0)
            previous, chosen = np.nonzero((summed[:, :, :-1] <= self._limits).all(axis=2) & one_other)
            ways = scores[previous] + densities[chosen]
            flat = summed[previous, chosen]
            code = flat @ self._weights
            order = np.lexsort((-ways, code))
            first = np.flatnonzero(np.diff(code[order], prepend=-1))
            best = order[first]
            best = best[np.argsort(-ways[best], kind="stable")[:TOTALS_MAX]]
            totals, scores = flat[best], ways[best]
            self._back.append((previous[best], chosen[best]))
        return totals, scores
