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
Counts = npt.NDArray[np.int64]

BANDWIDTH = np.array([0.016, 0.006, 0.045, 0.045])
"""Kernel widths: ln C, iron share, ln area, ln major axis; about the scatter of one pose at one height."""
WIDE_SHARE, WIDE_FACTOR = 0.08, 4.0
"""Share and width of the kernels' wide part: poses and disturbances the reference scans have not met."""
BODY_WIDE_SHARE = 0.5
"""The same of a body that was cut off others: its edge is not its own."""
SHARE_SPREAD = 0.006
"""Least spread of a pile's iron share."""
AREA_PLAY = 0.15
"""Edges of a pile's area interval may be off by this (ln)."""
SIDE_BY_SIDE = 1.4
"""Pieces side by side cover this much more than alone: gaps between them are bridged."""
MAJOR_DENSITY = 0.5
PILE_OWN = 0.01
"""Relative error of a pile's C and P that height does not explain."""
UNKNOWN_DENSITY = -(math.log(9.2) + math.log(1.0) + math.log(7.1) + math.log(4.5))
"""Flat over C 2 g..20 kg, any iron share, area 2.5..3,000 cm2, axis 1..90 cm."""
NEVER = -1e9
CONTENT_MIN_G = 1e-3
CONTENT_RATIO_MIN, CONTENT_RATIO_MAX = 0.70, 1.50
"""A region whose content is outside these limits of the pieces' sum is not tried further."""
SHARE_MISS_MAX = 0.25
"""Nor one whose iron share is so far off (a steel flask standing or lying differs by 0.23)."""

GROSS_TRUSTED = 0.85
GROSS_AFTER_PACKING = 0.10
"""Declared gross masses: most follow the declared goods; some are weighed after packing and follow the true ones (they
say nothing of the content); the rest are template values."""
WEIGHT_FLAT = math.log(1 / 30_000.0)
"""Density (per g) of a weight of which nothing is known: flat over 30 kg."""
GROSS_STEP_G = 10.0
GROUND_G_MIN = 10.0
TARE_OWN_G = 4.0
"""Least error of a tare read from a picture."""
UNIT_SPREAD = 0.01
"""What goods weigh against what was declared of them, lots and pieces together."""
LN_TARE_MAX = 10.0
"""No carton weighs more than 20 kg."""


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
    """How well handfuls of pieces explain the regions of one picture; ``bodies``: those that were cut off others."""

    def __init__(
        self, regions: Sequence[Region], references: Sequence[Reference], knowledge: LaneKnowledge,
        bodies: frozenset[int] = frozenset(),
    ) -> None:  # fmt: skip
        self._bodies = bodies
        self._points = [region_point(region) for region in regions]
        self._content = [max(region.c_g + region.p_g, 0.5) for region in regions]
        self._means = np.array([reference.mean for reference in references])
        self._covs = np.array([reference.cov for reference in references])
        self._areas = np.array([reference.area_mean for reference in references])
        self._areas_min = np.array([reference.area_min for reference in references])
        self._scans = np.concatenate([reference.points for reference in references])
        self._scan_counts = np.array([len(reference.points) for reference in references])
        self._first_scans = np.cumsum(self._scan_counts) - self._scan_counts
        self._pile_spread = knowledge.pile_spread_ppm / 1e6
        self._pile_shift = 1 + knowledge.pile_shift_ppm / 1e6

    @property
    def means(self) -> Array:
        """Mean (C g, P g) of one piece of each kind: (kinds, 2)."""
        return self._means

    def near(self, region: int, contents: Array) -> npt.NDArray[np.bool_]:
        """Which contents (..., 2), sums of single ones, are about the region's, in all and in iron share."""
        whole = np.maximum(contents.sum(axis=-1), CONTENT_MIN_G)
        ratio = self._content[region] / whole
        miss = np.abs(contents[..., 1] / whole - self._points[region][1])
        return np.asarray((ratio > CONTENT_RATIO_MIN) & (ratio < CONTENT_RATIO_MAX) & (miss < SHARE_MISS_MAX))

    def content_limits(self, region: int) -> tuple[float, float]:
        """Least and greatest sum of single contents that the region may be."""
        return self._content[region] / CONTENT_RATIO_MAX, self._content[region] / CONTENT_RATIO_MIN

    def judge(self, region: int, handfuls: Counts) -> tuple[Array, Array]:
        """For each row (at least one piece): ln p(region | pieces) over ln p(region | unknown goods), and the misfit.

        Misfit: how many sigma the region lies from what the pieces should look like (nearest scan, or sum of a pile).
        """
        point = self._points[region]
        wide_share = BODY_WIDE_SHARE if region in self._bodies else WIDE_SHARE
        densities, misfits = self._piles(point, handfuls, wide_share)
        alone = np.flatnonzero(handfuls.sum(axis=1) == 1)
        if alone.size:
            kinds = handfuls[alone].argmax(axis=1)
            single, nearest = self._singles(point, wide_share)
            densities[alone], misfits[alone] = single[kinds], nearest[kinds]
        return densities - UNKNOWN_DENSITY, misfits

    def judge_amounts(self, region: int, amounts: Array) -> Array:
        """Log odds as of piles, for amounts (rows, kinds) that need not be whole pieces."""
        return self._piles(self._points[region], amounts, WIDE_SHARE)[0] - UNKNOWN_DENSITY

    def _piles(self, point: Array, amounts: Array | Counts, wide_share: float) -> tuple[Array, Array]:
        """ln p(region | pile) and misfit of each row."""
        square, beyond, norm = self._pile_misses(point, amounts)
        wide = norm - 0.5 * square / WIDE_FACTOR**2 - 2 * math.log(WIDE_FACTOR)
        densities = _mix(norm - 0.5 * square, wide, wide_share) - 0.5 * beyond * beyond + math.log(MAJOR_DENSITY)
        return densities, np.sqrt(square + beyond**2)

    def _singles(self, point: Array, wide_share: float) -> tuple[Array, Array]:
        """Per kind: kernel density over its reference scans, with a wide part, and sigmas to the nearest scan."""
        square = (((self._scans - point) / BANDWIDTH) ** 2).sum(axis=1)
        norm = -float(np.log(BANDWIDTH).sum()) - 2 * math.log(2 * math.pi) - np.log(self._scan_counts)
        core = norm + np.logaddexp.reduceat(-0.5 * square, self._first_scans)
        wide = norm - 4 * math.log(WIDE_FACTOR)
        wide = wide + np.logaddexp.reduceat(-0.5 * square / WIDE_FACTOR**2, self._first_scans)
        return _mix(core, wide, wide_share), np.sqrt(np.minimum.reduceat(square, self._first_scans))

    def _pile_misses(self, point: Array, handfuls: Array | Counts) -> tuple[Array, Array, Array]:
        """Per handful: squared miss of content and share, miss of the area interval (sigmas), and ln of the norm."""
        mean = self._pile_shift * (handfuls @ self._means)
        cov = np.einsum("hk,kij->hij", handfuls.astype(np.float64) ** 2, self._covs)
        cov += self._pile_spread**2 * mean[:, :, None] * mean[:, None, :]
        cov[:, 0, 0] += (PILE_OWN * mean[:, 0]) ** 2
        cov[:, 1, 1] += (PILE_OWN * mean[:, 1]) ** 2
        whole = mean.sum(axis=1)
        # From (C, P) to (ln C, iron share), linearised.
        jacobian = np.zeros((len(mean), 2, 2))
        jacobian[:, 0, 0] = 1 / mean[:, 0]
        jacobian[:, 1, 0], jacobian[:, 1, 1] = -mean[:, 1] / whole**2, mean[:, 0] / whole**2
        spread = jacobian @ cov @ jacobian.transpose(0, 2, 1)
        spread[:, 0, 0] += PILE_OWN**2
        spread[:, 1, 1] += SHARE_SPREAD**2
        miss_c, miss_share = point[0] - np.log(mean[:, 0]), point[1] - mean[:, 1] / whole
        a, b, d = spread[:, 0, 0], spread[:, 0, 1], spread[:, 1, 1]
        det = a * d - b * b
        square = (d * miss_c**2 - 2 * b * miss_c * miss_share + a * miss_share**2) / det
        low = np.log((np.minimum(handfuls, 1) * self._areas_min).max(axis=1))
        high = np.maximum(np.log(SIDE_BY_SIDE * (handfuls @ self._areas)), low + 0.1)
        # Area: flat between the largest piece and all side by side, with Gaussian flanks.
        beyond = np.maximum(np.maximum(low - point[2], point[2] - high), 0.0) / AREA_PLAY
        norm = -0.5 * np.log(det) - math.log(2 * math.pi) - np.log(high - low + AREA_PLAY * math.sqrt(2 * math.pi))
        return square, beyond, norm


def _mix(core: Array, wide: Array, wide_share: float) -> Array:
    return np.asarray(np.logaddexp(core + math.log(1 - wide_share), wide + math.log(wide_share)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """What the scale and the declaration say, in g; ``scale_g`` or ``gross_g`` negative: not known.

    ``ground_g``: integral of the carton's ground in the picture; ``length_mm``, ``width_mm``: the carton's size in it:
    together a witness of tare.
    """

    scale_g: float
    scale_error_g: float
    gross_g: float
    ground_g: float
    length_mm: float
    width_mm: float

    def log_density(
        self, pieces: Sequence[int], declared: Sequence[int], references: Sequence[Reference], knowledge: LaneKnowledge
    ) -> float:
        """ln p(scale weight, declared gross | true pieces), 0 when nothing was weighed."""
        return float(self.log_densities(np.array([pieces]), np.array(declared), references, knowledge)[0])

    def log_densities(
        self, pieces: Counts, declared: Counts, references: Sequence[Reference], knowledge: LaneKnowledge
    ) -> Array:
        """The same for many: ``pieces`` (rows, kinds), ``declared`` (kinds,).

        Three stories of the declared gross: it follows the declared goods; it was weighed after packing, so it follows
        the true ones and says nothing; it is a template value.
        """
        if self.scale_g < 0:
            return np.zeros(len(pieces))
        unit = np.array([reference.unit_g for reference in references])
        lot = unit * np.array([reference.lot for reference in references])
        piece = unit * np.array([reference.piece for reference in references])
        goods, stated = pieces @ unit, float(declared @ unit)
        own_var = self.scale_error_g**2 + np.square(pieces) @ np.square(lot) + pieces @ np.square(piece)
        tare, tare_var = self.tare(knowledge)
        by_picture = _normals(self.scale_g - goods - tare, own_var + tare_var)
        if self.gross_g <= 0:
            return by_picture
        gross_var = self._gross_var(knowledge)
        # Tare by the picture and by the declared gross weight are two measurements of one thing.
        both_var = 1 / (1 / tare_var + 1 / gross_var)
        both = both_var * (tare / tare_var + (self.gross_g - stated) / gross_var)
        agreed = _normal(self.gross_g - stated - tare, gross_var + tare_var)
        by_both = _normals(self.scale_g - goods - both, own_var + both_var)
        same = _normals(self.scale_g - self.gross_g + np.zeros(len(pieces)), own_var + gross_var)
        return np.asarray(np.logaddexp.reduce((
            math.log(GROSS_TRUSTED) + agreed + by_both,
            math.log(GROSS_AFTER_PACKING) + by_picture + same,
            math.log(1 - GROSS_TRUSTED - GROSS_AFTER_PACKING) + by_picture + WEIGHT_FLAT,
        )))  # fmt: skip

    def log_density_of_change(
        self, change_g: float, sigma_g: float, goods_g: float, knowledge: LaneKnowledge
    ) -> float:  # fmt: skip
        """ln p(scale weight | declared gross, goods that weigh ``change_g`` more than declared, give or take a sigma).

        ``goods_g``: about what all goods weigh. Only the difference counts, so no unit mass need be known well.
        """
        miss, spread = self.scale_g - self.gross_g, self.scale_error_g**2 + self._gross_var(knowledge)
        own = spread + sigma_g**2 + (UNIT_SPREAD * goods_g) ** 2
        return float(np.logaddexp.reduce((
            math.log(GROSS_TRUSTED) + _normal(miss - change_g, own),
            math.log(GROSS_AFTER_PACKING) + _normal(miss, spread),
            math.log(1 - GROSS_TRUSTED - GROSS_AFTER_PACKING) + WEIGHT_FLAT,
        )))  # fmt: skip

    def log_density_unknown(self, knowledge: LaneKnowledge) -> float:
        """The same when nothing is known of the contents."""
        if self.scale_g < 0:
            return 0.0
        if self.gross_g <= 0:
            return WEIGHT_FLAT
        same = _normal(self.scale_g - self.gross_g, self.scale_error_g**2 + self._gross_var(knowledge))
        return WEIGHT_FLAT + math.log(0.5) + float(np.logaddexp(same, WEIGHT_FLAT))

    def tare(self, knowledge: LaneKnowledge) -> tuple[float, float]:
        """Tare by the picture, g, and its variance."""
        tare = tare_of_picture(self.ground_g, self.length_mm, self.width_mm, knowledge)
        return tare, (tare * knowledge.tare_spread_ppm / 1e6) ** 2 + TARE_OWN_G**2

    def _gross_var(self, knowledge: LaneKnowledge) -> float:
        fixed, share = knowledge.tare_noise_mg / 1000, knowledge.gross_ppm / 1e6 * self.gross_g
        return fixed * fixed + share * share + GROSS_STEP_G**2 / 12


def tare_of_picture(ground_g: float, length_mm: float, width_mm: float, knowledge: LaneKnowledge) -> float:
    """What carton and filler weigh, g, by their shadow and the carton's size in the picture."""
    logs = (
        knowledge.tare_base_ppm,
        knowledge.tare_ground_ppm * math.log(max(ground_g, GROUND_G_MIN)),
        knowledge.tare_length_ppm * math.log(max(length_mm, 1.0)),
        knowledge.tare_width_ppm * math.log(max(width_mm, 1.0)),
    )
    return math.exp(min(math.fsum(logs) / 1e6, LN_TARE_MAX))


def _normals(miss: Array, variance: Array) -> Array:
    return np.asarray(-0.5 * miss * miss / variance - 0.5 * np.log(2 * math.pi * variance))


def _normal(miss: float, variance: float) -> float:
    return -0.5 * miss * miss / variance - 0.5 * math.log(2 * math.pi * variance)
