"""The best way to see pieces in regions: every region holds a handful of pieces, every piece lies in one region.

All hypotheses of a picture share one pass: regions are taken in turn, smallest first, and for every total of pieces
used so far only the best way is kept. The greatest region holds what then is left of each hypothesis, so a parcel
whose goods all touch is answered exactly, however many pieces it holds.
"""

import numpy as np
import numpy.typing as npt

from vision.hypotheses import Pieces
from vision.likelihood import NEVER, RegionLikelihood

Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]

PARTIAL_MAX = 60_000
"""Most handfuls looked at for one region; the picture is not decided when a region could hold more."""
HANDFUL_PRUNE = 30.0
"""A handful e^30 less likely than the region's best is not tried."""
HANDFULS_MAX = 600
TOTALS_MAX = 1_500
TOTALS_LAST_MAX = 400
"""Most handfuls per region, most totals from region to region, and most before the last one; what is dropped for it
is remembered as ``missed``."""


class TooManyWays(ValueError):
    """A region could hold more different handfuls than can be looked at in time."""


class Explanation:
    """Best explanations of one picture's regions by each of the given totals of pieces.

    ``totals``: what hypotheses hold, each at most one piece of a kind that the first one (the declared goods) lacks.
    Raises TooManyWays.
    """

    def __init__(self, likelihood: RegionLikelihood, regions: int, totals: list[Pieces]) -> None:
        self._likelihood = likelihood
        self._asked = np.array(totals, dtype=np.int64)
        declared = self._asked[0]
        self._own = np.flatnonzero(declared)
        self._others = np.flatnonzero((declared == 0) & (self._asked.max(axis=0) > 0))
        self._limits = self._asked.max(axis=0)[self._own]
        self._places = {pieces: place for place, pieces in enumerate(totals)}
        # Mixed-radix code of a total: own kinds first, then which other goods (0: none).
        radix = [*(self._limits + 1).tolist(), self._asked.shape[1] + 1]
        self._weights = np.array([int(np.prod(radix[:place], dtype=np.int64)) for place in range(len(radix))])
        self._steps: list[tuple[Rows, Rows, Rows]] = []
        self.missed = np.inf
        """By how much (log odds) the best way that was not followed stays behind the best one that was."""
        self._scores, self._back, self._last = self._search(regions)

    def score(self, pieces: Pieces) -> float | None:
        """ln p(regions | pieces), best way; None when there is no plausible way."""
        found = float(self._scores[self._places[pieces]])
        return None if found <= NEVER else found

    def parts(self, pieces: Pieces) -> tuple[Pieces, ...]:
        """Pieces of each region in the best way; KeyError when there is none."""
        if self.score(pieces) is None:
            raise KeyError(pieces)
        place = self._places[pieces]
        if not len(self._last):
            return ()
        found = [tuple(self._last[place].tolist())]
        state = int(self._back[place])
        before: list[Pieces] = []
        for rows, previous, chosen in reversed(self._steps):
            before.append(tuple(self._unfold(rows[chosen[state]][None, :])[0].tolist()))
            state = int(previous[state])
        return tuple(found + list(before))

    def misfit(self, pieces: Pieces) -> float:
        """Sigmas by which the worst region misses what its pieces should look like, in the best way."""
        return max((self._likelihood.misfit(place, part) for place, part in enumerate(self.parts(pieces))), default=0.0)

    def _search(self, regions: int) -> tuple[Scores, Rows, Rows]:
        """Per asked total: score, the state before the last region, the last region's handful."""
        count = len(self._asked)
        empty = np.zeros((0, self._asked.shape[1]), dtype=np.int64)
        if regions == 0:
            return np.where(self._asked.sum(axis=1) == 0, 0.0, NEVER), np.zeros(count, dtype=np.int64), empty
        totals, scores = np.zeros((1, len(self._own) + 1), dtype=np.int64), np.zeros(1)
        for region in range(regions - 1, 0, -1):
            rows, densities = self._plausible(region)
            totals, scores = self._step(rows, densities, totals, scores, TOTALS_MAX if region > 1 else TOTALS_LAST_MAX)
        return self._complete(totals, scores)

    def _complete(self, totals: Rows, scores: Scores) -> tuple[Scores, Rows, Rows]:
        """The greatest region holds what is left: every total so far against every one asked for."""
        used = self._unfold(totals)
        count = len(self._asked)
        found, back = np.full(count, NEVER), np.zeros(count, dtype=np.int64)
        last = np.zeros_like(self._asked)
        left = (self._asked[:, None, :] - used[None, :, :]).reshape(-1, self._asked.shape[1])
        possible = np.flatnonzero((left >= 0).all(axis=1) & (left.sum(axis=1) > 0))
        possible = possible[self._likelihood.near(0, left[possible])]
        if not possible.size:
            return found, back, last
        handfuls = left[possible]
        _, first, inverse = np.unique(self._codes(handfuls), return_index=True, return_inverse=True)
        densities = self._likelihood.log_densities(0, handfuls[first])[inverse.ravel()]
        place, state = possible // len(totals), possible % len(totals)
        ways = scores[state] + densities
        order = np.lexsort((state, -ways, place))
        first = order[np.flatnonzero(np.diff(place[order], prepend=-1))]
        found[place[first]], back[place[first]] = ways[first], state[first]
        last[place[first]] = left[possible[first]]
        return found, back, last

    def _codes(self, rows: Rows) -> Rows:
        """One number per row of counts per kind."""
        other = np.zeros(len(rows), dtype=np.int64)
        if self._others.size:
            held = rows[:, self._others] > 0
            other = np.where(held.any(axis=1), self._others[held.argmax(axis=1)] + 1, 0)
        return np.asarray(rows[:, self._own] @ self._weights[:-1] + other * self._weights[-1], dtype=np.int64)

    def _unfold(self, rows: Rows) -> Rows:
        """Own kinds and one other as counts per kind: (rows, kinds)."""
        whole = np.zeros((len(rows), self._asked.shape[1] + 1), dtype=np.int64)
        whole[:, self._own + 1] = rows[:, :-1]
        whole[np.arange(len(rows)), rows[:, -1]] += rows[:, -1] > 0
        return whole[:, 1:]

    def _universe(self, region: int) -> Rows:
        """Handfuls of about the region's content: (handfuls, own kinds + 1). Heavy kinds come first."""
        least, most = self._likelihood.content_limits(region)
        contents = self._likelihood.contents()
        rows, sums = np.zeros((1, len(self._own) + 1), dtype=np.int64), np.zeros(1)
        others = np.array([0, *(self._others + 1)], dtype=np.int64)
        rows = np.repeat(rows, len(others), axis=0)
        rows[:, -1] = others
        sums = np.concatenate([np.zeros(1), contents[self._others]])
        rows, sums = rows[sums <= most], sums[sums <= most]
        order = np.argsort(-contents[self._own], kind="stable")
        rest = np.cumsum((self._limits * contents[self._own])[order][::-1])[::-1]
        for step, kind in enumerate(order.tolist()):
            numbers = np.arange(self._limits[kind] + 1)
            grown = sums[:, None] + numbers[None, :] * contents[self._own[kind]]
            beyond = float(rest[step + 1]) if step + 1 < len(order) else 0.0
            keep = (grown <= most) & (grown + beyond >= least)
            origin, number = np.nonzero(keep)
            if origin.size > PARTIAL_MAX:
                raise TooManyWays(f"region {region}: expected at most {PARTIAL_MAX} handfuls, was {origin.size}")
            rows, sums = rows[origin], grown[origin, number]
            rows[:, kind] = number
        return np.asarray(rows[rows.sum(axis=1) > 0], dtype=np.int64)

    def _plausible(self, region: int) -> tuple[Rows, Scores]:
        universe = self._universe(region)
        unfolded = self._unfold(universe)
        near = np.flatnonzero(self._likelihood.near(region, unfolded))
        scores = self._likelihood.log_densities(region, unfolded[near])
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > max(NEVER, float(scores.max(initial=NEVER)) - HANDFUL_PRUNE)]
        if order.size > HANDFULS_MAX:
            self._miss(float(scores[order[0]] - scores[order[HANDFULS_MAX]]))
        order = order[:HANDFULS_MAX]
        return universe[near[order]], scores[order]

    def _step(
        self, rows: Rows, densities: Scores, totals: Rows, scores: Scores, most: int
    ) -> tuple[Rows, Scores]:  # fmt: skip
        summed = totals[:, None, :] + rows[None, :, :]
        one_other = (totals[:, None, -1] == 0) | (rows[None, :, -1] == 0)
        previous, chosen = np.nonzero((summed[:, :, :-1] <= self._limits).all(axis=2) & one_other)
        ways = scores[previous] + densities[chosen]
        flat = summed[previous, chosen]
        code = flat @ self._weights
        order = np.lexsort((-ways, code))
        best = order[np.flatnonzero(np.diff(code[order], prepend=-1))]
        best = best[np.argsort(-ways[best], kind="stable")]
        if best.size > most:
            self._miss(float(ways[best[0]] - ways[best[most]]))
        best = best[:most]
        self._steps.append((rows, previous[best], chosen[best]))
        return flat[best], ways[best]

    def _miss(self, gap: float) -> None:
        self.missed = min(self.missed, gap)
