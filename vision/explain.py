"""The best way to see pieces in regions: every region holds a handful of pieces, every piece lies in one region.

A region may be taken whole, as a pile, or cut in two where its tree of bodies allows, and so on. All hypotheses of a
picture share one pass: regions are taken in turn, smallest first, and for every total of pieces used so far only the
best way is kept. The greatest region comes last and holds what then is left of each hypothesis, at every depth to
which bodies are cut off it; so a parcel whose goods all touch is answered exactly, however many pieces it holds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision.hypotheses import Pieces
from vision.likelihood import NEVER, Reference, RegionLikelihood
from vision.measure import Region
from vision.signatures import LaneKnowledge

Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]

PARTIAL_MAX, BODY_PARTIAL_MAX = 20_000, 3_000
"""Most handfuls looked at for one region, and for a body cut off one. The picture is not decided when a region could
hold more; a body then has to be cut on, or hold what is left."""
PRUNE, BODY_PRUNE = 25.0, 12.0
"""Ways e^25, for a body e^12, less likely than the best are not followed."""
CUT_COST, BRIDGE_COST, BRIDGE_MAX = 6.0, 6.0, 1.5
"""What a cut costs (log odds), and how much more where the border is as dense as the bodies: trees offer many places to
cut, the best one fits a little by chance, and bodies that lie over each other have no empty border."""
HANDFULS_MAX, BODY_HANDFULS_MAX = 400, 80
TOTALS_MAX, STATES_MAX, LAST_MAX = 1_000, 300, 120
"""Most ways per region and per body cut off; most totals from region to region, while cutting the last region, and
before it is filled. The best of all that is dropped for it is remembered in ``missed``."""
WORTH = 6.0
"""A body is filled with what is left where taking it whole is at most so much worse than cutting it."""
PILE_GAIN_MAX = 8.0
"""No pile is explained better than this: its content is known to some per cent, its area within wide limits."""


class TooManyWays(ValueError):
    """A region could hold more different handfuls than can be looked at in time."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A region or body: its place in the likelihood, its content (g), and the smaller and the greater half."""

    place: int
    content: float
    cost: float
    halves: tuple["_Node", "_Node"] | None


@dataclass(frozen=True, slots=True)
class _Ways:
    """Ways to fill something. ``rows``: own kinds and which other goods; ``gains``: log odds over unknown goods.

    ``dropped``: greatest gain of any way that was left out.
    """

    rows: Rows
    gains: Scores
    dropped: float = -math.inf

    def taken(self, order: Rows) -> "_Ways":
        """Some of them, in that order."""
        order = order[order < len(self.gains)]
        return _Ways(self.rows[order], self.gains[order], self.dropped)

    @property
    def best(self) -> float:
        """Gain of the best way."""
        return float(self.gains.max(initial=-math.inf))


@dataclass(frozen=True, slots=True)
class _Held:
    """What each way put into each region: ``rows`` (ways, regions, own kinds + 1) and ``gains`` (ways, regions)."""

    rows: Rows
    gains: Scores

    def taken(self, order: Rows) -> "_Held":
        """Of some of the ways, in that order."""
        order = order[order < len(self.gains)]
        return _Held(self.rows[order], self.gains[order])


class Explanation:
    """Best explanations of one picture's regions by each of the given totals of pieces.

    ``totals``: what hypotheses hold, each at most one piece of a kind that the first one (the declared goods) lacks.
    Scores are log odds over unknown goods in every region. Raises TooManyWays.
    """

    def __init__(
        self, regions: Sequence[Region], references: Sequence[Reference], knowledge: LaneKnowledge,
        totals: Sequence[Pieces],
    ) -> None:  # fmt: skip
        flat: list[Region] = []
        self._roots = [_node(region, flat) for region in regions]
        bodies = frozenset(range(len(flat))) - {root.place for root in self._roots}
        self._likelihood = RegionLikelihood(flat, references, knowledge, bodies)
        self._asked = np.array(totals, dtype=np.int64)
        declared = self._asked[0]
        self._own = np.flatnonzero(declared)
        self._others = np.flatnonzero((declared == 0) & (self._asked.max(axis=0) > 0))
        self._limits = self._asked.max(axis=0)[self._own]
        self._rows = np.zeros((len(totals), len(self._own) + 1), dtype=np.int64)
        self._rows[:, :-1] = self._asked[:, self._own]
        if self._others.size:
            held = self._asked[:, self._others] > 0
            self._rows[:, -1] = np.where(held.any(axis=1), self._others[held.argmax(axis=1)] + 1, 0)
        self._places = {pieces: place for place, pieces in enumerate(totals)}
        # Mixed-radix code of a total: own kinds first, then which other goods (0: none).
        radix = [*(self._limits + 1).tolist(), self._asked.shape[1] + 1]
        self._weights = np.array([int(np.prod(radix[:place], dtype=np.int64)) for place in range(len(radix))])
        self._left_out = -math.inf
        self._tables: dict[int, _Ways] = {}
        self._gains = np.full(len(totals), NEVER)
        self._held = np.zeros((len(totals), len(regions), len(self._own) + 1), dtype=np.int64)
        self._root_gains = np.zeros((len(totals), len(regions)))
        self._search()

    @property
    def missed(self) -> float:
        """By how much (log odds) the best way that was not followed stays behind the best one that was."""
        best = float(self._gains.max(initial=NEVER))
        return max(0.0, best - self._left_out) if math.isfinite(self._left_out) else math.inf

    def score(self, pieces: Pieces) -> float | None:
        """Log odds of the regions under ``pieces``, best way; None when there is no plausible way."""
        found = float(self._gains[self._places[pieces]])
        return None if found <= NEVER else found

    def parts(self, pieces: Pieces) -> tuple[Pieces, ...]:
        """Pieces of each region in the best way; KeyError when there is none."""
        if self.score(pieces) is None:
            raise KeyError(pieces)
        return tuple(tuple(part) for part in self._unfold(self._held[self._places[pieces]]).tolist())

    def misfit(self, pieces: Pieces) -> float:
        """Sigmas by which the worst region, taken whole, misses what its pieces should look like, in the best way."""
        worst = 0.0
        for root, part in zip(self._roots, self.parts(pieces), strict=True):
            worst = max(worst, float(self._likelihood.judge(root.place, np.array([part]))[1][0]))
        return worst

    def replaced(self, pieces: Pieces, units_g: Scores) -> Scores:
        """Log odds if, of each own kind in turn, all pieces were other goods of the same mass; as ``score`` otherwise.

        ``units_g``: mass of one piece of each kind. Regions that hold none of the kind stay explained as they are; the
        others are taken whole, with any one of the other goods in as large an amount as weighs the same.
        """
        parts, gains = self.parts(pieces), self._root_gains[self._places[pieces]]
        found = np.full(len(self._own), float(self._gains[self._places[pieces]]))
        for number, kind in enumerate(self._own.tolist()):
            others = np.array([other for other in range(len(units_g)) if other != kind])
            for root, part, gain in zip(self._roots, parts, gains.tolist(), strict=True):
                if part[kind] and others.size:
                    amounts = np.tile(np.array(part, dtype=np.float64), (len(others), 1))
                    amounts[:, kind] = 0.0
                    amounts[np.arange(len(others)), others] += part[kind] * units_g[kind] / units_g[others]
                    ways = self._likelihood.judge_amounts(root.place, amounts)
                    found[number] += float(np.logaddexp.reduce(ways)) - math.log(len(others)) - gain
        return found

    def _search(self) -> None:
        if not self._roots:
            self._gains[self._asked.sum(axis=1) == 0] = 0.0
            return
        ways = _Ways(np.zeros((1, len(self._own) + 1), dtype=np.int64), np.zeros(1))
        held = _Held(
            np.zeros((1, len(self._roots), len(self._own) + 1), dtype=np.int64), np.zeros((1, len(self._roots)))
        )
        for place in range(len(self._roots) - 1, 0, -1):
            ways, held = self._step(ways, held, self._table(self._roots[place], HANDFULS_MAX), place, TOTALS_MAX)
        node = self._roots[0]
        self._fill(ways, held, node)
        while node.halves is not None:
            cost, (small, node) = node.cost, node.halves
            ways, held = self._step(ways, held, self._table(small, BODY_HANDFULS_MAX), 0, STATES_MAX, cost)
            if node.halves is None or self._worth_filling(node):
                self._fill(ways, held, node)

    def _worth_filling(self, node: _Node) -> bool:
        """Whether a body that could be cut on is as well taken whole."""
        if node.halves is None:
            return True
        whole = self._plausible(node, BODY_HANDFULS_MAX)
        cut = sum(self._table(half, BODY_HANDFULS_MAX).best for half in node.halves) - node.cost
        return max(whole.best, whole.dropped) >= cut - WORTH

    def _fill(self, ways: _Ways, held: _Held, node: _Node) -> None:
        """The last body holds what is left: every way so far against every total asked for."""
        dropped = max(ways.dropped, float(ways.gains[LAST_MAX]) if len(ways.gains) > LAST_MAX else -math.inf)
        ways, held = ways.taken(np.arange(LAST_MAX)), held.taken(np.arange(LAST_MAX))
        left = self._rows[:, None, :] - ways.rows[None, :, :]
        # Other goods are named, not counted: what is left of them is the same name, or nothing.
        used_other, asked_other = ways.rows[None, :, -1], self._rows[:, None, -1]
        left[:, :, -1] = np.where(used_other == 0, asked_other, 0)
        possible = (left >= 0).all(axis=2) & (left.any(axis=2)) & ((used_other == 0) | (used_other == asked_other))
        possible &= self._likelihood.near(node.place, self._contents(left))
        place, state = np.nonzero(possible)
        if not place.size:
            return
        rows = left[place, state]
        _, first, inverse = np.unique(rows @ self._weights, return_index=True, return_inverse=True)
        gains, _ = self._likelihood.judge(node.place, self._unfold(rows[first]))
        self._left_out = max(self._left_out, dropped + float(gains.max()))
        whole = ways.gains[state] + gains[inverse.ravel()]
        order = np.lexsort((state, -whole, place))
        best = order[np.flatnonzero(np.diff(place[order], prepend=-1))]
        best = best[whole[best] > self._gains[place[best]]]
        at = place[best]
        self._gains[at] = whole[best]
        self._held[at] = held.rows[state[best]]
        self._held[at, 0] += rows[best]
        self._root_gains[at] = held.gains[state[best]]
        self._root_gains[at, 0] += gains[inverse.ravel()[best]]

    def _contents(self, rows: Rows) -> Scores:
        """C and P (g) of ways: (..., 2)."""
        means = self._likelihood.means
        other = np.concatenate([np.zeros((1, 2)), means])
        content: Scores = rows[..., :-1] @ means[self._own] + other[rows[..., -1]]
        return content

    def _table(self, node: _Node, most: int) -> _Ways:
        """Best ways to fill a region or body, whole or cut, likeliest first."""
        if node.place not in self._tables:
            ways = self._plausible(node, most)
            if node.halves is not None:
                small, great = (self._table(half, BODY_HANDFULS_MAX) for half in node.halves)
                cut = self._joined(small, great, *self._pairs(small, great), node.cost)
                both = _Ways(
                    np.concatenate([ways.rows, cut.rows]), np.concatenate([ways.gains, cut.gains]),
                    max(ways.dropped, cut.dropped),
                )  # fmt: skip
                ways = self._best(both, most, PRUNE if node in self._roots else BODY_PRUNE)
            self._tables[node.place] = ways
        return self._tables[node.place]

    def _step(
        self, ways: _Ways, held: _Held, more: _Ways, place: int, most: int, cost: float = 0.0
    ) -> tuple[_Ways, _Held]:
        """Put one more region or body behind what there is, into the region at ``place``."""
        previous, chosen = self._pairs(ways, more)
        joined = self._joined(ways, more, previous, chosen, cost)
        order, dropped = self._ranked(joined, most, PRUNE)
        held = held.taken(previous[order])
        held.rows[:, place] += more.rows[chosen[order]]
        held.gains[:, place] += more.gains[chosen[order]] - cost
        return _Ways(joined.rows[order], joined.gains[order], dropped), held

    def _pairs(self, one: _Ways, other: _Ways) -> tuple[Rows, Rows]:
        """Which two ways go together: no kind more often than asked for, other goods once."""
        fits = (one.rows[:, None, -1] == 0) | (other.rows[None, :, -1] == 0)
        for kind, limit in enumerate(self._limits.tolist()):
            fits &= one.rows[:, None, kind] + other.rows[None, :, kind] <= limit
        first, second = np.nonzero(fits)
        return first, second

    def _joined(self, one: _Ways, other: _Ways, first: Rows, second: Rows, cost: float) -> _Ways:
        dropped = max(one.dropped + other.best, other.dropped + one.best) - cost
        return _Ways(
            one.rows[first] + other.rows[second],
            one.gains[first] + other.gains[second] - cost,
            dropped,
        )

    def _best(self, ways: _Ways, most: int, prune: float) -> _Ways:
        order, dropped = self._ranked(ways, most, prune)
        return _Ways(ways.rows[order], ways.gains[order], dropped)

    def _ranked(self, ways: _Ways, most: int, prune: float) -> tuple[Rows, float]:
        """The best way of each total, likeliest totals first; and the greatest gain of what is left out."""
        code = ways.rows @ self._weights
        order = np.lexsort((-ways.gains, code))
        best = order[np.flatnonzero(np.diff(code[order], prepend=-1))]
        best = best[np.argsort(-ways.gains[best], kind="stable")]
        kept = best[: min(most, int((ways.gains[best] > ways.best - prune).sum()))]
        dropped = float(ways.gains[best[len(kept)]]) if len(kept) < len(best) else -math.inf
        return kept, max(dropped, ways.dropped)

    def _plausible(self, node: _Node, most: int) -> _Ways:
        """Ways to fill a region or body whole."""
        root = node in self._roots
        try:
            universe = self._universe(node.place, PARTIAL_MAX if root else BODY_PARTIAL_MAX)
        except TooManyWays:
            if root:
                raise
            return _Ways(np.zeros((0, len(self._own) + 1), dtype=np.int64), np.zeros(0), PILE_GAIN_MAX)
        universe = universe[self._likelihood.near(node.place, self._contents(universe))]
        gains, _ = self._likelihood.judge(node.place, self._unfold(universe))
        return self._best(_Ways(universe, gains), most, PRUNE if root else BODY_PRUNE)

    def _universe(self, place: int, limit: int) -> Rows:
        """Handfuls of about the region's content: own kinds, alone or with one piece of other goods."""
        least, most = self._likelihood.content_limits(place)
        contents = self._likelihood.means.sum(axis=1)
        others = contents[self._others]
        heaviest = float(others.max(initial=0.0))
        own, sums = self._own_handfuls(contents[self._own], least - heaviest, most, limit)
        rows = [own[(sums >= least) & (sums > 0)]]
        if len(own) * len(others) > limit:
            # Other goods in a great pile are placed in the last region; here they lie alone or with one piece.
            few = own[:, :-1].sum(axis=1) <= 1
            own, sums = own[few], sums[few]
        whole = sums[:, None] + others[None, :]
        mine, other = np.nonzero((whole >= least) & (whole <= most))
        mixed = own[mine]
        mixed[:, -1] = self._others[other] + 1
        return np.concatenate([*rows, mixed])

    def _own_handfuls(self, contents: Scores, least: float, most: float, limit: int) -> tuple[Rows, Scores]:
        """All handfuls of own kinds between two contents (g), with their contents. Heavy kinds come first."""
        rows, sums = np.zeros((1, len(contents) + 1), dtype=np.int64), np.zeros(1)
        order = np.argsort(-contents, kind="stable")
        rest = np.cumsum((self._limits * contents)[order][::-1])[::-1]
        for step, kind in enumerate(order.tolist()):
            numbers = np.arange(self._limits[kind] + 1)
            grown = sums[:, None] + numbers[None, :] * contents[kind]
            beyond = float(rest[step + 1]) if step + 1 < len(order) else 0.0
            origin, number = np.nonzero((grown <= most) & (grown + beyond >= least))
            if origin.size > limit:
                raise TooManyWays(f"a region: expected at most {limit} handfuls, was {origin.size}")
            rows, sums = rows[origin], grown[origin, number]
            rows[:, kind] = number
        return rows, sums

    def _unfold(self, rows: Rows) -> Rows:
        """Own kinds and one other as counts per kind: (rows, kinds)."""
        whole = np.zeros((len(rows), self._asked.shape[1] + 1), dtype=np.int64)
        whole[:, self._own + 1] = rows[:, :-1]
        whole[np.arange(len(rows)), rows[:, -1]] += rows[:, -1] > 0
        return whole[:, 1:]


def _node(region: Region, flat: list[Region]) -> _Node:
    """The region's tree; ``flat`` takes every region and body of it."""
    place = len(flat)
    flat.append(region)
    halves = sorted((_node(half, flat) for half in region.halves), key=lambda half: half.content)
    content = region.c_g + region.p_g
    cost = CUT_COST + BRIDGE_COST * min(region.bridge, BRIDGE_MAX)
    return _Node(place, content, cost, (halves[0], halves[1]) if halves else None)
