"""Does the picture agree with the declaration? Posterior over small deviations, turned into a count per declared line.

Evidence of every hypothesis: each region explained by pieces, every piece placed in a region, and the weight. Without
a way to see its pieces in the regions a hypothesis has no probability at all, and where the picture alone says
otherwise there is no opinion: weight alone never makes a MATCH. A hypothesis of unknown contents takes what none of
the others explains.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vision.coldstart import ColdLine, judge_cold, showing_of
from vision.explain import Explanation, TooManyWays
from vision.hypotheses import PRIOR_GROSS, PRIOR_REPLACED, Hypothesis, Kind, Pieces, enumerate_hypotheses
from vision.item_count import Abstain, ExpectedLine, LineCount
from vision.likelihood import Reference, Weighing, prepare
from vision.measure import Region
from vision.signatures import LaneKnowledge, Signatures

PICTURE_DISSENT_MAX = 2.0
"""The weight may settle what the picture leaves open, but never overrule it: when the picture alone prefers another
hypothesis by more than e^2, there is no opinion."""
MISFIT_MAX = 4.5
"""Sigmas: the declared goods may be the best explanation and still no good one; then there is no opinion. Correct
parcels stay under it in 99 of 100 regions."""
PIECES_MAX, KINDS_MAX = 40, 8
"""More pieces or kinds than this are not told apart in time; up to 30 and 6 is what was measured."""
OTHERS_MAX = 80
"""Undeclared goods that are thought of; where more are known, those that could best be mistaken by mass."""
RULED_OUT = 25.0
"""Undeclared goods that the weight makes e^25 less likely than something else are not looked for in the picture."""
COLD_SURE_MIN = 0.9
"""Below it, goods without a signature are as before: no opinion."""
TOTAL_SHARE_MIN = 0.02
"""Hypotheses below this probability do not widen the interval of the total."""
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


@dataclass(frozen=True, slots=True)
class Scored:
    """Log prior, log odds of the picture over unknown contents, log density of the weight, of one hypothesis (None:
    unknown contents)."""

    prior: float
    picture: float
    weight: float
    item: Hypothesis | None


class Verifier:
    """Prepared signatures of a lane; ``verify`` is a pure function of its arguments."""

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures
        self._references = {sku: prepare(signature) for sku, signature in sorted(signatures.goods.items())}
        self._showing = showing_of(list(self._references.values()))

    def verify(self, regions: Sequence[Region], lines: Sequence[ExpectedLine], weighing: Weighing) -> Verdict:
        """Judge measured regions against declared lines."""
        reason = self._unready(lines)
        if reason:
            unknown = set(reason.values()) <= {Abstain.NO_SIGNATURE, Abstain.AMBIGUOUS} and bool(lines)
            return (self._cold(regions, lines, weighing) if unknown else None) or abstained(lines, reason, len(regions))
        counts: dict[str, int] = {}
        for line in lines:
            counts[line.sku] = counts.get(line.sku, 0) + line.count_lo
        skus = [*counts, *self._others(set(counts))]
        declared: Pieces = tuple(counts.get(sku, 0) for sku in skus)
        references = [self._references[sku] for sku in skus]
        knowledge = self._signatures.knowledge
        hypotheses, weights = _weighed(enumerate_hypotheses(declared), declared, references, weighing, knowledge)
        try:
            explanation = Explanation(regions, references, knowledge, [item.pieces for item in hypotheses])
        except TooManyWays:
            return abstained(lines, {line.line_no: Abstain.OUT_OF_RANGE for line in lines}, len(regions))
        scored = [
            Scored(math.log(item.prior), picture, weight, item)
            for item, picture, weight in zip(hypotheses, _pictures(explanation, hypotheses), weights, strict=True)
            if picture is not None
        ]
        if explanation.score(declared) is not None:
            units = np.array([reference.unit_g for reference in references])
            for picture in explanation.replaced(declared, units).tolist():
                share = math.log(PRIOR_REPLACED / sum(map(bool, declared)))
                scored.append(Scored(share, picture, weights[0], None))
        scored.append(Scored(math.log(PRIOR_GROSS), 0.0, weighing.log_density_unknown(knowledge), None))
        return _verdict(lines, skus, declared, scored, explanation, len(regions))

    def _others(self, declared: set[str]) -> list[str]:
        """Goods that might lie there instead of declared ones: all others, or those nearest to them in mass."""
        others = [sku for sku in self._references if sku not in declared]
        if len(others) <= OTHERS_MAX:
            return others
        own = [math.log(self._references[sku].unit_g) for sku in declared]

        def far(sku: str) -> tuple[float, str]:
            return min(abs(math.log(self._references[sku].unit_g) - mass) for mass in own), sku

        return sorted(others, key=far)[:OTHERS_MAX]

    def _cold(
        self, regions: Sequence[Region], lines: Sequence[ExpectedLine], weighing: Weighing
    ) -> Verdict | None:  # fmt: skip
        """A verdict where some goods have no signature; None when there is no opinion."""
        named = [line.sku for line in lines if line.sku]
        if (
            self._showing is None
            or any(line.count_lo != line.count_hi for line in lines)
            or len(set(named)) != len(named)
        ):
            return None
        cold = [
            ColdLine(
                sku=line.sku, pieces=line.count_lo, net_g=line.unit_mg / 1000, reference=self._references.get(line.sku)
            )
            for line in lines
        ]  # fmt: skip
        found = judge_cold(regions, cold, weighing, self._signatures.knowledge, self._showing)
        if found.sure < COLD_SURE_MIN:
            return None
        p_ppm, pieces = int(found.sure * PPM), sum(line.count_lo for line in lines)
        return Verdict(
            lines=tuple(
                LineCount(line_no=line.line_no, count_lo=line.count_lo, count_hi=line.count_hi, p_ppm=p_ppm)
                for line in lines
            ),
            p_declared_ppm=p_ppm,
            unexplained=0,
            total_lo=pieces,
            total_hi=pieces,
            parts=tuple(
                tuple((line.sku, count) for line, count in zip(lines, part, strict=True) if count)
                for part in found.parts
            ),
            explanation=Kind.DECLARED,
        )

    def _unready(self, lines: Sequence[ExpectedLine]) -> dict[int, Abstain]:
        """Lines that can't be verified, and why; with one such line the others are ambiguous."""
        reasons: dict[int, Abstain] = {}
        pieces, kinds = sum(line.count_lo for line in lines), len({line.sku for line in lines})
        too_many = pieces > PIECES_MAX or kinds > KINDS_MAX
        for line in lines:
            if line.sku not in self._references:
                reasons[line.line_no] = Abstain.NO_SIGNATURE
            elif line.count_lo < 0 or line.count_hi < line.count_lo or too_many:
                reasons[line.line_no] = Abstain.OUT_OF_RANGE
        if not lines:
            return {0: Abstain.AMBIGUOUS}
        return {line.line_no: reasons.get(line.line_no, Abstain.AMBIGUOUS) for line in lines} if reasons else {}


def _weighed(
    hypotheses: Sequence[Hypothesis], declared: Pieces, references: Sequence[Reference], weighing: Weighing,
    knowledge: LaneKnowledge,
) -> tuple[list[Hypothesis], list[float]]:  # fmt: skip
    """Hypotheses with the log density of the weight under each, without undeclared goods that the weight rules out."""
    pieces = np.array([item.pieces for item in hypotheses])
    weights = weighing.log_densities(pieces, np.array(declared), references, knowledge)
    likely = weights + np.log([item.prior for item in hypotheses])
    own = (pieces[:, np.array(declared) == 0] == 0).all(axis=1)
    kept = np.flatnonzero(own | (likely > float(likely.max()) - RULED_OUT))
    return [hypotheses[place] for place in kept.tolist()], weights[kept].tolist()


def _pictures(explanation: Explanation, hypotheses: Sequence[Hypothesis]) -> list[float | None]:
    """Log density of the picture under every hypothesis; a deviation is believed to do as well as any way left out."""
    found = [explanation.score(item.pieces) for item in hypotheses]
    best = max((score for score in found if score is not None), default=None)
    if best is None or not math.isfinite(explanation.missed):
        return found
    left_out = best - explanation.missed
    return [
        score if item.kind is Kind.DECLARED else max(left_out, score if score is not None else left_out)
        for item, score in zip(hypotheses, found, strict=True)
    ]


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
    lines: Sequence[ExpectedLine], skus: Sequence[str], declared: Pieces, scored: Sequence[Scored],
    explanation: Explanation, regions: int,
) -> Verdict:  # fmt: skip
    scores = np.array([entry.prior + entry.picture + entry.weight for entry in scored])
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    likely = scored[int(np.argmax(weights))].item
    declared_best = likely is not None and likely.kind is Kind.DECLARED
    if declared_best and (_dissent(scored) > PICTURE_DISSENT_MAX or explanation.misfit(declared) > MISFIT_MAX):
        return replace(
            abstained(lines, {}, regions), parts=_parts(skus, explanation, likely, regions), explanation=Kind.DECLARED
        )
    shares: list[tuple[float, Hypothesis]] = [
        (float(p), entry.item) for p, entry in zip(weights, scored, strict=True) if entry.item
    ]
    p_declared = sum((p for p, item in shares if item.kind is Kind.DECLARED), 0.0)
    named: set[str] = set()
    counted = []
    for line in lines:
        place = skus.index(line.sku)
        # Two lines of one goods: the deviation is told on the first, the sum is what was seen.
        marginal: dict[int, float] = {}
        for p, item in shares:
            deviation = 0 if line.sku in named else item.pieces[place] - declared[place]
            marginal[deviation] = marginal.get(deviation, 0.0) + p
        named.add(line.sku)
        counted.append(_line_count(line, marginal))
    aliens = sum(likely.pieces[place] for place, count in enumerate(declared) if not count) if likely else regions
    totals = sorted(sum(item.pieces) for p, item in shares if p > TOTAL_SHARE_MIN)
    return Verdict(
        lines=tuple(counted),
        p_declared_ppm=min(PPM, int(p_declared * PPM)),
        unexplained=aliens,
        total_lo=totals[0] if totals else 0,
        total_hi=totals[-1] if totals else regions,
        parts=_parts(skus, explanation, likely, regions),
        explanation=likely.kind if likely else Kind.GROSS,
    )


def _dissent(scored: Sequence[Scored]) -> float:
    """By how much (log odds) the picture alone prefers something else to the declared goods."""
    own = max(entry.prior + entry.picture for entry in scored if entry.item and entry.item.kind is Kind.DECLARED)
    other = max(entry.prior + entry.picture for entry in scored if not _is_declared(entry))
    return other - own


def _is_declared(entry: Scored) -> bool:
    return entry.item is not None and entry.item.kind is Kind.DECLARED


def _parts(
    skus: Sequence[str], explanation: Explanation, likely: Hypothesis | None, regions: int
) -> tuple[tuple[tuple[str, int], ...], ...]:
    if likely is None or explanation.score(likely.pieces) is None:
        return tuple(() for _ in range(regions))
    return tuple(
        tuple((skus[kind], count) for kind, count in enumerate(part) if count)
        for part in explanation.parts(likely.pieces)
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
