"""Does the picture agree with the declaration? Posterior over small deviations, turned into a count per declared line.

Evidence of every hypothesis: each region explained by pieces, every piece placed in a region, and the weight. The
weight enters as one factor: without a way to see the pieces in the regions a hypothesis has no probability at all, so
weight alone never makes a MATCH. A hypothesis of unknown contents takes what none of the others explains.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vision.hypotheses import (
    PARTITIONS_MAX,
    PRIOR_GROSS,
    Assignment,
    Hypothesis,
    Kind,
    Pieces,
    best_assignment,
    enumerate_hypotheses,
    ways,
)  # fmt: skip
from vision.item_count import Abstain, ExpectedLine, LineCount
from vision.likelihood import UNKNOWN_DENSITY, Reference, RegionLikelihood, Weighing, prepare
from vision.measure import Region
from vision.signatures import Signatures

PRUNE = 30.0
"""Hypotheses whose weight alone makes them e^30 less likely than the best are not looked for in the picture."""
PPM = 1_000_000
COUNT_SURE = 0.5
"""A count is named alone when it has at least this probability; else the two most likely are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Posterior of one picture.

    ``parts``: per region, (sku, pieces) as the most likely explanation sees it (empty: unexplained).
    ``explanation``: the kind of that hypothesis.
    """

    lines: tuple[LineCount, ...]
    p_declared_ppm: int
    unexplained: int
    total_lo: int
    total_hi: int
    parts: tuple[tuple[tuple[str, int], ...], ...]
    explanation: Kind


class Verifier:
    """Prepared signatures of a lane; ``verify`` is a pure function of its arguments."""

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures
        self._references = {sku: prepare(signature) for sku, signature in sorted(signatures.goods.items())}

    def verify(self, regions: Sequence[Region], lines: Sequence[ExpectedLine], weighing: Weighing) -> Verdict:
        """Judge measured regions against declared lines."""
        reason = self._unready(lines)
        if reason:
            return abstained(lines, reason, len(regions))
        counts: dict[str, int] = {}
        for line in lines:
            counts[line.sku] = counts.get(line.sku, 0) + line.count_lo
        skus = [*counts, *(sku for sku in self._references if sku not in counts)]
        declared: Pieces = tuple(counts.get(sku, 0) for sku in skus)
        if ways(declared) * 2 > PARTITIONS_MAX:
            return abstained(lines, {line.line_no: Abstain.OUT_OF_RANGE for line in lines}, len(regions))
        references = [self._references[sku] for sku in skus]
        scored = self._score(regions, declared, references, weighing)
        return _verdict(lines, skus, declared, scored, len(regions))

    def _unready(self, lines: Sequence[ExpectedLine]) -> dict[int, Abstain]:
        """Lines that can't be verified, and why; with one such line the others are ambiguous."""
        reasons: dict[int, Abstain] = {}
        for line in lines:
            if line.sku not in self._references:
                reasons[line.line_no] = Abstain.NO_SIGNATURE
            elif line.count_lo < 0 or line.count_hi < line.count_lo:
                reasons[line.line_no] = Abstain.OUT_OF_RANGE
        if not lines:
            return {0: Abstain.AMBIGUOUS}
        return {line.line_no: reasons.get(line.line_no, Abstain.AMBIGUOUS) for line in lines} if reasons else {}

    def _score(
        self, regions: Sequence[Region], declared: Pieces, references: Sequence[Reference], weighing: Weighing
    ) -> list[tuple[float, Hypothesis | None, Assignment | None]]:
        """(log score, hypothesis, its best assignment); the last entry is "unknown contents"."""
        knowledge = self._signatures.knowledge
        weighed = [
            (math.log(item.prior) + weighing.log_density(item.pieces, declared, references, knowledge), item)
            for item in enumerate_hypotheses(declared)
        ]
        top = max(score for score, _ in weighed)
        likelihood = RegionLikelihood(regions, references, knowledge)
        scored: list[tuple[float, Hypothesis | None, Assignment | None]] = []
        for score, item in weighed:
            if score < top - PRUNE:
                continue
            assignment = best_assignment(likelihood, len(regions), item.pieces)
            if assignment is not None:
                scored.append((score + assignment.score, item, assignment))
        unknown = math.log(PRIOR_GROSS) + weighing.log_density_unknown(knowledge) + len(regions) * UNKNOWN_DENSITY
        scored.append((unknown, None, None))
        return scored


def abstained(lines: Sequence[ExpectedLine], reasons: dict[int, Abstain], regions: int) -> Verdict:
    """A verdict without an opinion: every line says why."""
    return Verdict(
        lines=tuple(
            LineCount(
                line_no=line.line_no, count_lo=0, count_hi=max(line.count_hi, 0), p_ppm=0,
                abstain=reasons.get(line.line_no, Abstain.AMBIGUOUS),
            )
            for line in lines
        ),
        p_declared_ppm=0,
        unexplained=0,
        total_lo=0,
        total_hi=max(regions, sum(max(line.count_hi, 0) for line in lines)),
        parts=tuple(() for _ in range(regions)),
        explanation=Kind.GROSS,
    )  # fmt: skip


def _verdict(
    lines: Sequence[ExpectedLine], skus: Sequence[str], declared: Pieces,
    scored: Sequence[tuple[float, Hypothesis | None, Assignment | None]], regions: int,
) -> Verdict:  # fmt: skip
    scores = np.array([score for score, _, _ in scored])
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    best = int(np.argmax(weights))
    _, likely, assignment = scored[best]
    p_declared = sum(
        float(p) for p, (_, item, _) in zip(weights, scored, strict=True) if item and item.kind is Kind.DECLARED
    )
    named: set[str] = set()
    counted = []
    for line in lines:
        place = skus.index(line.sku)
        # Two lines of one goods: the deviation is told on the first, the sum is what was seen.
        marginal: dict[int, float] = {}
        for p, (_, item, _) in zip(weights, scored, strict=True):
            if item is not None:
                deviation = 0 if line.sku in named else item.pieces[place] - declared[place]
                marginal[deviation] = marginal.get(deviation, 0.0) + float(p)
        named.add(line.sku)
        counted.append(_line_count(line, marginal))
    aliens = sum(likely.pieces[place] for place, count in enumerate(declared) if not count) if likely else regions
    totals = sorted(sum(item.pieces) for p, (_, item, _) in zip(weights, scored, strict=True) if item and p > 0.02)
    parts = assignment.parts if assignment else ((),) * regions
    return Verdict(
        lines=tuple(counted),
        p_declared_ppm=min(PPM, int(p_declared * PPM)),
        unexplained=aliens,
        total_lo=totals[0] if totals else 0,
        total_hi=totals[-1] if totals else regions,
        parts=tuple(tuple((skus[i], count) for i, count in enumerate(part) if count) for part in parts),
        explanation=likely.kind if likely else Kind.GROSS,
    )


def _line_count(line: ExpectedLine, marginal: dict[int, float]) -> LineCount:
    """Most likely deviation, or the two most likely, in the terms of the expected interval.

    The signature knows what one declared unit shows, so a pair in one box counts once: as declared is the whole
    expected interval's lower end, fewer is counted down from there, more is counted up from its upper end.
    """
    ranked = sorted(marginal.items(), key=lambda entry: (-entry[1], entry[0]))
    if not ranked:
        return LineCount(line_no=line.line_no, count_lo=0, count_hi=line.count_hi, p_ppm=0, abstain=Abstain.AMBIGUOUS)
    chosen = ranked[:1] if ranked[0][1] >= COUNT_SURE else ranked[:2]
    counts = [line.count_hi + change if change > 0 else line.count_lo + change for change, _ in chosen]
    p = sum(share for _, share in chosen)
    return LineCount(
        line_no=line.line_no, count_lo=max(0, min(counts)), count_hi=max(0, *counts), p_ppm=min(PPM, int(p * PPM))
    )
