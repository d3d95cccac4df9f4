"""Where a region may be cut: touching pieces show necks and valleys, and every region is a tree of possible bodies.

Basins grow from the tops of a map that is high in the middle of bodies (distance to the edge) and where much is in the
beam (logarithm of the areal density); the flattest saddles are closed first. Each closing is one place where the
region can be taken as two bodies or as one. Nothing is decided here: what a cut is worth, the explanation weighs.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from vision.frame import Plane, halved
from vision.measure import SCALE, SIZE_MM_MIN, Region
from vision.segment import IRON_WEIGHT, Labels, Segmentation, close, goods_mask

EDGE_SHARE = 0.5
DENSITY_SHARE = 4.0
"""Weights of both terms: quarter-resolution pixels from the edge, and logarithm of g/cm2."""
DENSITY_MIN = 0.1
SMOOTH_PIXELS = 1.0
TOP_MIN = 0.3
"""A top must rise this much over its saddle to be one."""
DENSITY_LEAST = 1e-3
BODIES_MAX = 40
"""Most bodies a region is cut into; beyond, the flattest saddles stay closed."""

ROOM = 4
"""Quarter-resolution pixels around a body that its closing and its blurred edge may reach."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Body:
    """A body while the tree grows.

    ``basins``: those it is made of; ``box``: (line, column, line, column); ``weight``, ``pixels``: sum of the densities
    of its goods, and over how many pixels; ``top``: highest point. ``bridge``: density along the border of its halves
    over the mean of the thinner one.
    """

    basins: tuple[int, ...]
    box: tuple[int, int, int, int]
    weight: float
    pixels: int
    top: float
    halves: tuple["_Body", ...] = ()
    bridge: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """Maps at quarter resolution: ``basins`` (0 outside), ``mask`` of goods, C and P; pixel sizes in mm."""

    basins: Labels
    mask: npt.NDArray[np.bool_]
    c: Plane
    p: Plane
    pixels_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Border:
    """Where two bodies meet: the highest pass, and sum and number of the densities along it."""

    highest: float
    weight: float
    pixels: int

    def __add__(self, other: "_Border") -> "_Border":
        return _Border(max(self.highest, other.highest), self.weight + other.weight, self.pixels + other.pixels)


def with_cuts(
    regions: list[Region], segmentation: Segmentation, c_plane: Plane, p_plane: Plane, pitch_mm: float, column_mm: float
) -> list[Region]:
    """The same regions, each with the tree of bodies it may be cut into.

    Planes at half resolution, ground-free; ``pitch_mm``, ``column_mm``: their pixel size.
    """
    if not regions:
        return []
    c_quarter, p_quarter = halved(c_plane), halved(p_plane)
    labels = segmentation.labels
    weight = c_quarter + np.float32(IRON_WEIGHT) * p_quarter
    mask = goods_mask(weight) & (labels > 0)
    height = _height(labels, mask, weight)
    tops, count = ndimage.label((h_maxima(height, TOP_MIN) > 0) & mask, np.ones((3, 3), dtype=int))  # type: ignore[no-untyped-call]
    if count <= len(regions):
        return regions
    basins = watershed(-height, tops, mask=labels > 0).astype(np.int32)  # type: ignore[no-untyped-call]
    picture = _Picture(
        basins=basins, mask=mask, c=c_quarter, p=p_quarter, pixels_mm=(2 * pitch_mm, 2 * column_mm)
    )  # fmt: skip
    bodies = _bodies(picture, count, height, weight)
    owners = np.zeros(count + 1, dtype=np.int64)
    owners[basins[labels > 0]] = labels[labels > 0]
    borders = _borders(basins, height, weight)
    found = []
    for region in regions:
        own = {place: body for place, body in bodies.items() if owners[place] == region.number}
        tree = _tree(own, {pair: border for pair, border in borders.items() if pair[0] in own and pair[1] in own})
        halves = tuple(_region(half, region.number, picture) for half in tree.halves) if tree is not None else ()
        found.append(replace(region, halves=halves, bridge=tree.bridge if tree is not None else 0.0))
    return found


def _height(labels: Labels, mask: npt.NDArray[np.bool_], weight: Plane) -> Plane:
    """The map whose tops are bodies, lowest outside all regions."""
    edge = ndimage.distance_transform_edt(mask)
    density = ndimage.gaussian_filter(np.log(np.maximum(weight, np.float32(DENSITY_MIN))), SMOOTH_PIXELS)
    height = (EDGE_SHARE * edge + DENSITY_SHARE * density).astype(np.float32)
    bounded: Plane = np.where(labels > 0, height, height.min() - np.float32(1)).astype(np.float32)
    return bounded


def _bodies(picture: _Picture, count: int, height: Plane, weight: Plane) -> dict[int, _Body]:
    """The smallest bodies: one for each basin with goods in it."""
    own = picture.basins[picture.mask]
    pixels = np.bincount(own, minlength=count + 1)
    sums = np.bincount(own, weight[picture.mask], minlength=count + 1)
    tops = ndimage.maximum(height, picture.basins, np.arange(1, count + 1))
    boxes = ndimage.find_objects(picture.basins, max_label=count)
    return {
        place: _Body(
            (place,), (box[0].start, box[1].start, box[0].stop, box[1].stop), float(sums[place]), int(pixels[place]),
            float(tops[place - 1]),
        )
        for place, box in enumerate(boxes, start=1)
        if box is not None and pixels[place]
    }  # fmt: skip


def _borders(basins: Labels, height: Plane, weight: Plane) -> dict[tuple[int, int], _Border]:
    """Where each two neighbouring basins meet."""
    found: dict[tuple[int, int], _Border] = {}
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        first, second = basins[here], basins[there]
        across = (first != second) & (first > 0) & (second > 0)
        low = np.minimum(first[across], second[across]).tolist()
        high = np.maximum(first[across], second[across]).tolist()
        passes = np.minimum(height[here][across], height[there][across]).tolist()
        weights = np.minimum(weight[here][across], weight[there][across]).tolist()
        for pair, highest, density in zip(zip(low, high, strict=True), passes, weights, strict=True):
            border = _Border(highest, density, 1)
            found[pair] = found[pair] + border if pair in found else border
    return found


def _tree(bodies: dict[int, _Body], borders: dict[tuple[int, int], _Border]) -> _Body | None:
    """Close borders, flattest saddle first, until one body is left; bodies that meet nowhere are joined last."""
    bodies, borders = dict(bodies), dict(borders)

    def rise(pair: tuple[int, int]) -> tuple[float, tuple[int, int]]:
        return min(bodies[pair[0]].top, bodies[pair[1]].top) - borders[pair].highest, pair

    while len(bodies) > 1:
        if borders:
            pair = min(borders, key=rise)
        else:
            first, second, *_ = sorted(bodies)
            pair = (first, second)
        keep, gone = pair
        border = borders.pop(pair, _Border(0.0, 0.0, 1))
        # What is closed while there are more bodies than can be weighed stays closed.
        halves = (bodies[keep], bodies[gone]) if len(bodies) <= BODIES_MAX else ()
        bodies[keep] = _joined(bodies[keep], bodies.pop(gone), halves, border)
        for other in [other for other in borders if gone in other]:
            moved = borders.pop(other)
            neighbour = other[0] if other[1] == gone else other[1]
            fresh = (min(keep, neighbour), max(keep, neighbour))
            borders[fresh] = borders[fresh] + moved if fresh in borders else moved
    return next(iter(bodies.values()), None)


def _joined(one: _Body, other: _Body, halves: tuple[_Body, ...], border: _Border) -> _Body:
    box = (
        min(one.box[0], other.box[0]), min(one.box[1], other.box[1]),
        max(one.box[2], other.box[2]), max(one.box[3], other.box[3]),
    )  # fmt: skip
    thinner = min(max(body.weight / body.pixels, DENSITY_LEAST) for body in (one, other))
    bridge = max(0.0, border.weight / border.pixels) / thinner
    return _Body(
        (*one.basins, *other.basins), box, one.weight + other.weight, one.pixels + other.pixels,
        max(one.top, other.top), halves, bridge,
    )  # fmt: skip


def _region(body: _Body, number: int, picture: _Picture) -> Region:
    """A body as a region without an outline, measured as a region of its own would be."""
    lines, columns = picture.basins.shape
    # Room for the closing and for the blurred edge.
    top, left = max(0, body.box[0] - ROOM), max(0, body.box[1] - ROOM)
    window = (slice(top, min(lines, body.box[2] + ROOM)), slice(left, min(columns, body.box[3] + ROOM)))
    basins, mask = picture.basins[window], picture.mask[window]
    member = np.zeros(int(picture.basins.max()) + 1, dtype=bool)
    member[list(body.basins)] = True
    others = mask & ~member[basins]
    own = close(mask & member[basins]) & ~others
    edge = ndimage.binary_dilation(own) & ~others
    line, column = np.nonzero(own)
    middle, spread = _axes(line.astype(np.float64), column.astype(np.float64))
    scale = sum(picture.pixels_mm) / 2
    cm2 = picture.pixels_mm[0] * picture.pixels_mm[1] / 100
    box = (top + int(line.min()), left + int(column.min()), top + int(line.max()) + 1, left + int(column.max()) + 1)
    return Region(
        number=number,
        c_g=float(picture.c[window][edge].sum()) * cm2,
        p_g=float(picture.p[window][edge].sum()) * cm2,
        area_cm2=len(line) * cm2,
        major_mm=max(SIZE_MM_MIN, 4 * math.sqrt(max(middle + spread, 0.0)) * scale),
        minor_mm=max(SIZE_MM_MIN, 4 * math.sqrt(max(middle - spread, 0.0)) * scale),
        box=(box[0] * SCALE, box[1] * SCALE, box[2] * SCALE, box[3] * SCALE),
        outline=(),
        halves=tuple(_region(half, number, picture) for half in body.halves),
        bridge=body.bridge,
    )


def _axes(line: Array, column: Array) -> tuple[float, float]:
    """Mean of both variances along the main axes, and half their difference (pixels squared)."""
    lines, columns = float(line.var()), float(column.var())
    both = float((line * column).mean() - line.mean() * column.mean())
    return (lines + columns) / 2, math.hypot((lines - columns) / 2, both)
