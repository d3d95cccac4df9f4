"""Goods that nobody has opened yet: how sure the declared pieces are when some lines have no signature.

Then the picture must show exactly as many free bodies as pieces are declared, pieces of one line must look alike, every
body must hold about what its line's declared mass lets expect, all bodies together what the scale shows, and scale and
declared gross weight must agree. Anything else is no opinion: fewer MATCHes than with signatures, never looser ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from vision.hypotheses import PRIOR_ALIEN, PRIOR_EXTRA, PRIOR_GROSS, PRIOR_MISSING, PRIOR_SWAPPED
from vision.likelihood import Reference, Weighing
from vision.measure import Region
from vision.signatures import LaneKnowledge

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

BRIDGE_FREE = 0.2
"""Bodies are free of each other where their border is at most this dense, as a share of the thinner one."""
PACK_FACTOR, PACK_G, PACK_SPREAD = 1.2, 15.0, 0.40
"""A piece weighs its declared net mass times this, plus this much of packing; and the spread (ln) of that."""
LOOKS_SPREAD, SHARE_SPREAD = 0.08, 0.03
"""Pieces of one line: spread of ln content, height included, and of the iron share."""
CONTENT_SPREAD_MIN = 0.05
CONTENT_MISS_MAX = 2.5
"""Sigmas by which the content of all bodies and the mass on the scale may differ."""
MISFIT_MAX = 3.0
"""Sigmas by which the worst body may miss its line."""
SPLIT, TOUCHING = 0.03, 0.25
"""Probability that one piece shows as two bodies, and that a further piece can't be told from its neighbour."""
IRON_MAX = 0.999
LN_CONTENT_RANGE = 6.0
"""Bodies of unknown goods: flat over ln content, 5 g to 2 kg."""
OTHER_G = 1_000.0
"""Range of mass by which other goods may differ."""
ROUNDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdLine:
    """A declared line: pieces, declared net mass of one (g), and the goods' signature if there is one."""

    sku: str
    pieces: int
    net_g: float
    reference: Reference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What pictures show of a mass: mean and spread of ln(content g / mass g), as the goods that are known teach it."""

    mean: float
    spread: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """``sure``: probability of the declared contents (0: no opinion). ``parts``: per region, pieces of each line."""

    sure: float
    parts: tuple[tuple[int, ...], ...]


def showing_of(references: Sequence[Reference]) -> Showing | None:
    """What the reference scans of all known goods teach; None when no goods are known."""
    if not references:
        return None
    # A scan's point holds ln C and the iron share P / (C + P).
    logs = [
        np.mean(reference.points[:, 0] - np.log1p(-np.minimum(reference.points[:, 1], IRON_MAX)))
        - math.log(reference.unit_g)
        for reference in references
    ]
    return Showing(mean=float(np.mean(logs)), spread=max(CONTENT_SPREAD_MIN, float(np.std(logs))))


def judge_cold(
    regions: Sequence[Region],
    lines: Sequence[ColdLine],
    weighing: Weighing,
    knowledge: LaneKnowledge,
    showing: Showing,
) -> ColdStart:
    """How sure the declared pieces are; 0 wherever something is missing or does not agree."""
    none = ColdStart(sure=0.0, parts=tuple((0,) * len(lines) for _ in regions))
    owners, bodies = _free_bodies(regions)
    pieces = [place for place, line in enumerate(lines) for _ in range(line.pieces)]
    if not pieces or len(bodies) != len(pieces) or weighing.scale_g <= 0 or weighing.gross_g <= 0:
        return none
    if any(line.reference is None and line.net_g <= 0 for line in lines):
        return none
    contents = np.array([max(body.c_g + body.p_g, 0.5) for body in bodies])
    shares = np.array([body.p_g for body in bodies]) / contents
    if not _whole_fits(contents, weighing, knowledge, showing):
        return none
    means = np.array([_expected(line, showing)[0] for line in lines])
    spreads = np.array([_expected(line, showing)[1] for line in lines])
    lies_in = _assigned(np.log(contents), shares, lines, means, spreads)
    masses = _masses(np.log(contents), lies_in, means, spreads, showing)
    fit = _fit(np.log(contents), shares, lies_in, means, spreads, lines)
    if fit is None:
        return none
    parts = [[0] * len(lines) for _ in regions]
    for owner, line in zip(owners, lies_in.tolist(), strict=True):
        parts[owner][line] += 1
    return ColdStart(sure=_posterior(fit, masses, lines, weighing, knowledge), parts=tuple(map(tuple, parts)))


def _free_bodies(regions: Sequence[Region]) -> tuple[list[int], list[Region]]:
    """Regions cut wherever the border is all but empty; and which region each body comes from."""
    owners, bodies = [], []
    for place, region in enumerate(regions):
        waiting = [region]
        while waiting:
            body = waiting.pop()
            if body.halves and body.bridge <= BRIDGE_FREE:
                waiting += body.halves
            else:
                owners.append(place)
                bodies.append(body)
    return owners, bodies


def _whole_fits(contents: Array, weighing: Weighing, knowledge: LaneKnowledge, showing: Showing) -> bool:
    """Whether the bodies together hold what the scale shows beside the carton."""
    tare, tare_var = weighing.tare(knowledge)
    mass = weighing.scale_g - tare
    if mass <= 0:
        return False
    sigma = math.hypot(showing.spread, math.sqrt(tare_var) / mass)
    return abs(math.log(float(contents.sum()) / mass) - showing.mean) <= CONTENT_MISS_MAX * sigma


def _expected(line: ColdLine, showing: Showing) -> tuple[float, float]:
    """ln content (g) of one piece and its spread."""
    if line.reference is not None:
        return math.log(float(line.reference.mean.sum())), LOOKS_SPREAD
    return math.log(PACK_FACTOR * line.net_g + PACK_G) + showing.mean, math.hypot(PACK_SPREAD, showing.spread)


def _assigned(logs: Array, shares: Array, lines: Sequence[ColdLine], means: Array, spreads: Array) -> Places:
    """Which line each body belongs to: as declared first, then as the bodies of each line look themselves."""
    pieces = np.array([place for place, line in enumerate(lines) for _ in range(line.pieces)])
    wanted, wide = means.copy(), spreads.copy()
    looks = np.array([math.nan if line.reference is None else float(line.reference.mean[1] / line.reference.mean.sum())
                      for line in lines])  # fmt: skip
    lies_in: Places = np.zeros(len(logs), dtype=np.int64)
    for _ in range(ROUNDS):
        cost = ((logs[:, None] - wanted[pieces][None, :]) / wide[pieces][None, :]) ** 2
        cost += np.nan_to_num((shares[:, None] - looks[pieces][None, :]) / SHARE_SPREAD) ** 2
        rows, columns = linear_sum_assignment(cost)
        lies_in[rows] = pieces[columns]
        for place, line in enumerate(lines):
            own = lies_in == place
            if own.sum() > 1:
                wanted[place], wide[place] = float(np.median(logs[own])), LOOKS_SPREAD
                looks[place] = float(np.median(shares[own])) if line.reference is None else looks[place]
    return lies_in


def _masses(logs: Array, lies_in: Places, means: Array, spreads: Array, showing: Showing) -> list[tuple[float, float]]:
    """Mass of one piece of each line (g) and its sigma, from what is declared and what the picture shows."""
    found = []
    for place, (mean, spread) in enumerate(zip(means.tolist(), spreads.tolist(), strict=True)):
        own = logs[lies_in == place]
        seen_var = LOOKS_SPREAD**2 / len(own) + showing.spread**2
        both = -showing.mean + (mean / spread**2 + float(own.mean()) / seen_var) / (1 / spread**2 + 1 / seen_var)
        found.append((math.exp(both), math.exp(both) / math.sqrt(1 / spread**2 + 1 / seen_var)))
    return found


def _fit(
    logs: Array, shares: Array, lies_in: Places, means: Array, spreads: Array, lines: Sequence[ColdLine]
) -> list[float] | None:
    """Per line: ln density of its likeliest body to be wrong, given the others; None when a body does not fit."""
    found = []
    for place, line in enumerate(lines):
        own, share = logs[lies_in == place], shares[lies_in == place]
        worst = math.inf
        for body in range(len(own)):
            others, other_shares = np.delete(own, body), np.delete(share, body)
            middle, spread = float(means[place]), float(spreads[place])
            if others.size:
                weight = others.size / LOOKS_SPREAD**2
                var = 1 / (weight + 1 / spread**2)
                middle, spread = var * (float(others.mean()) * weight + middle / spread**2), math.sqrt(var)
            sigma = math.hypot(spread, LOOKS_SPREAD)
            miss = (float(own[body]) - middle) / sigma
            density = -0.5 * miss * miss - math.log(sigma * math.sqrt(2 * math.pi))
            like = _share_middle(line, other_shares)
            if like is not None:
                share_miss = (float(share[body]) - like) / SHARE_SPREAD
                miss = math.hypot(miss, share_miss)
                density += -0.5 * share_miss * share_miss - math.log(SHARE_SPREAD * math.sqrt(2 * math.pi))
            if abs(miss) > MISFIT_MAX:
                return None
            worst = min(worst, density)
        found.append(worst)
    return found


def _share_middle(line: ColdLine, others: Array) -> float | None:
    if line.reference is not None:
        return float(line.reference.mean[1] / line.reference.mean.sum())
    return float(np.median(others)) if others.size else None


def _posterior(
    fit: Sequence[float], masses: Sequence[tuple[float, float]], lines: Sequence[ColdLine], weighing: Weighing,
    knowledge: LaneKnowledge,
) -> float:  # fmt: skip
    """Probability of the declared pieces against one piece missing, one more, one swapped, and anything else."""
    whole_g = sum(line.pieces * mass for line, (mass, _) in zip(lines, masses, strict=True))

    def weight(change_g: float, sigma_g: float) -> float:
        return weighing.log_density_of_change(change_g, sigma_g, whole_g, knowledge)

    rest = 1 - PRIOR_MISSING - PRIOR_EXTRA - PRIOR_ALIEN - PRIOR_SWAPPED - PRIOR_GROSS
    odds = [math.log(rest) + weight(0.0, 0.0)]
    for density, line, (mass, sigma) in zip(fit, lines, masses, strict=True):
        # The body that fits its line worst may be a part of another piece, or other goods; or hide one more piece.
        other = -math.log(LN_CONTENT_RANGE) - density
        few = math.log(PRIOR_MISSING * SPLIT / len(lines))
        odds.append(few + other + weight(-mass, sigma))
        more = math.log(PRIOR_EXTRA * TOUCHING / len(lines))
        odds.append(more + (0.0 if line.pieces == 1 and line.reference is None else other) + weight(mass, sigma))
        odds.append(math.log(PRIOR_SWAPPED / len(lines)) + other + weight(0.0, OTHER_G))
    odds.append(math.log(PRIOR_ALIEN * TOUCHING) + weight(0.0, OTHER_G))
    odds.append(
        math.log(PRIOR_GROSS) + sum(-math.log(LN_CONTENT_RANGE) - density for density in fit) + weight(0.0, OTHER_G)
    )
    return math.exp(odds[0] - float(np.logaddexp.reduce(odds)))
