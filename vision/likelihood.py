"""How probable a region is, given the pieces said to lie in it; how probable the scale's weight is, given all pieces.

A region is the point (ln C, iron share P/(C+P), ln area, ln major axis). One piece: kernel density over the goods' own
reference scans (poses and heights are in them). Several pieces: contents add up, so mean and covariance of the sum;
area anywhere between the largest piece and all side by side. Unknown goods: flat over everything a parcel can hold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision.measure import Region
from vision.signatures import LaneKnowledge, Signature

Array = npt.NDArray[np.float64]

BANDWIDTH = np.array([0.016, 0.006, 0.045, 0.045])
"""Kernel widths: ln C, iron share, ln area, ln major axis; about the scatter of one pose at one height."""
WIDE_SHARE, WIDE_FACTOR = 0.08, 4.0
"""Share and width of the kernels' wide part: poses and disturbances the reference scans have not met."""
SHARE_SPREAD = 0.006
"""Least spread of a pile's iron share."""
AREA_PLAY = 0.15
"""Edges of a pile's area interval may be off by this (ln)."""
MAJOR_DENSITY = 0.5
UNKNOWN_DENSITY = -(math.log(9.2) + math.log(1.0) + math.log(7.1) + math.log(4.5))
"""Flat over C 2 g..20 kg, any iron share, area 2.5..3,000 cm2, axis 1..90 cm."""
NEVER = -1e9
CONTENT_RATIO_MIN, CONTENT_RATIO_MAX = 0.70, 1.50
"""A region whose content is outside these limits of the pieces' sum is not tried further."""

GROSS_TRUSTED = 0.85
GROSS_AFTER_PACKING = 0.10
"""Declared gross masses: most follow the declared goods; some are weighed after packing and follow the true ones (they
say nothing of the content); the rest are template values."""
WEIGHT_FLAT = math.log(1 / 30_000.0)
"""Density (per g) of a weight of which nothing is known: flat over 30 kg."""
GROSS_STEP_G = 10.0


@dataclass(frozen=True, slots=True)
class Reference:
    """A signature prepared for evaluation. ``points``: (scans, 4); ``mean``, ``cov``: of (C g, P g) of one piece."""

    unit_g: float
    lot: float
    piece: float
    points: Array
    mean: Array
    cov: Array
    area_mean: float
    area_min: float


def prepare(signature: Signature) -> Reference:
    """Arrays of one signature."""
    scans = np.array(signature.scans, dtype=np.float64)
    content = scans[:, :2] / 1000
    area = scans[:, 2] / 100
    points = np.stack(
        [_log(content[:, 0]), content[:, 1] / content.sum(axis=1), np.log(area), np.log(scans[:, 3] / 1000)], axis=1
    )
    return Reference(
        unit_g=signature.unit_mg / 1000,
        lot=signature.lot_ppm / 1e6,
        piece=signature.piece_ppm / 1e6,
        points=points,
        mean=content.mean(axis=0),
        cov=np.cov(content.T),
        area_mean=float(area.mean()),
        area_min=float(area.min()),
    )


def _log(values: Array) -> Array:
    return np.asarray(np.log(np.maximum(values, 0.5)), dtype=np.float64)


def region_point(region: Region) -> Array:
    """The four numbers of a region."""
    content = max(region.c_g, 0.5)
    share = region.p_g / max(content + region.p_g, 0.5)
    return np.array([math.log(content), share, math.log(region.area_cm2), math.log(region.major_mm)])


class RegionLikelihood:
    """Log densities of the regions of one picture, remembered per (region, pieces)."""

    def __init__(self, regions: Sequence[Region], references: Sequence[Reference], knowledge: LaneKnowledge) -> None:
        self._points = [region_point(region) for region in regions]
        self._content = [max(region.c_g + region.p_g, 0.5) for region in regions]
        self._references = references
        self._pile_spread = knowledge.pile_spread_ppm / 1e6
        self._pile_shift = 1 + knowledge.pile_shift_ppm / 1e6
        self._known: dict[tuple[int, tuple[int, ...]], float] = {}

    def log_density(self, region: int, pieces: tuple[int, ...]) -> float:
        """ln p(region | pieces); ``pieces[i]``: how many of reference i lie in it (at least one in all)."""
        key = (region, pieces)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._compute(region, pieces)
        return found

    def _compute(self, region: int, pieces: tuple[int, ...]) -> float:
        total = sum(count * float(self._references[i].mean.sum()) for i, count in enumerate(pieces) if count)
        if not CONTENT_RATIO_MIN < self._content[region] / total < CONTENT_RATIO_MAX:
            return NEVER
        if sum(pieces) == 1:
            return _single(self._points[region], self._references[pieces.index(1)])
        return self._pile(self._points[region], pieces)

    def _pile(self, point: Array, pieces: tuple[int, ...]) -> float:
        held = [(count, self._references[i]) for i, count in enumerate(pieces) if count]
        mean = self._pile_shift * sum((count * reference.mean for count, reference in held), start=np.zeros(2))
        cov = sum((count * count * reference.cov for count, reference in held), start=np.zeros((2, 2)))
        cov = cov + self._pile_spread**2 * np.outer(mean, mean) + np.diag((0.01 * mean) ** 2)
        content = float(mean.sum())
        jacobian = np.array([[1 / mean[0], 0.0], [-mean[1] / content**2, mean[0] / content**2]])
        spread = jacobian @ cov @ jacobian.T + np.diag([1e-4, SHARE_SPREAD**2])
        miss = point[:2] - np.array([math.log(mean[0]), mean[1] / content])
        inverse = np.linalg.inv(spread)
        square = float(miss @ inverse @ miss)
        norm = -0.5 * math.log(float(np.linalg.det(spread))) - math.log(2 * math.pi)
        content_density = _mix(norm - 0.5 * square, norm - 0.5 * square / WIDE_FACTOR**2 - 2 * math.log(WIDE_FACTOR))
        largest = math.log(max(reference.area_min for _, reference in held))
        side_by_side = math.log(sum(count * reference.area_mean for count, reference in held) * 1.1)
        area_density = _between(point[2], largest, max(side_by_side, largest + 0.1))
        return content_density + area_density + math.log(MAJOR_DENSITY)


def _single(point: Array, reference: Reference) -> float:
    """Kernel density over reference scans, with a wide part."""
    square = (((reference.points - point) / BANDWIDTH) ** 2).sum(axis=1)
    norm = -float(np.log(BANDWIDTH).sum()) - 2 * math.log(2 * math.pi) - math.log(len(square))
    core = norm + float(np.logaddexp.reduce(-0.5 * square))
    wide = norm - 4 * math.log(WIDE_FACTOR) + float(np.logaddexp.reduce(-0.5 * square / WIDE_FACTOR**2))
    return _mix(core, wide)


def _mix(core: float, wide: float) -> float:
    return float(np.logaddexp(core + math.log(1 - WIDE_SHARE), wide + math.log(WIDE_SHARE)))


def _between(value: float, low: float, high: float) -> float:
    """ln of a density flat over low..high with Gaussian flanks."""
    beyond = max(low - value, value - high, 0.0) / AREA_PLAY
    return -0.5 * beyond * beyond - math.log(high - low + AREA_PLAY * math.sqrt(2 * math.pi))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """What the scale and the declaration say, in g; ``scale_g`` or ``gross_g`` negative: not known.

    ``ground_g``: integral of the carton's ground in the picture: a rough witness of tare.
    """

    scale_g: float
    scale_error_g: float
    gross_g: float
    ground_g: float

    def log_density(
        self, pieces: Sequence[int], declared: Sequence[int], references: Sequence[Reference], knowledge: LaneKnowledge
    ) -> float:
        """ln p(scale weight, declared gross | true pieces), 0 when nothing was weighed.

        Three stories of the declared gross: it follows the declared goods; it was weighed after packing, so it follows
        the true ones and says nothing; it is a template value.
        """
        if self.scale_g < 0:
            return 0.0
        goods = sum(count * reference.unit_g for count, reference in zip(pieces, references, strict=True))
        stated = sum(count * reference.unit_g for count, reference in zip(declared, references, strict=True))
        own_var = self.scale_error_g**2 + sum(
            (count * reference.unit_g * reference.lot) ** 2 + count * (reference.unit_g * reference.piece) ** 2
            for count, reference in zip(pieces, references, strict=True)
        )
        tare = self.ground_g * knowledge.ground_ppm / 1e6
        tare_var = (tare * knowledge.ground_spread_ppm / 1e6) ** 2
        by_ground = _normal(self.scale_g - goods - tare, own_var + tare_var)
        if self.gross_g <= 0:
            return by_ground
        gross_var = own_var + self._gross_var(knowledge)
        by_gross = _normal(self.scale_g - self.gross_g - (goods - stated), gross_var)
        return float(np.logaddexp.reduce((
            math.log(GROSS_TRUSTED) + _normal(self.gross_g - stated - tare, own_var + tare_var) + by_gross,
            math.log(GROSS_AFTER_PACKING) + by_ground + _normal(self.scale_g - self.gross_g, gross_var),
            math.log(1 - GROSS_TRUSTED - GROSS_AFTER_PACKING) + by_ground + WEIGHT_FLAT,
        )))  # fmt: skip

    def log_density_unknown(self, knowledge: LaneKnowledge) -> float:
        """The same when nothing is known of the contents."""
        if self.scale_g < 0:
            return 0.0
        if self.gross_g <= 0:
            return WEIGHT_FLAT
        same = _normal(self.scale_g - self.gross_g, self.scale_error_g**2 + self._gross_var(knowledge))
        return WEIGHT_FLAT + math.log(0.5) + float(np.logaddexp(same, WEIGHT_FLAT))

    def _gross_var(self, knowledge: LaneKnowledge) -> float:
        fixed, share = knowledge.tare_noise_mg / 1000, knowledge.gross_ppm / 1e6 * self.gross_g
        return fixed * fixed + share * share + GROSS_STEP_G**2 / 12


def _normal(miss: float, variance: float) -> float:
    return -0.5 * miss * miss / variance - 0.5 * math.log(2 * math.pi * variance)
