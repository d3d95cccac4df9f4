"""Finds the carton in the picture and takes its walls and its filler away.

A carton's side walls shadow whole columns and its front and rear walls whole lines, so what all lines of a column have
in common is carton, and the outermost lines are not goods.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from vision.frame import Plane

CARTON_LEVEL = 0.010
"""Least high-channel log attenuation of board and filler (0.07 g/cm2), over a 5 x 5 mean."""
CARTON_PIXELS_MIN = 8
GAP_PIXELS = 8
"""More empty lines than this (19 mm) part two bodies."""
BODY_STEP = 4
BODY_PIXELS_MIN = 30
"""A body covers so many of every fourth pixel of every fourth line: 28 cm2."""
WALL_MM = 7.0
"""A front or rear wall with its blur: these lines hold no goods."""
QUANTILE = 0.07
"""Share of a column's lines that goods leave free."""
MIDDLE_QUANTILE = 0.10
MIDDLE_EXCESS_MAX = 1.35
"""Between the side walls the ground is flat; where it seems higher, goods fill the whole column."""
SIDE_SHARE = 0.22
"""Each side wall's shadow lies within this share of the carton's width in the picture."""
BOARD_IRON_SHARE = 0.0147
"""Iron per polyethylene of board and paper filler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carton:
    """Box of the carton in half-resolution pixels (half open).

    ``cut``, ``wide``: it touches the first or last line, or a side of the frame. ``bodies``: parts with empty belt
    between, behind or beside one another.
    """

    top: int
    bottom: int
    left: int
    right: int
    cut: bool
    wide: bool
    bodies: int


def find_carton(high: Plane) -> Carton | None:
    """Bounding box of everything on the belt; None when the belt is empty."""
    smooth = ndimage.uniform_filter(high, 5)
    solid = smooth > CARTON_LEVEL
    rows = np.flatnonzero(solid.sum(axis=1) >= CARTON_PIXELS_MIN)
    if rows.size == 0:
        return None
    columns = np.flatnonzero(solid[rows[0] : rows[-1] + 1].sum(axis=0) >= CARTON_PIXELS_MIN)
    if columns.size == 0:
        return None
    behind = 1 + int((np.diff(rows) > GAP_PIXELS).sum())
    return Carton(
        top=int(rows[0]),
        bottom=int(rows[-1]) + 1,
        left=int(columns[0]),
        right=int(columns[-1]) + 1,
        cut=bool(rows[0] == 0 or rows[-1] == high.shape[0] - 1),
        wide=bool(columns[0] <= 2 or columns[-1] >= high.shape[1] - 3),
        bodies=max(behind, _bodies(solid)),
    )


def _bodies(solid: npt.NDArray[np.bool_]) -> int:
    """Bodies that no empty belt crosses; what lies in another's box (goods in a thin carton) is none."""
    labels, count = ndimage.label(ndimage.binary_dilation(solid[::BODY_STEP, ::BODY_STEP]))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    boxes = [
        box
        for box, size in zip(ndimage.find_objects(labels), sizes[1:].tolist(), strict=True)
        if size >= BODY_PIXELS_MIN
    ]
    inner = sum(any(_inside(box, other) for other in boxes if other is not box) for box in boxes)
    return len(boxes) - inner


def _inside(box: tuple[slice, ...], other: tuple[slice, ...]) -> bool:
    return all(outer.start <= inner.start and inner.stop <= outer.stop for inner, outer in zip(box, other, strict=True))


def remove_ground(
    c_plane: Plane, p_plane: Plane, carton: Carton, pitch_mm: float, column_mm: float
) -> tuple[Plane, Plane, float]:
    """C and P of the goods alone (zero outside the carton), and the ground's mass cue in g.

    ``pitch_mm``, ``column_mm``: pixel size of the planes given.
    """
    wall = max(1, round(WALL_MM / pitch_mm))
    rows = slice(carton.top + wall, max(carton.top + wall + 1, carton.bottom - wall))
    inside = (rows, slice(carton.left, carton.right))
    smooth = ndimage.uniform_filter(c_plane[inside], 3)
    profile = np.quantile(smooth, QUANTILE, axis=0)
    width = profile.size
    side = max(3, int(width * SIDE_SHARE))
    middle = profile[side : width - side]
    flat = float(np.quantile(middle, MIDDLE_QUANTILE)) if middle.size else float(profile.min())
    profile[side : width - side] = np.clip(middle, 0, MIDDLE_EXCESS_MAX * flat)
    mirrored = np.maximum(ndimage.maximum_filter1d(profile[::-1], 15) * 1.1, MIDDLE_EXCESS_MAX * flat)
    ground = ndimage.uniform_filter1d(np.minimum(profile, mirrored), 3).astype(np.float32)
    goods_c, goods_p = np.zeros_like(c_plane), np.zeros_like(p_plane)
    goods_c[inside] = c_plane[inside] - ground[None, :]
    goods_p[inside] = p_plane[inside] - np.float32(BOARD_IRON_SHARE) * ground[None, :]
    area_cm2 = pitch_mm * column_mm / 100
    return goods_c, goods_p, float(ground.sum()) * (carton.bottom - carton.top) * area_cm2
