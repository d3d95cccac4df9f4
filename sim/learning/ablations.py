"""The same picture judged with less: without the scale, with a worse one, without the picture, without signatures."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sim.learning.cases import SCALE_MG, Case, counted
from sim.streams.randoms import Keyed
from vision.basis import Basis
from vision.hypotheses import PRIOR_GROSS, Kind, enumerate_hypotheses
from vision.item_count import ExpectedLine
from vision.likelihood import Weighing, prepare
from vision.pipeline import Pipeline, Scales
from vision.signatures import Signatures

PPM = 1_000_000
TEMPLATE_GROSS_MG = (500_000, 1_000_000, 2_000_000, 5_000_000)
"""Declared gross weights of a warehouse that fills in a template: one of these, whatever is inside."""


class Variant(StrEnum):
    """What is judged with. ``WHOLE``: picture, weight, signatures, as the lane does it."""

    WHOLE = "picture and weight"
    PICTURE = "picture only, no scale"
    WEIGHT = "weight only"
    SCALE_10 = "scale error 10 g"
    SCALE_25 = "scale error 25 g"
    SCALE_50 = "scale error 50 g"
    TEMPLATE = "declared gross is a template value"
    NO_GROSS = "no declared gross"
    COLD = "cold start, no signature of these goods"


SCALE_ERROR_MG = {Variant.SCALE_10: 10_000, Variant.SCALE_25: 25_000, Variant.SCALE_50: 50_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One way to judge a case. ``pipeline``: with the signatures to use; ``scales``: what scale and list say."""

    variant: Variant
    pipeline: Pipeline
    scales: Scales


def attempts(pipeline: Pipeline, basis: Basis, case: Case, *, all_variants: bool) -> Iterator[Attempt]:
    """The whole first, then the others if they are asked for. All scales err by the same luck, times their error."""
    for variant in Variant if all_variants else (Variant.WHOLE,):
        used = pipeline
        if variant is Variant.COLD:
            used = Pipeline(basis, without(pipeline.signatures, case.lines), pipeline.model_sha256)
        yield Attempt(variant=variant, pipeline=used, scales=scales_of(case, variant))


def scales_of(case: Case, variant: Variant) -> Scales:
    """What scale and list say of a case."""
    error = SCALE_ERROR_MG.get(variant, SCALE_MG)
    luck = Keyed("scale", case.seed, case.number)
    shown = -1 if variant is Variant.PICTURE else max(1, case.weight_mg + luck.error(error))
    gross = case.gross_mg
    if variant is Variant.TEMPLATE:
        gross = Keyed("template", case.seed, case.number).choice(TEMPLATE_GROSS_MG)
    elif variant is Variant.NO_GROSS:
        gross = -1
    return Scales(scale_mg=shown, error_mg=error, gross_mg=gross)


def without(signatures: Signatures, lines: Sequence[ExpectedLine]) -> Signatures:
    """Signatures as they were before any of these goods was ever opened."""
    skus = {line.sku for line in lines}
    return replace(signatures, goods={sku: one for sku, one in signatures.goods.items() if sku not in skus})


def declared_by_weight(signatures: Signatures, lines: Sequence[ExpectedLine], weighing: Weighing) -> int:
    """Posterior (ppm) of the declared list when only the weight is asked: what a lane without a picture would believe.

    The picture's cue of tare is left to it, so this is more than a scale alone could know. -1: no signature.
    """
    counts = counted([(line.sku, line.count_lo) for line in lines])
    if any(sku not in signatures.goods for sku in counts):
        return -1
    skus = [*counts, *(sku for sku in sorted(signatures.goods) if sku not in counts)]
    references = [prepare(signatures.goods[sku]) for sku in skus]
    declared = tuple(counts.get(sku, 0) for sku in skus)
    knowledge = signatures.knowledge
    found = [
        (math.log(item.prior) + weighing.log_density(item.pieces, declared, references, knowledge), item.kind)
        for item in enumerate_hypotheses(declared)
    ]
    scores = [score for score, _ in found] + [math.log(PRIOR_GROSS) + weighing.log_density_unknown(knowledge)]
    top = max(scores)
    whole = math.fsum(math.exp(score - top) for score in scores)
    own = math.fsum(math.exp(score - top) for score, kind in found if kind is Kind.DECLARED)
    return min(PPM, int(PPM * own / whole))
