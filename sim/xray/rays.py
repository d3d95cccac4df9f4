"""Fan-beam geometry and path lengths of rays through solids, within each solid's bounding box of pixels.

The source stands ``SOURCE_MM`` over the belt, the detector crosses the belt; columns are spaced ``COLUMN_MM`` in the
plane ``REFERENCE_MM`` above the belt. Carton coordinates: x across the belt, y along it, z up from the belt.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sim.goods import Shape, Solid
from sim.xray.materials import BASIS_SHARES
from sim.xray.packing import Matrix, PlacedPiece

SOURCE_MM = 1100.0
REFERENCE_MM = 100.0
COLUMNS = 640
COLUMN_MM = 1.25
LINE_MM = 1.2
"""One line per 12 counts of the 0.1 mm encoder, on the demo lane."""

BLOCK_LINES = 32
"""Lines worked on at a time: what a processor's own memory holds; the results are the same for any number."""

Plane = npt.NDArray[np.float32]

COLUMN_X_MM: Plane = ((np.arange(COLUMNS) - (COLUMNS - 1) / 2) * COLUMN_MM).astype(np.float32)
"""Where each ray crosses the reference plane."""


def magnification(z_mm: float) -> float:
    """How much wider than in the reference plane an object at height z appears: 0.91 on the belt, 1.43 at 400 mm."""
    return (SOURCE_MM - REFERENCE_MM) / (SOURCE_MM - z_mm)


def add_piece(
    c_plane: Plane, p_plane: Plane, piece: PlacedPiece, offset_mm: tuple[float, float],
    shares: dict[str, tuple[float, float]], line_mm: float = LINE_MM,
) -> None:  # fmt: skip
    """Add one piece's areal densities (g/cm2 of both bases) to the planes; ``offset_mm``: carton centre (x, y)."""
    centre = np.array(piece.centre_mm, dtype=np.float32) + np.array([*offset_mm, 0.0], dtype=np.float32)
    for solid in piece.goods.solids:
        c_share, p_share = shares[solid.material]
        window, chord_mm = solid_chords(solid, centre, piece.turn, c_plane.shape[0], line_mm)
        density = np.float32(solid.density * piece.mass_factor / 10)
        c_plane[window] += chord_mm * np.float32(density * c_share)
        p_plane[window] += chord_mm * np.float32(density * p_share)


def piece_planes(
    piece: PlacedPiece, offset_mm: tuple[float, float], lines: int, line_mm: float
) -> tuple[tuple[slice, slice], Plane, Plane]:
    """One piece alone: the window of pixels it can shadow, and its areal densities (g/cm2 of both bases) there."""
    centre = np.array(piece.centre_mm, dtype=np.float32) + np.array([*offset_mm, 0.0], dtype=np.float32)
    chords = [(solid, *solid_chords(solid, centre, piece.turn, lines, line_mm)) for solid in piece.goods.solids]
    window = tuple(
        slice(min(part[axis].start for _, part, _ in chords), max(part[axis].stop for _, part, _ in chords))
        for axis in (0, 1)
    )
    rows, columns = window
    planes = [np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32) for _ in range(2)]
    for solid, part, chord_mm in chords:
        within = (
            slice(part[0].start - rows.start, part[0].stop - rows.start),
            slice(part[1].start - columns.start, part[1].stop - columns.start),
        )
        density = solid.density * piece.mass_factor / 10
        for plane, share in zip(planes, BASIS_SHARES[solid.material], strict=True):
            plane[within] += chord_mm * np.float32(density * share)
    return (rows, columns), planes[0], planes[1]


def solid_chords(
    solid: Solid, centre: Plane, turn: Matrix, lines: int, line_mm: float = LINE_MM
) -> tuple[tuple[slice, slice], Plane]:
    """Chord lengths (mm) of all rays that can meet a solid, and the window of pixels they belong to."""
    middle = centre + np.array(solid.centre_mm, dtype=np.float32) @ turn
    half: Plane = (np.array(solid.size_mm) / 2).astype(np.float32)
    window = _window(middle, np.abs(turn).T @ half, lines, line_mm)
    rows, columns = window
    x_reference = COLUMN_X_MM[columns]
    y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * np.float32(line_mm) - middle[1]
    direction = np.stack([x_reference, np.zeros_like(x_reference), np.full_like(x_reference, REFERENCE_MM - SOURCE_MM)])
    direction /= np.sqrt((direction**2).sum(axis=0))
    ray = turn @ direction
    start = turn @ np.array([-middle[0], 0.0, SOURCE_MM - middle[2]], dtype=np.float32)
    along = turn[:, 1]
    steps = [ray[i][None, :] for i in range(3)]
    chords = np.empty((y.size, x_reference.size), dtype=np.float32)
    for block in blocks(y.size):
        # A local axis at right angles to the belt's travel sees all lines alike.
        origin = [start[i] + along[i] * y[block, None] if along[i] else start[i : i + 1, None] for i in range(3)]
        near, far = _crossings(solid.shape, origin, steps, half)
        np.maximum(far - near, np.float32(0), out=chords[block])
    return window, chords


def blocks(lines: int) -> list[slice]:
    """All lines in pieces of ``BLOCK_LINES``."""
    return [slice(first, min(first + BLOCK_LINES, lines)) for first in range(0, lines, BLOCK_LINES)]


def _crossings(shape: Shape, origin: Sequence[Plane], steps: Sequence[Plane], half: Plane) -> tuple[Plane, Plane]:
    """Entry and exit distance of rays through a body; exit before entry where they miss it."""
    match shape:
        case Shape.BOX:
            return _slabs(origin, steps, half, (0, 1, 2))
        case Shape.CYLINDER:
            near, far = _slabs(origin, steps, half, (2,))
            near_side, far_side = _quadric(origin, steps, half, (0, 1))
            return np.maximum(near, near_side), np.minimum(far, far_side)
        case Shape.ELLIPSOID:
            return _quadric(origin, steps, half, (0, 1, 2))


def _window(middle: Plane, reach: Plane, lines: int, line_mm: float) -> tuple[slice, slice]:
    """Pixels that a body's bounding box can shadow."""
    edges = [
        (middle[0] + side * reach[0]) * magnification(float(middle[2] + level * reach[2]))
        for side in (-1, 1) for level in (-1, 1)
    ]  # fmt: skip
    first = int(min(edges) / COLUMN_MM + COLUMNS / 2) - 1
    last = int(max(edges) / COLUMN_MM + COLUMNS / 2) + 2
    top, bottom = int((middle[1] - reach[1]) / line_mm) - 1, int((middle[1] + reach[1]) / line_mm) + 2
    return slice(_clip(top, lines), _clip(bottom, lines)), slice(_clip(first, COLUMNS), _clip(last, COLUMNS))


def _clip(value: int, top: int) -> int:
    return max(0, min(value, top))


def _slabs(origin: Sequence[Plane], steps: Sequence[Plane], half: Plane, axes: tuple[int, ...]) -> tuple[Plane, Plane]:
    """Entry and exit distance of rays through parallel plane pairs (Kay and Kajiya's slabs)."""
    near: Plane | None = None
    far: Plane | None = None
    for axis in axes:
        step = np.where(np.abs(steps[axis]) < 1e-6, np.float32(1e-6), steps[axis])
        inverse = 1 / step
        centre, width = -origin[axis] * inverse, np.abs(half[axis] * inverse)
        entry, leave = centre - width, centre + width
        near = entry if near is None else np.maximum(near, entry)
        far = leave if far is None else np.minimum(far, leave)
    assert near is not None
    assert far is not None
    return near, far


def _quadric(
    origin: Sequence[Plane], steps: Sequence[Plane], half: Plane, axes: tuple[int, ...]
) -> tuple[Plane, Plane]:
    """Entry and exit distance of rays through an ellipse's cylinder (two axes) or an ellipsoid (three)."""
    a = sum((steps[i] / half[i]) ** 2 for i in axes)
    b = sum(origin[i] * steps[i] / half[i] ** 2 for i in axes)
    c = sum((origin[i] / half[i]) ** 2 for i in axes) - 1
    a = np.maximum(np.asarray(a, dtype=np.float32), np.float32(1e-9))
    root = np.sqrt(np.maximum(b * b - a * c, np.float32(0)))
    middle = -np.asarray(b, dtype=np.float32) / a
    return middle - root / a, middle + root / a
