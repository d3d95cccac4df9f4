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
from vision.segment import IRON_WEIGHT, Labels, Segmentation

EDGE_SHARE = 0.5
DENSITY_SHARE = 4.0
"""Weights of both terms: quarter-resolution pixels from the edge, and logarithm of g/cm2."""
DENSITY_MIN = 0.1
SMOOTH_PIXELS = 1.0
DENSITY_LEAST = 1e-3
TOP_MIN = 0.3
"""A top must rise this much over its saddle to be one."""
BODIES_MAX = 24
"""Most bodies a region is cut into; beyond, the flattest saddles stay closed."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Body:
    """A body while the tree grows. ``sums``: pixels, line, column, their squares and product, C and P (g/cm2).
    ``bridge``: density along the border of its halves over the mean of the thinner one."""

    sums: Array
    box: tuple[int, int, int, int]
    top: float
    halves: tuple["_Body", ...] = ()
    bridge: float = 0.0


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
    height = _height(labels, weight)
    tops, count = ndimage.label((h_maxima(height, TOP_MIN) > 0) & (labels > 0), np.ones((3, 3), dtype=int))  # type: ignore[no-untyped-call]
    basins = watershed(-height, tops, mask=labels > 0).astype(np.int32)  # type: ignore[no-untyped-call]
    if count <= len(regions):
        return regions
    pixels = (2 * pitch_mm, 2 * column_mm)
    bodies = _basins(basins, count, labels, height, c_quarter, p_quarter)
    owners = np.zeros(count + 1, dtype=np.int64)
    owners[basins[labels > 0]] = labels[labels > 0]
    borders = _borders(basins, height, weight)
    found = []
    for region in regions:
        own = {basin: bodies[basin] for basin in np.flatnonzero(owners == region.number).tolist()}
        tree = _tree(own, {pair: border for pair, border in borders.items() if pair[0] in own and pair[1] in own})
        whole = _region(tree, region.number, pixels) if tree is not None else region
        found.append(replace(region, halves=whole.halves, bridge=whole.bridge))
    return found


def _height(labels: Labels, weight: Plane) -> Plane:
    """The map whose tops are bodies, lowest outside all regions."""
    edge = ndimage.distance_transform_edt(labels > 0)
    density = ndimage.gaussian_filter(np.log(np.maximum(weight, np.float32(DENSITY_MIN))), SMOOTH_PIXELS)
    height = (EDGE_SHARE * edge + DENSITY_SHARE * density).astype(np.float32)
    bounded: Plane = np.where(labels > 0, height, height.min() - np.float32(1)).astype(np.float32)
    return bounded


def _basins(
    basins: Labels, count: int, labels: Labels, height: Plane, c_quarter: Plane, p_quarter: Plane
) -> dict[int, _Body]:  # fmt: skip
    """Sums and boxes of all basins; the blurred edge outside a region belongs to the basin it touches."""
    grown = np.where(
        labels > 0, basins, ndimage.grey_dilation(basins, footprint=ndimage.generate_binary_structure(2, 1))
    )
    line, column = np.nonzero(basins)
    own = basins[line, column]
    parts = [
        np.bincount(own, weights, minlength=count + 1)
        for weights in (None, line, column, line * line, column * column, line * column)
    ]
    parts += [np.bincount(grown.ravel(), plane.ravel(), minlength=count + 1) for plane in (c_quarter, p_quarter)]
    sums = np.stack([np.asarray(part, dtype=np.float64) for part in parts], axis=1)
    tops = ndimage.maximum(height, basins, np.arange(1, count + 1))
    boxes = ndimage.find_objects(basins, max_label=count)
    return {
        place: _Body(
            sums=sums[place],
            box=(box[0].start, box[1].start, box[0].stop, box[1].stop),
            top=float(tops[place - 1]),
        )
        for place, box in enumerate(boxes, start=1)
        if box is not None
    }


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
    thinner = min(_density(one), _density(other))
    bridge = max(0.0, border.weight / border.pixels) / thinner
    return _Body(one.sums + other.sums, box, max(one.top, other.top), halves, bridge)


def _density(body: _Body) -> float:
    """Mean content per pixel, in the scale of the map that is cut."""
    return max(float(body.sums[6] + IRON_WEIGHT * body.sums[7]) / float(body.sums[0]), DENSITY_LEAST)


def _region(body: _Body, number: int, pixels: tuple[float, float]) -> Region:
    """A body of the tree as a region without an outline."""
    count, line, column, line2, column2, product, c_g, p_g = body.sums.tolist()
    lines, columns = line2 / count - (line / count) ** 2, column2 / count - (column / count) ** 2
    both = product / count - line * column / count**2
    middle, spread = (lines + columns) / 2, math.hypot((lines - columns) / 2, both)
    scale = (pixels[0] + pixels[1]) / 2
    cm2 = pixels[0] * pixels[1] / 100
    top, left, bottom, right = (edge * SCALE for edge in body.box)
    return Region(
        number=number,
        c_g=c_g * cm2,
        p_g=p_g * cm2,
        area_cm2=count * cm2,
        major_mm=max(SIZE_MM_MIN, 4 * math.sqrt(max(middle + spread, 0.0)) * scale),
        minor_mm=max(SIZE_MM_MIN, 4 * math.sqrt(max(middle - spread, 0.0)) * scale),
        box=(top, left, bottom, right),
        outline=(),
        halves=tuple(_region(half, number, pixels) for half in body.halves),
        bridge=body.bridge,
    )
