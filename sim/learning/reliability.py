"""Does a stated probability mean what it says? Bins, reliability curve and expected calibration error.

The posterior of the declared list is stated for the lane's own mix, in which few parcels deviate; the evaluation plants
errors in half of them. So cases with an error count less here, by the factor that brings their share down to what the
lane believes before it looks. ``as_evaluated`` gives the same without such weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sim.intervals import share_between
from vision.hypotheses import Kind, enumerate_hypotheses

PPM = 1_000_000
EDGES_PPM = (
    0, 1_000, 10_000, 50_000, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000, 950_000,
    980_000, 990_000, 995_000, 999_000, 999_900, 1_000_000,
)  # fmt: skip
"""Bins of the stated probability, lower end in, upper end out (the last one in): narrow where decisions are made."""
PRIOR_DEVIATION = 1 - sum(item.prior for item in enumerate_hypotheses((1, 0)) if item.kind is Kind.DECLARED)
"""Share of parcels that deviate, as the verification assumes before it looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """One statement: ``p_ppm`` that the contents are the declared ones, and whether they are (``true``)."""

    p_ppm: int
    true: bool


def reliability(stated: Sequence[Stated]) -> dict[str, Any]:
    """Bins and expected calibration errors (mean over statements of |share true - mean p|, bin by bin)."""
    weight = _error_weight(stated)
    bins = []
    for place, (low, high) in enumerate(pairwise(EDGES_PPM)):
        last = place == len(EDGES_PPM) - 2
        own = [one for one in stated if low <= one.p_ppm and (one.p_ppm < high or last)]
        if own:
            bins.append(_bin(low, high, own, weight))
    return {
        "n": len(stated),
        "ece": _ece(bins, "mean_p", "share_true", "weight"),
        "ece_as_evaluated": _ece(bins, "mean_p_as_evaluated", "share_true_as_evaluated", "n"),
        "prior_deviation": round(PRIOR_DEVIATION, 6),
        "weight_of_errors": round(weight, 6),
        "bins": bins,
    }


def _error_weight(stated: Sequence[Stated]) -> float:
    """How much a case with an error counts, so that such cases together have the share the lane assumes."""
    wrong = sum(not one.true for one in stated)
    right = len(stated) - wrong
    return right / wrong * PRIOR_DEVIATION / (1 - PRIOR_DEVIATION) if wrong and right else 1.0


def _bin(low: int, high: int, own: Sequence[Stated], weight: float) -> dict[str, Any]:
    right = [one.p_ppm for one in own if one.true]
    wrong = [one.p_ppm for one in own if not one.true]
    whole = len(right) + weight * len(wrong)
    least, most = share_between(len(right), len(own))
    return {
        "from": low / PPM,
        "to": high / PPM,
        "n": len(own),
        "true": len(right),
        "weight": round(whole, 4),
        "mean_p": round((sum(right) + weight * sum(wrong)) / whole / PPM, 6),
        "share_true": round(len(right) / whole, 6),
        "share_low95": round(_reweighted(least, weight), 6),
        "share_high95": round(_reweighted(most, weight), 6),
        "mean_p_as_evaluated": round((sum(right) + sum(wrong)) / len(own) / PPM, 6),
        "share_true_as_evaluated": round(len(right) / len(own), 6),
    }


def _reweighted(share: float, weight: float) -> float:
    """A share true among unweighted cases, when each wrong one counts ``weight``."""
    return share / (share + weight * (1 - share))


def _ece(bins: Sequence[dict[str, Any]], mean: str, share: str, size: str) -> float:
    whole = math.fsum(one[size] for one in bins)
    return round(math.fsum(one[size] * abs(one[mean] - one[share]) for one in bins) / whole, 6) if whole else 0.0
