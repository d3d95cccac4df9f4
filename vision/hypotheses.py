"""What a parcel may hold: the declared goods or a small deviation, and the best way to see it in the regions."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from vision.likelihood import NEVER, RegionLikelihood

Pieces = tuple[int, ...]
"""How many of each kind; the kinds' order is the caller's (declared kinds first)."""

PARTITIONS_MAX = 1_500
"""More ways than this to pick pieces for one region: the picture is too full to decide in time."""


class Kind(StrEnum):
    """How a hypothesis differs from the declaration."""

    DECLARED = "DECLARED"
    MISSING = "MISSING"
    EXTRA = "EXTRA"
    SWAPPED = "SWAPPED"
    GROSS = "GROSS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """``kind`` of deviation, ``pieces`` truly there, ``prior``: its share before looking."""

    kind: Kind
    pieces: Pieces
    prior: float


PRIOR_MISSING, PRIOR_EXTRA, PRIOR_ALIEN, PRIOR_SWAPPED, PRIOR_GROSS = 0.06, 0.055, 0.010, 0.035, 0.010
"""Prior shares of each deviation, of the order that opened samples of bonded goods show; the rest is as declared."""


def enumerate_hypotheses(declared: Pieces) -> list[Hypothesis]:
    """H0, one missing, one extra (declared or other goods), one swapped. ``declared``: one entry per known kind."""
    lines = [kind for kind, count in enumerate(declared) if count > 0]
    others = [kind for kind, count in enumerate(declared) if count == 0]
    rest = 1 - PRIOR_MISSING - PRIOR_EXTRA - PRIOR_ALIEN - PRIOR_SWAPPED - PRIOR_GROSS
    found = [Hypothesis(kind=Kind.DECLARED, pieces=declared, prior=rest)]

    def add(kind: Kind, share: float, *changes: tuple[int, int]) -> None:
        pieces = list(declared)
        for place, change in changes:
            pieces[place] += change
        found.append(Hypothesis(kind=kind, pieces=tuple(pieces), prior=share))

    swaps = len(lines) * (len(declared) - 1)
    for line in lines:
        add(Kind.MISSING, PRIOR_MISSING / len(lines), (line, -1))
        add(Kind.EXTRA, PRIOR_EXTRA / len(lines), (line, 1))
        for other in range(len(declared)):
            if other != line:
                add(Kind.SWAPPED, PRIOR_SWAPPED / swaps, (line, -1), (other, 1))
    for other in others:
        add(Kind.EXTRA, PRIOR_ALIEN / len(others), (other, 1))
    return found


@dataclass(frozen=True, slots=True)
class Assignment:
    """Best way to see the pieces in the regions: log density and the pieces of each region."""

    score: float
    parts: tuple[Pieces, ...]


def best_assignment(likelihood: RegionLikelihood, regions: int, pieces: Pieces) -> Assignment | None:
    """Share out all pieces so that every region holds at least one; None when no way is plausible.

    Regions are taken in turn; for every set of pieces still left only the best way so far is kept.
    """
    if regions == 0:
        return Assignment(0.0, ()) if sum(pieces) == 0 else None
    if sum(pieces) < regions or ways(pieces) > PARTITIONS_MAX:
        return None
    best: dict[Pieces, Assignment] = {pieces: Assignment(0.0, ())}
    for region in range(regions):
        following: dict[Pieces, Assignment] = {}
        last = region == regions - 1
        for left, so_far in best.items():
            for part in [left] if last else _subsets(left):
                score = likelihood.log_density(region, part) if any(part) else NEVER
                if score <= NEVER:
                    continue
                rest = tuple(a - b for a, b in zip(left, part, strict=True))
                known = following.get(rest)
                if known is None or known.score < so_far.score + score:
                    following[rest] = Assignment(so_far.score + score, (*so_far.parts, part))
        best = following
    return best.get(tuple(0 for _ in pieces))


def ways(pieces: Sequence[int]) -> int:
    """How many different handfuls can be taken from the pieces."""
    count = 1
    for number in pieces:
        count *= number + 1
    return count


def _subsets(pieces: Pieces) -> list[Pieces]:
    """All non-empty handfuls."""
    return [part for part in product(*(range(count + 1) for count in pieces)) if any(part)]
