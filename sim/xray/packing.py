"""Places goods in a carton: each piece drops onto what lies below, at the place of the lowest of some random tries."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.goods import GOODS, Contents, Goods
from sim.xray.realism import STANDARD, Realism

WALL_MM = 3.0
"""Board thickness of a carton."""

CLEARANCE_MM = 3.0
CELL_MM = 8.0
"""Resolution of the height map pieces drop onto."""

TRIES = 14
TRIES_WHEN_FULL = 60

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPiece:
    """One piece in the carton. ``turn``: rows are the local axes in carton coordinates (x across, y along, z up);
    ``centre_mm``: centre over the carton's floor centre; ``mass_factor``: true mass over nominal mass."""

    goods: Goods
    centre_mm: tuple[float, float, float]
    turn: Matrix
    mass_factor: float


def pack(
    contents: Contents, pieces_mg: Sequence[int], carton_mm: tuple[int, int, int], random: np.random.Generator,
    lift_mm: float = 0.0, realism: Realism = STANDARD, catalogue: Mapping[str, Goods] = GOODS,
) -> list[PlacedPiece]:  # fmt: skip
    """Drop all pieces, broad ones first. ``carton_mm`` is (length along the belt = y, width = x, height).

    ``lift_mm``: everything stands on a support that X-rays do not see (reference scans at several heights).
    """
    bodies = [catalogue[sku] for sku, count in contents for _ in range(count)]
    order = sorted(range(len(bodies)), key=lambda i: (-bodies[i].size_mm[0] * bodies[i].size_mm[1], random.random()))
    room = (carton_mm[1] - 2 * WALL_MM - CLEARANCE_MM, carton_mm[0] - 2 * WALL_MM - CLEARANCE_MM)
    top = carton_mm[2] - WALL_MM
    heights = np.full((math.ceil(room[0] / CELL_MM), math.ceil(room[1] / CELL_MM)), WALL_MM + lift_mm, dtype=np.float32)
    return [_drop(bodies[i], pieces_mg[i] / bodies[i].unit_mg, room, top, heights, random, realism) for i in order]


def _drop(
    goods: Goods, mass_factor: float, room: tuple[float, float], top: float, heights: Matrix,
    random: np.random.Generator, realism: Realism,
) -> PlacedPiece:  # fmt: skip
    best: tuple[float, float, float, Matrix, tuple[float, float, float]] | None = None
    for attempt in range(TRIES_WHEN_FULL):
        turn = pose(random, realism, plain=attempt >= TRIES)
        extent = extents(goods.size_mm, turn)
        free = (room[0] - extent[0], room[1] - extent[1])
        if min(free) < 0 or extent[2] > top - WALL_MM:
            continue
        x, y = (float((random.random() - 0.5) * space) for space in free)
        base = float(heights[_cells(x, y, extent, room)].max())
        if best is None or base + extent[2] < best[2] + best[4][2]:
            best = (x, y, base, turn, extent)
        if attempt >= TRIES and best[2] + best[4][2] <= top:
            break
    if best is None:
        raise ValueError(f"expected a carton that holds one {goods.sku} {goods.size_mm} mm, was {room} x {top} mm")
    x, y, base, turn, extent = best
    base = max(WALL_MM, min(base, top - extent[2]))
    heights[_cells(x, y, extent, room)] = base + extent[2]
    return PlacedPiece(goods=goods, centre_mm=(x, y, base + extent[2] / 2), turn=turn, mass_factor=mass_factor)


def pose(random: np.random.Generator, realism: Realism, *, plain: bool) -> Matrix:
    """Rotation of a resting piece: usual or lying pose, then a turn about the vertical, within 6 degrees of the
    carton's sides or (skewed) at any angle. ``plain``: neither lying nor turned but by a quarter."""
    lying = random.random() < realism.lying_share and not plain
    skewed = random.random() < realism.skew_share and not plain
    angle = random.random() * math.pi if skewed else random.normal(0.0, 0.0 if plain else 0.05)
    if random.random() < 0.5:
        angle += math.pi / 2
    cosine, sine = math.cos(angle), math.sin(angle)
    spin = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], dtype=np.float32)
    if not lying:
        return spin
    tip = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], dtype=np.float32)
    return tip @ spin


def extents(size: tuple[float, float, float], turn: Matrix) -> tuple[float, float, float]:
    """Axis-parallel extents of a turned box."""
    x, y, z = (np.abs(turn).T @ np.array(size, dtype=np.float32)).tolist()
    return x, y, z


def _cells(x: float, y: float, extent: tuple[float, float, float], room: tuple[float, float]) -> tuple[slice, slice]:
    """Height-map cells under a footprint."""

    def span(centre: float, width: float, whole: float) -> slice:
        first = int((centre - width / 2 + whole / 2) / CELL_MM)
        return slice(max(0, first), max(first + 1, math.ceil((centre + width / 2 + whole / 2) / CELL_MM)))

    return span(x, extent[0], room[0]), span(y, extent[1], room[1])
