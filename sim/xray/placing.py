"""Places goods in a carton so that a wanted share of their shadow is seen through two or more pieces.

Pieces are dropped one after the other, broad ones first, each at the one of many random places that brings the running
share nearest to the wanted one and leaves it inside the carton. Shadows are drawn on a coarse grid of the picture plane
(magnified, with the side that a tall piece shows off the belt's middle); the exact share is measured on the rendered
pieces by ``scenes``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from sim.goods import Goods, Shape
from sim.xray.packing import CLEARANCE_MM, WALL_MM, Matrix, PlacedPiece, extents, pose
from sim.xray.rays import REFERENCE_MM, SOURCE_MM
from sim.xray.realism import Realism

SHADOW_CELL_MM = 5.0
HEIGHT_CELL_MM = 6.0
FIELD_MM = 440.0
"""Half width of the picture plane that shadows are drawn on."""
PLACES = 160
PLACES_APART = 600
"""Random places tried per piece; more where shadows must stay apart."""
DENSE_SHARE = 0.25
"""Share of the floor from which pieces that must lie apart are packed from one corner outward."""
POSES = 4
"""Poses tried per piece before the carton counts as too small; the last lies straight."""
TIE = 0.01
"""Places whose share is equal to within this are as good as each other."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Pieces in the order of the goods given, and the share of their shadow that several cast, as the grid has it."""

    pieces: tuple[PlacedPiece, ...]
    share: float


def place(
    goods: Sequence[Goods], factors: Sequence[float], stacks: Sequence[Sequence[int]],
    carton_mm: tuple[int, int, int], side_mm: float, wanted: float, random: np.random.Generator, realism: Realism,
) -> Placed | None:  # fmt: skip
    """Place all goods, or None when one finds no room.

    ``factors``: true mass over nominal, per goods. ``stacks``: indices of the goods that lie exactly on one another,
    lowest first; each goods is in one stack. ``carton_mm``: (length along the belt, width, height). ``side_mm``: the
    carton's middle across the belt. ``wanted``: share of the shadow cast by several pieces, 0 for none at all.
    """
    floor = sum(max(_footprint(goods[i]) for i in stack) for stack in stacks) / (carton_mm[0] * carton_mm[1])
    ground = _Ground(carton_mm, side_mm, dense=floor > DENSE_SHARE)
    found: dict[int, PlacedPiece] = {}
    order = sorted(stacks, key=lambda stack: (-max(_footprint(goods[i]) for i in stack), random.random()))
    for stack in order:
        bodies = [goods[i] for i in stack]
        for attempt in range(POSES):
            turn = pose(random, realism, plain=attempt == POSES - 1 or len(stack) > 1)
            spot = ground.find(bodies, turn, wanted, random)
            if spot is not None:
                break
        else:
            return None
        x, y, base = spot
        for i in stack:
            height = extents(goods[i].size_mm, turn)[2]
            ground.mark(goods[i], turn, x, y, base)
            found[i] = PlacedPiece(
                goods=goods[i], centre_mm=(x, y, base + height / 2), turn=turn, mass_factor=factors[i]
            )
            base += height
    return Placed(pieces=tuple(found[i] for i in range(len(goods))), share=ground.share)


def _footprint(goods: Goods) -> float:
    return goods.size_mm[0] * goods.size_mm[1]


def _magnification(z_mm: Array) -> Array:
    return (SOURCE_MM - REFERENCE_MM) / (SOURCE_MM - z_mm)


class _Ground:
    """Height map of a carton's inside and the shadows cast so far."""

    def __init__(self, carton_mm: tuple[int, int, int], side_mm: float, *, dense: bool) -> None:
        self._dense = dense
        self._room = (carton_mm[1] - 2 * WALL_MM - CLEARANCE_MM, carton_mm[0] - 2 * WALL_MM - CLEARANCE_MM)
        self._top = carton_mm[2] - WALL_MM
        self._side = side_mm
        cells = [math.ceil(side / HEIGHT_CELL_MM) for side in self._room]
        self._heights = np.full((cells[0], cells[1]), WALL_MM)
        rows = math.ceil(self._room[1] / SHADOW_CELL_MM)
        self._shadows = np.zeros((round(2 * FIELD_MM / SHADOW_CELL_MM), rows), dtype=np.int16)

    @property
    def share(self) -> float:
        """Share of the shadow that two or more pieces cast."""
        seen = int((self._shadows > 0).sum())
        return int((self._shadows > 1).sum()) / seen if seen else 0.0

    def find(
        self, bodies: Sequence[Goods], turn: Matrix, wanted: float, random: np.random.Generator
    ) -> tuple[float, float, float] | None:
        """Best place (x, y, base) of a stack in one pose, mm over the floor's centre; None when it fits nowhere."""
        sizes = [extents(body.size_mm, turn) for body in bodies]
        width, depth = max(size[0] for size in sizes), max(size[1] for size in sizes)
        height = sum(size[2] for size in sizes)
        free = (self._room[0] - width, self._room[1] - depth)
        if min(free) < 0 or height > self._top - WALL_MM:
            return None
        at = random.random((PLACES_APART if wanted == 0 else PLACES, 2)) - 0.5
        x, y = at[:, 0] * free[0], at[:, 1] * free[1]
        base = self._bases(x, y, width, depth)
        fits = base + height <= self._top
        if not fits.any():
            return None
        alone, doubled = self._shadow_cells(x, y, base, (width, depth, height), wanted == 0)
        if wanted == 0:
            good = np.flatnonzero(fits & (doubled == 0))
            if not good.size:
                return None
            return self._spot(x, y, base, int(good[np.argmin(self._crowding(x[good], y[good])) if self._dense else 0]))
        fill = max(_fill(body, turn, size) for body, size in zip(bodies, sizes, strict=True))
        own = (len(bodies) - 1) / len(bodies)
        before = (int((self._shadows > 1).sum()), int((self._shadows > 0).sum()))
        share = (before[0] + fill * (doubled + own * alone)) / np.maximum(1.0, before[1] + fill * alone)
        miss = np.abs(share - wanted) + TIE * random.random(len(x)) + np.where(fits, 0.0, 10.0)
        return self._spot(x, y, base, int(np.argmin(miss)))

    def mark(self, body: Goods, turn: Matrix, x: float, y: float, base: float) -> None:
        """Let a body lie at its place and cast its shadow."""
        width, depth, height = extents(body.size_mm, turn)
        cells = tuple(
            slice(max(0, int((at - size / 2 + room / 2) / HEIGHT_CELL_MM)),
                  math.ceil((at + size / 2 + room / 2) / HEIGHT_CELL_MM))
            for at, size, room in ((x, width, self._room[0]), (y, depth, self._room[1]))
        )  # fmt: skip
        self._heights[cells] = base + height
        edges = [
            (x + self._side + side * width / 2) * _magnification(np.array(base + level * height))
            for side in (-1, 1) for level in (0, 1)
        ]  # fmt: skip
        wide, deep = self._shadows.shape
        first, last = (round(float(edge + FIELD_MM) / SHADOW_CELL_MM) for edge in (min(edges), max(edges)))
        columns = (np.arange(max(0, first), min(wide, last + 1)) + 0.5) * SHADOW_CELL_MM - FIELD_MM
        rows = (np.arange(deep) + 0.5) * SHADOW_CELL_MM - self._room[1] / 2
        near = (np.abs(rows - y) <= depth / 2).nonzero()[0]
        shadow = np.zeros((columns.size, near.size), dtype=bool)
        for level in (0.0, 0.5, 1.0):
            across = columns / _magnification(np.array(base + level * height)) - self._side - x
            shadow |= _inside(body, turn, across[:, None], (rows[near] - y)[None, :])
        if near.size:
            self._shadows[max(0, first) : max(0, first) + columns.size, near[0] : near[-1] + 1] += shadow

    def _bases(self, x: Array, y: Array, width: float, depth: float) -> Array:
        """Greatest height under a footprint at each place."""
        size = (math.ceil(width / HEIGHT_CELL_MM) + 1, math.ceil(depth / HEIGHT_CELL_MM) + 1)
        highest = ndimage.maximum_filter(self._heights, size=size, mode="nearest")
        at = [
            np.clip(((place + room / 2) / HEIGHT_CELL_MM).astype(np.int64), 0, count - 1)
            for place, room, count in zip((x, y), self._room, highest.shape, strict=True)
        ]
        return np.asarray(highest[at[0], at[1]], dtype=np.float64)

    def _shadow_cells(
        self, x: Array, y: Array, base: Array, size: tuple[float, float, float], apart: bool
    ) -> tuple[Array, Array]:
        """Per place: cells of the box's shadow that lie in nobody's so far, and those in exactly one piece's.

        ``apart``: the box is taken a cell larger and all shadows count as one piece's.
        """
        margin = SHADOW_CELL_MM if apart else 0.0
        low, high = _magnification(base), _magnification(base + size[2])
        left, right = x + self._side - size[0] / 2, x + self._side + size[0] / 2
        edges = (
            np.minimum(left * low, left * high) - margin + FIELD_MM,
            np.maximum(right * low, right * high) + margin + FIELD_MM,
            y - size[1] / 2 - margin + self._room[1] / 2,
            y + size[1] / 2 + margin + self._room[1] / 2,
        )
        limits = (self._shadows.shape[0], self._shadows.shape[0], self._shadows.shape[1], self._shadows.shape[1])
        first, last, top, bottom = (
            np.clip(np.rint(edge / SHADOW_CELL_MM).astype(np.int64), 0, limit)
            for edge, limit in zip(edges, limits, strict=True)
        )
        found = []
        for cells in (self._shadows == 0, self._shadows > 0 if apart else self._shadows == 1):
            whole = np.zeros((cells.shape[0] + 1, cells.shape[1] + 1), dtype=np.int32)
            np.cumsum(np.cumsum(cells, axis=0, dtype=np.int32), axis=1, out=whole[1:, 1:])
            found.append(whole[last, bottom] - whole[first, bottom] - whole[last, top] + whole[first, top])
        return found[0], found[1]

    def _crowding(self, x: Array, y: Array) -> Array:
        """Where the floor is scarce, places are taken from one corner outward: scattered pieces would use it up."""
        return np.asarray((x + self._room[0] / 2) / self._room[0] + 3.0 * (y + self._room[1] / 2) / self._room[1])

    @staticmethod
    def _spot(x: Array, y: Array, base: Array, chosen: int) -> tuple[float, float, float]:
        return float(x[chosen]), float(y[chosen]), float(base[chosen])


def _outline(body: Goods) -> Shape:
    """Shape of the outermost solid."""
    first = body.solids[0]
    return first.shape if first.size_mm == body.size_mm else Shape.BOX


def _fill(body: Goods, turn: Matrix, size: tuple[float, float, float]) -> float:
    """Share of its bounding rectangle that a resting body covers, seen from above."""
    upright = abs(float(turn[2, 2])) > 0.5
    width = body.size_mm[0] if upright else body.size_mm[2]
    round_share = math.pi / 4 if _outline(body) is Shape.ELLIPSOID or (upright and _is_tin(body)) else 1.0
    return width * body.size_mm[1] * round_share / (size[0] * size[1])


def _is_tin(body: Goods) -> bool:
    return _outline(body) is Shape.CYLINDER


def _inside(body: Goods, turn: Matrix, across: Array, along: Array) -> npt.NDArray[np.bool_]:
    """Which points of the body's middle plane lie in it; offsets in mm from its centre."""
    local = [(turn[i, 0] * across + turn[i, 1] * along) / (body.size_mm[i] / 2) for i in range(3)]
    match _outline(body):
        case Shape.BOX:
            inside = (np.abs(local[0]) <= 1) & (np.abs(local[1]) <= 1) & (np.abs(local[2]) <= 1)
        case Shape.CYLINDER:
            inside = (local[0] ** 2 + local[1] ** 2 <= 1) & (np.abs(local[2]) <= 1)
        case Shape.ELLIPSOID:
            inside = local[0] ** 2 + local[1] ** 2 + local[2] ** 2 <= 1
    return np.asarray(inside, dtype=np.bool_)
