"""Verdict model: what vision would say of a parcel, with explicit probabilities instead of pictures.

Each parcel's luck is keyed by (seed, parcel), so a change of one parameter changes only the parcels it concerns.
Recorded results of a wire run can stand in for it (``recorded``): then both twins decide on the same counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from lane.commands import Count
from lane.inputs import VisionFailed, VisionResult
from sim.streams.dice import Dice
from sim.streams.truth import ParcelTruth
from vision.item_count import Abstain, Acquisition, ExpectedLine, ItemCount, LineCount

SIGNATURES = "verdict-model/1"
_COUNTED, _AMBIGUOUS, _SUCCESSFUL = Abstain.NONE, Abstain.AMBIGUOUS, Acquisition.SUCCESSFUL


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictModel:
    """Probabilities in permille unless named otherwise; times in microseconds.

    ``uncertain``: no decision on one line. ``miss``: a content error looks as declared. ``false_alarm``: a correct
    parcel looks wrong. ``failed``: the worker crashes. ``p_ppm``: posterior stated with a decision.
    A duration is ``constant_us`` plus exponential ``mean_us``.
    """

    uncertain_permille: int = 150
    miss_permille: int = 30
    false_alarm_permille: int = 5
    failed_permille: int = 1
    p_ppm: int = 990_000
    constant_us: int = 120_000
    mean_us: int = 60_000


class Verdicts:
    """Answers ``Count`` commands of one run."""

    def __init__(
        self, model: VerdictModel, seed: int, model_sha256: str, recorded: Mapping[int, ItemCount] | None = None
    ) -> None:
        self._model = model
        self._seed = seed
        self._model_sha256 = model_sha256
        self._recorded = recorded or {}

    def answer(self, count: Count, truth: ParcelTruth | None) -> tuple[int, VisionResult | VisionFailed]:
        """(duration, answer without its time). ``truth``: the one body in the picture (None: none, or several)."""
        model, number = self._model, truth.number if truth else 0
        luck = Dice(self._seed, "vision", number, count.seq)
        duration_us = model.constant_us + luck.exponential(model.mean_us)
        if luck.permille(model.failed_permille):
            return duration_us, VisionFailed(
                at_us=0, belt_um=0, seq=count.seq, image_sha256=count.image_sha256, reason="worker crashed",
                timeout=False,
            )  # fmt: skip
        recorded = self._recorded.get(number)
        if recorded is not None:
            result = replace(recorded, image_sha256=count.image_sha256)  # this run has no pictures of its own
        else:
            result = self._count(count, truth, luck)
        return duration_us, VisionResult(at_us=0, belt_um=0, seq=count.seq, count=result)

    @staticmethod
    def stamped(result: VisionResult | VisionFailed, at_us: int, belt_um: int) -> VisionResult | VisionFailed:
        """The answer with the time at which it reaches the core."""
        return replace(result, at_us=at_us, belt_um=belt_um)

    def _count(self, count: Count, truth: ParcelTruth | None, luck: Dice) -> ItemCount:
        model = self._model
        true = dict(truth.contents) if truth else {}
        uncertain, missed = luck.permille(model.uncertain_permille), luck.permille(model.miss_permille)
        alarm = luck.permille(model.false_alarm_permille)
        wrong, foreign = _differs(true, count.lines)
        lines = []
        total_lo = total_hi = foreign = 0 if missed else foreign
        for place, line in enumerate(count.lines):
            seen = line.count_hi if missed or not wrong else true.get(line.sku, 0)
            low = high = seen if seen > 0 else 0
            abstain = _COUNTED
            if place == 0 and uncertain:
                low, high, abstain = max(0, seen - 1), seen + 1, _AMBIGUOUS
            elif place == 0 and alarm and not wrong:
                low = high = max(0, seen + 1)
            total_lo += low
            total_hi += high
            lines.append(
                LineCount(line_no=line.line_no, count_lo=low, count_hi=high, p_ppm=model.p_ppm, abstain=abstain)
            )
        agrees = not uncertain and (missed or not wrong) and not (alarm and not wrong)
        return ItemCount(
            image_sha256=count.image_sha256,
            lines=tuple(lines),
            p_declared_ppm=model.p_ppm if agrees else 1_000_000 - model.p_ppm,
            unexplained=foreign,
            total_lo=total_lo,
            total_hi=total_hi,
            acquisition=_SUCCESSFUL,
            model_sha256=self._model_sha256,
            signatures=SIGNATURES,
        )


def _differs(true: Mapping[str, int], lines: Sequence[ExpectedLine]) -> tuple[bool, int]:
    """(whether the contents are not as declared, pieces of goods that are not declared at all)."""
    wrong, found = False, 0
    for line in lines:
        pieces = true.get(line.sku, 0)
        found += pieces > 0
        if line.count_hi >= 0 and pieces != line.count_hi:
            wrong = True
    if found == len(true):
        return wrong, 0
    declared = {line.sku for line in lines}
    foreign = sum(pieces for sku, pieces in true.items() if sku not in declared)
    return wrong or foreign > 0, foreign
