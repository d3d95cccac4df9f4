"""One picture from counts to verdict. The same frame, lines and weights give the same ``ItemCount``, times apart."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vision.basis import Basis, load_basis
from vision.calibrate import CalibrationError, attenuate
from vision.cuts import with_cuts
from vision.frame import ScanFrame
from vision.ground import Carton, find_carton, remove_ground
from vision.item_count import Abstain, Acquisition, ExpectedLine, ItemCount
from vision.likelihood import Weighing
from vision.measure import Region, measure
from vision.quality import Quality, judge_frame, too_thick, unfit
from vision.segment import segment
from vision.signatures import BASIS_FILE, Signatures, load_signatures, model_sha256
from vision.verify import Verdict, Verifier, abstained


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the picture alone shows.

    ``ground_g``: the carton's ground (0: no carton); ``length_mm``, ``width_mm``: the carton along and across the belt,
    the width as it appears in the reference plane.
    """

    regions: list[Region]
    carton: Carton | None
    ground_g: float
    length_mm: float
    width_mm: float
    quality: Quality
    timings: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """Weights in mg; negative: not known. ``error_mg``: one sigma of the scale."""

    scale_mg: int
    error_mg: int
    gross_mg: int


class Pipeline:
    """Tables and signatures of a lane, ready to judge pictures."""

    def __init__(self, basis: Basis, signatures: Signatures, model: str) -> None:
        self._basis = basis
        self._verifier = Verifier(signatures)
        self.signatures = signatures
        self.model_sha256 = model

    @classmethod
    def load(cls, signatures: Path) -> "Pipeline":
        """Read a signature file and the basis table beside it."""
        return cls(load_basis(signatures.parent / BASIS_FILE), load_signatures(signatures), model_sha256(signatures))

    def count(
        self, frame: ScanFrame, lines: Sequence[ExpectedLine], scales: Scales, image_sha256: str
    ) -> tuple[ItemCount, Seen, Verdict]:
        """Judge one picture; ``ItemCount`` is the answer, the others are what the overlay draws."""
        seen = see(frame, self._basis)
        count, verdict = self.judge(seen, lines, scales, image_sha256)
        return count, seen, verdict

    def judge(
        self, seen: Seen, lines: Sequence[ExpectedLine], scales: Scales, image_sha256: str
    ) -> tuple[ItemCount, Verdict]:
        """Judge what a picture showed: one picture can be held against several lists or weights."""
        start = time.perf_counter_ns()
        if seen.quality.abstain is not Abstain.NONE:
            reasons: dict[int, Abstain] = {line.line_no: seen.quality.abstain for line in lines}
            verdict = abstained(lines, reasons, len(seen.regions))
        else:
            verdict = self._verifier.verify(seen.regions, lines, weighing(scales, seen))
        spent = (time.perf_counter_ns() - start) // 1000
        count = ItemCount(
            image_sha256=image_sha256,
            lines=verdict.lines,
            p_declared_ppm=verdict.p_declared_ppm,
            unexplained=verdict.unexplained,
            total_lo=verdict.total_lo,
            total_hi=verdict.total_hi,
            acquisition=seen.quality.acquisition,
            model_sha256=self.model_sha256,
            signatures=self.signatures.version,
            timings=(*seen.timings, ("verify", spent)),
        )
        return count, verdict


def weighing(scales: Scales, seen: Seen) -> Weighing:
    """The weights in grams, with the picture's own cue of tare."""
    return Weighing(
        scale_g=scales.scale_mg / 1000 if scales.scale_mg > 0 else -1.0,
        scale_error_g=max(1.0, scales.error_mg / 1000),
        gross_g=scales.gross_mg / 1000 if scales.gross_mg > 0 else -1.0,
        ground_g=seen.ground_g,
        length_mm=seen.length_mm,
        width_mm=seen.width_mm,
    )


def see(frame: ScanFrame, basis: Basis) -> Seen:
    """All stages before the verification. What can't be a picture of a parcel has a quality that says so."""
    watch = _Watch()
    quality = unfit(frame)
    if quality is not None:
        return _unseen(None, quality, watch)
    try:
        attenuation = attenuate(frame)
    except CalibrationError:
        return _unseen(None, Quality(acquisition=Acquisition.INCOMPLETE, abstain=Abstain.LOW_QUALITY), watch)
    carton = find_carton(attenuation.high)
    watch.lap("calibrate")
    quality = judge_frame(frame, attenuation, carton)
    if carton is None or quality.acquisition in (Acquisition.INCOMPLETE, Acquisition.CUT):
        return _unseen(carton, quality, watch)
    pitch, column = 2 * frame.pitch_mm, 2 * frame.column_mm
    c_plane, p_plane = basis.densities(attenuation.low, attenuation.high)
    watch.lap("basis")
    c_goods, p_goods, ground_g = remove_ground(c_plane, p_plane, carton, pitch, column)
    watch.lap("ground")
    segmentation = segment(c_goods, p_goods, pitch, column)
    watch.lap("segment")
    regions = measure(segmentation, c_goods, p_goods, pitch, column)
    watch.lap("measure")
    regions = with_cuts(regions, segmentation, c_goods, p_goods, pitch, column)
    if quality.abstain is Abstain.NONE and too_thick(attenuation, segmentation):
        quality = Quality(acquisition=quality.acquisition, abstain=Abstain.TOO_THICK)
    watch.lap("cuts")
    return Seen(
        regions=regions, carton=carton, ground_g=ground_g, length_mm=(carton.bottom - carton.top) * pitch,
        width_mm=(carton.right - carton.left) * column, quality=quality, timings=watch.laps(),
    )  # fmt: skip


def _unseen(carton: Carton | None, quality: Quality, watch: "_Watch") -> Seen:
    return Seen(
        regions=[], carton=carton, ground_g=0.0, length_mm=0.0, width_mm=0.0, quality=quality, timings=watch.laps()
    )


class _Watch:
    """Laps in microseconds."""

    def __init__(self) -> None:
        self._last = time.perf_counter_ns()
        self._laps: list[tuple[str, int]] = []

    def lap(self, name: str) -> None:
        now = time.perf_counter_ns()
        self._laps.append((name, (now - self._last) // 1000))
        self._last = now

    def laps(self) -> tuple[tuple[str, int], ...]:
        return tuple(self._laps)
