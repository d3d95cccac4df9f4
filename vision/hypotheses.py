"""What a parcel may hold: the declared goods or a small deviation, and the best way to see it in the regions."""

from dataclasses import dataclass
from enum import StrEnum

Pieces = tuple[int, ...]
"""How many of each kind; the kinds' order is the caller's (declared kinds first)."""


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
PRIOR_REPLACED = 0.010
"""Prior shares of each deviation, of the order that opened samples of bonded goods show; the rest is as declared.
Replaced: all pieces of a line are other goods of the same mass."""


def enumerate_hypotheses(declared: Pieces) -> list[Hypothesis]:
    """H0, one missing, one extra (declared or other goods), one swapped. ``declared``: one entry per known kind."""
    lines = [kind for kind, count in enumerate(declared) if count > 0]
    others = [kind for kind, count in enumerate(declared) if count == 0]
    rest = 1 - PRIOR_MISSING - PRIOR_EXTRA - PRIOR_ALIEN - PRIOR_SWAPPED - PRIOR_GROSS - PRIOR_REPLACED
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
