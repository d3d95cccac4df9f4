"""One case through the lane's own pipeline and comparison, and what came of it, in integers and words."""

import time
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from lane.comparison import Comparison, compare, refused, weight_passes
from lane.model.config import ContentConfig
from lane.model.declared import DeclaredItem
from lane.model.words import FindingKind
from sim.learning.ablations import PPM, Attempt, Variant, attempts, declared_by_weight, scales_of
from sim.learning.cases import Case, counted, half_of, two_in_one
from vision.basis import Basis
from vision.calibrate import attenuate
from vision.frame import ScanFrame
from vision.ground import find_carton, remove_ground
from vision.item_count import Abstain, ExpectedLine, ItemCount
from vision.pipeline import Pipeline, Scales, Seen, see, weighing
from vision.propose import Proposer

GROSS_DEVIATION = 3
"""From so many pieces of difference on the right name of an error is "unknown contents"."""
_DEVIATIONS = (FindingKind.SHORT, FindingKind.OVER)


class Answer(Struct, frozen=True, kw_only=True, gc=False):
    """What one way of judging said.

    ``matched``: the comparison finds MATCH and no ground against the content: it would pass by its content.
    ``weight_ok``: the scale agrees with the declared gross weight. ``detected``: some line is SHORT or OVER, or objects
    fit no line; ``named``: and it is exactly so. ``p_ppm``: posterior of the declared list (-1: no opinion).
    ``lines_exact``: lines whose count is named alone and true.
    """

    finding: FindingKind
    matched: bool
    weight_ok: bool
    detected: bool
    named: bool
    p_ppm: int
    abstain: Abstain
    lines_exact: int
    total_exact: bool


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    """One case and all answers.

    ``regions``: bodies that the picture shows before any list is read; ``seen_mg``: their C and P together;
    ``proposals``: pieces that the network proposes (-1: there is none). Times are of one picture judged as a whole,
    ``stages_us`` by stage.
    """

    part: str
    number: int
    error: str
    pictures: str
    overlap_permille: int
    pieces: int
    declared_pieces: int
    lines: int
    differs: bool
    shown_by: tuple[str, ...]
    content_mg: int
    seen_mg: int
    regions: int
    proposals: int
    acquisition: str
    answers: dict[str, Answer]
    spoiled: dict[str, Answer] = field(default_factory=dict)
    caught: dict[str, bool] = field(default_factory=dict)
    wall_us: int = 0
    cpu_us: int = 0
    stages_us: dict[str, int] = field(default_factory=dict)


def proposed(proposer: Proposer, frame: ScanFrame, basis: Basis) -> int:
    """How many pieces the network proposes in a picture, before any list is read (0: no carton)."""
    attenuation = attenuate(frame)
    carton = find_carton(attenuation.high)
    if carton is None:
        return 0
    pitch, column = 2 * frame.pitch_mm, 2 * frame.column_mm
    c_plane, p_plane = basis.densities(attenuation.low, attenuation.high)
    c_goods, p_goods, _ = remove_ground(c_plane, p_plane, carton, pitch, column)
    return len(proposer.propose(c_goods, p_goods, carton, pitch, column))


class Judge:
    """A pipeline and a decision bound, ready for cases; with a network it also counts what that proposes."""

    def __init__(
        self, pipeline: Pipeline, basis: Basis, content: ContentConfig, proposer: Proposer | None = None
    ) -> None:
        self._pipeline = pipeline
        self._basis = basis
        self._content = content
        self._proposer = proposer

    def judge(self, case: Case, *, all_variants: bool = False, spoil: bool = False) -> Outcome:
        """Judge a case; ``spoil``: also two parcels in its picture, and half of it."""
        cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
        count, seen, _ = self._pipeline.count(case.frame, case.lines, scales_of(case, Variant.WHOLE), "")
        wall, cpu = time.perf_counter_ns() - wall, time.thread_time_ns() - cpu
        answers = {}
        for attempt in attempts(self._pipeline, self._basis, case, all_variants=all_variants):
            answers[str(attempt.variant)] = (
                self._answer(case, count, attempt.scales)
                if attempt.variant is Variant.WHOLE
                else self._attempted(case, seen, attempt)
            )
        spoiled, caught = self._spoiled(case) if spoil else ({}, {})
        return Outcome(
            part=case.part,
            number=case.number,
            error=case.error,
            pictures=case.pictures,
            overlap_permille=case.overlap_permille,
            pieces=case.pieces,
            declared_pieces=sum(pieces for _, pieces in case.declared),
            lines=len(case.lines),
            differs=case.differs,
            shown_by=tuple(map(str, case.shown_by)),
            content_mg=case.content_mg,
            seen_mg=round(1000 * sum(region.c_g + region.p_g for region in seen.regions)),
            regions=len(seen.regions),
            proposals=-1 if self._proposer is None else proposed(self._proposer, case.frame, self._basis),
            acquisition=str(seen.quality.acquisition),
            answers=answers,
            spoiled=spoiled,
            caught=caught,
            wall_us=wall // 1000,
            cpu_us=cpu // 1000,
            stages_us=dict(count.timings),
        )

    def _attempted(self, case: Case, seen: Seen, attempt: Attempt) -> Answer:
        if attempt.variant is Variant.WEIGHT:
            return self._by_weight(case, seen, attempt.scales)
        count, _ = attempt.pipeline.judge(seen, case.lines, attempt.scales, "")
        return self._answer(case, count, attempt.scales)

    def _by_weight(self, case: Case, seen: Seen, scales: Scales) -> Answer:
        """The weight names nothing: it believes the list or it does not."""
        p_ppm = declared_by_weight(self._pipeline.signatures, case.lines, weighing(scales, seen))
        matched = p_ppm >= self._content.bound_ppm
        return Answer(
            finding=FindingKind.MATCH if matched else FindingKind.UNCERTAIN, matched=matched,
            weight_ok=self._weight_ok(scales), detected=False, named=False, p_ppm=p_ppm, abstain=Abstain.NONE,
            lines_exact=0, total_exact=False,
        )  # fmt: skip

    def _spoiled(self, case: Case) -> tuple[dict[str, Answer], dict[str, bool]]:
        """Pictures that should never be counted; the list and the weight are the case's own."""
        answers, caught = {}, {}
        scales = scales_of(case, Variant.WHOLE)
        for name, picture in (
            ("two parcels in one picture", two_in_one(case.frame, case.frame)),
            ("half a parcel", half_of(case.frame)),
        ):
            seen = see(picture, self._basis)
            count, _ = self._pipeline.judge(seen, case.lines, scales, "")
            answers[name] = self._answer(case, count, scales)
            caught[name] = seen.quality.abstain is not Abstain.NONE
        return answers, caught

    def _weight_ok(self, scales: Scales) -> bool:
        known = scales.scale_mg >= 0 and scales.gross_mg >= 0
        return known and weight_passes(scales.scale_mg, scales.error_mg, scales.gross_mg, self._content)

    def _answer(self, case: Case, count: ItemCount, scales: Scales) -> Answer:
        if reason := refused(count):
            raise ValueError(f"{case.part} {case.number}: expected a count that the lane takes, was {reason}")
        found = compare(
            _items(case.lines), count, scale_mg=scales.scale_mg, error_mg=scales.error_mg, gross_mg=scales.gross_mg,
            flags=(), content=self._content,
        )  # fmt: skip
        reasons = [line.abstain for line in count.lines if line.abstain is not Abstain.NONE]
        true = counted(case.true)
        detected = bool(count.unexplained) or any(line.finding in _DEVIATIONS for line in found.lines)
        return Answer(
            finding=found.finding,
            matched=found.finding is FindingKind.MATCH and not found.grounds,
            weight_ok=self._weight_ok(scales),
            detected=detected,
            named=detected and _named(case, found, count.unexplained),
            p_ppm=-1 if reasons else min(PPM, count.p_declared_ppm),
            abstain=reasons[0] if reasons else Abstain.NONE,
            lines_exact=sum(
                seen.abstain is Abstain.NONE and seen.count_lo == seen.count_hi == true.get(line.sku, 0)
                for seen, line in zip(count.lines, case.lines, strict=True)
            ),
            total_exact=not reasons and count.total_lo == count.total_hi == case.pieces,
        )


def _items(lines: Sequence[ExpectedLine]) -> list[DeclaredItem]:
    return [
        DeclaredItem(
            line_no=line.line_no, sku=line.sku, name=line.name, hs_code="", qty_e5=100_000 * line.count_lo, unit="",
            count_lo=line.count_lo, count_hi=line.count_hi, rule="", unit_mg=line.unit_mg,
        )
        for line in lines
    ]  # fmt: skip


def _named(case: Case, found: Comparison, unexplained: int) -> bool:
    """Whether the deviations said are those that are: the lines, their direction, and goods of no line."""
    declared, true = counted(case.declared), counted(case.true)
    change = {sku: true.get(sku, 0) - declared.get(sku, 0) for sku in {*declared, *true}}
    aliens = any(change[sku] > 0 for sku in change if sku not in declared)
    if unexplained and _gross(change) and all(line.finding is not FindingKind.MATCH for line in found.lines):
        return True
    right = {
        line.line_no: FindingKind.SHORT if change[line.sku] < 0 else FindingKind.OVER
        for line in case.lines
        if change[line.sku]
    }
    said = {line.line_no: line.finding for line in found.lines if line.finding in _DEVIATIONS}
    return said == right and bool(unexplained) == aliens


def _gross(change: Mapping[str, int]) -> bool:
    return sum(abs(count) for count in change.values()) >= GROSS_DEVIATION
