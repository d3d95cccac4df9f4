"""Fixes and measures the decision bound: parcels with and without planted content errors through the whole pipeline."""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim.goods import carton_for
from sim.learning.references import Progress
from sim.streams.make import StreamSpec, make_stream
from sim.streams.randoms import key
from sim.streams.truth import CONTENT_ERRORS, ParcelTruth, Planted
from sim.xray.frames import frame
from sim.xray.render import render
from vision.item_count import Abstain, ExpectedLine, ItemCount
from vision.pipeline import Pipeline, Scales

SCALE_ERROR_MG = 3_000
SHORT_PERMILLE, OVER_PERMILLE, SWAPPED_PERMILLE = 160, 160, 80
"""Planted errors of the standard mix, 8 : 8 : 4, twice as many as on the lane for better figures."""
MANY_MEAN_PERMILLE, MANY_MAX, MANY_KINDS = 12_000, 30, 6
"""Every second parcel is of this kind: up to 30 pieces of up to 6 kinds; the others are as the lane carries them."""
PIECES = ((2, "1-2"), (5, "3-5"), (10, "6-10"), (20, "11-20"), (99, "21-30"))
BOUND_PPM_MIN, BOUND_PPM_MAX = 950_000, 999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One parcel's truth and answer. ``score_ppm``: least probability that a MATCH of it rests on (0: no MATCH)."""

    parcel: ParcelTruth
    count: ItemCount
    score_ppm: int
    wall_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All judged parcels of one seed."""

    judged: Sequence[Judged]

    def matched(self, kinds: frozenset[Planted], bound_ppm: int) -> tuple[int, int]:
        """(passed as MATCH, all) of the given kinds."""
        scores = [item.score_ppm for item in self.judged if item.parcel.planted in kinds]
        return sum(score >= bound_ppm for score in scores), len(scores)

    def figures(self, bound_ppm: int) -> dict[str, Any]:
        """Shares at a bound, times and memory."""
        sound = frozenset(Planted) - CONTENT_ERRORS
        passed, correct = self.matched(sound, bound_ppm)
        missed, planted = self.matched(CONTENT_ERRORS, bound_ppm)
        walls = sorted(item.wall_us for item in self.judged)
        return {
            "parcels": len(self.judged),
            "matched_of_correct": [passed, correct],
            "match_share": round(passed / max(1, correct), 4),
            "missed_of_planted": [missed, planted],
            "missed_share": round(missed / max(1, planted), 4),
            "missed_by_kind": {
                str(kind): list(self.matched(frozenset({kind}), bound_ppm)) for kind in sorted(CONTENT_ERRORS)
            },
            "match_by_pieces": self._by_pieces(sound, bound_ppm),
            "missed_by_pieces": self._by_pieces(CONTENT_ERRORS, bound_ppm),
            "pipeline_ms_p50": round(walls[len(walls) // 2] / 1000, 1),
            "pipeline_ms_p99": round(walls[min(len(walls) - 1, int(len(walls) * 0.99))] / 1000, 1),
            "process_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }

    def _by_pieces(self, kinds: frozenset[Planted], bound_ppm: int) -> dict[str, list[int]]:
        """[passed as MATCH, all] of the given kinds by declared pieces."""
        found: dict[str, list[int]] = {}
        for item in self.judged:
            if item.parcel.planted in kinds and item.parcel.declared is not None:
                pieces = sum(line.pieces for line in item.parcel.declared.lines)
                label = next(name for top, name in PIECES if pieces <= top)
                entry = found.setdefault(label, [0, 0])
                entry[0] += item.score_ppm >= bound_ppm
                entry[1] += 1
        return {name: found[name] for _, name in PIECES if name in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A bound and what it gives on the parcels it was fixed on."""

    bound_ppm: int
    figures: dict[str, Any]


def evaluate(signatures: Path, seed: int, parcels: int, *, progress: Progress) -> Evaluation:
    """Render and judge parcels with planted errors, one half as the lane carries them, one half with many pieces."""
    pipeline = Pipeline.load(signatures)
    few = StreamSpec(
        seed=seed, parcels=parcels - parcels // 2, short_permille=SHORT_PERMILLE, over_permille=OVER_PERMILLE,
        swapped_permille=SWAPPED_PERMILLE, no_read_permille=0, no_declaration_permille=0, bad_status_permille=0,
    )  # fmt: skip
    many = replace(
        few, seed=key(seed, "many pieces"), parcels=parcels // 2, pieces_mean_permille=MANY_MEAN_PERMILLE,
        pieces_max=MANY_MAX, kinds_max=MANY_KINDS,
    )  # fmt: skip
    judged = []
    for number, parcel in enumerate((*make_stream(few), *make_stream(many)), start=1):
        judged.append(judge(pipeline, parcel))
        progress(f"parcels of seed {seed} judged", number, parcels)
    return Evaluation(judged=judged)


def hard_cases(signatures: Path, seed: int, parcels: int, *, progress: Progress) -> dict[str, Any]:
    """Shares of MATCH where the weight is of no help.

    Once the contents of another parcel at exactly the declared weight, once correct parcels without a scale.
    """
    pipeline = Pipeline.load(signatures)
    spec = StreamSpec(
        seed=seed, parcels=parcels, short_permille=0, over_permille=0, swapped_permille=0, no_read_permille=0,
        no_declaration_permille=0, bad_status_permille=0,
    )  # fmt: skip
    stream = make_stream(spec)
    disguised, unweighed = [], []
    for number, (parcel, other) in enumerate(zip(stream, stream[1:] + stream[:1], strict=True), start=1):
        assert parcel.declared is not None
        unweighed.append(judge(pipeline, parcel, scale_mg=-1).score_ppm)
        if sorted(parcel.contents) != sorted(other.contents):
            swapped = replace(parcel, contents=other.contents, carton_mm=carton_for(parcel.contents, other.contents))
            disguised.append(judge(pipeline, swapped, scale_mg=parcel.declared.gross_mg).score_ppm)
        progress("hard cases judged", number, parcels)
    return {
        "other_goods_at_declared_weight_passed": [sum(score >= BOUND_PPM_MIN for score in disguised), len(disguised)],
        "correct_without_scale_passed": [sum(score >= BOUND_PPM_MIN for score in unweighed), len(unweighed)],
    }


def judge(pipeline: Pipeline, parcel: ParcelTruth, scale_mg: int | None = None) -> Judged:
    """One parcel through the whole pipeline. ``scale_mg``: what the scale shows if not the truth (-1: no scale)."""
    assert parcel.declared is not None
    lines = expected_lines(parcel)
    image = frame(render(parcel.contents, parcel.carton_mm, parcel.seed))
    shown = parcel.weight_mg if scale_mg is None else scale_mg
    scales = Scales(scale_mg=shown, error_mg=SCALE_ERROR_MG, gross_mg=parcel.declared.gross_mg)
    start = time.perf_counter_ns()
    count, _, _ = pipeline.count(image, lines, scales, "")
    wall = (time.perf_counter_ns() - start) // 1000
    return Judged(parcel=parcel, count=count, score_ppm=match_score(count, lines), wall_us=wall)


def expected_lines(parcel: ParcelTruth) -> list[ExpectedLine]:
    """The declared lines with exact expected counts."""
    assert parcel.declared is not None
    return [
        ExpectedLine(
            line_no=line.line_no, sku=line.sku, name=line.name, count_lo=line.pieces, count_hi=line.pieces,
            unit_mg=line.unit_mg,
        )
        for line in parcel.declared.lines
    ]  # fmt: skip


def match_score(count: ItemCount, lines: Sequence[ExpectedLine]) -> int:
    """The probability a MATCH of this parcel rests on: every line inside its interval, nothing unexplained."""
    if count.unexplained or any(line.abstain is not Abstain.NONE for line in count.lines):
        return 0
    for seen, line in zip(count.lines, lines, strict=True):
        if not line.count_lo <= seen.count_lo <= seen.count_hi <= line.count_hi:
            return 0
    return min(count.p_declared_ppm, *(line.p_ppm for line in count.lines))


def choose_bound(evaluation: Evaluation, missed_max: float) -> Chosen:
    """The lowest bound at which at most ``missed_max`` of the planted errors pass."""
    planted = [item.score_ppm for item in evaluation.judged if item.parcel.planted in CONTENT_ERRORS]
    allowed = int(missed_max * len(planted))
    worst = sorted(planted, reverse=True)
    bound = worst[allowed] + 1 if allowed < len(worst) else BOUND_PPM_MIN
    bound = min(max(bound, BOUND_PPM_MIN), BOUND_PPM_MAX)
    return Chosen(bound_ppm=bound, figures=evaluation.figures(bound))
