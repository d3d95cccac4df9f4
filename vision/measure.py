"""What a region shows: its content, its size, its outline."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from skimage.measure import approximate_polygon, find_contours, regionprops

from vision.frame import Plane, halved
from vision.segment import Segmentation

OUTLINE_TOLERANCE = 0.8
"""Quarter-resolution pixels by which an outline may be simplified."""
SCALE = 4
"""Full-resolution pixels per quarter-resolution pixel."""
SIZE_MM_MIN = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One body in the picture.

    ``c_g``, ``p_g``: integrals of polyethylene and iron (g, in the reference plane's scale). ``major_mm``,
    ``minor_mm``: axes of the ellipse with the same moments. ``box``: (line, column, line, column) and ``outline``:
    (column, line) points, all in full-resolution pixels. ``halves``: the two bodies it may be cut into, each a region
    without outline that may be cut again (empty: it can't be cut); ``bridge``: how dense their border is, as a share of
    the mean density of the thinner one.
    """

    number: int
    c_g: float
    p_g: float
    area_cm2: float
    major_mm: float
    minor_mm: float
    box: tuple[int, int, int, int]
    outline: tuple[tuple[int, int], ...]
    halves: tuple["Region", ...] = ()
    bridge: float = 0.0


def measure(
    segmentation: Segmentation, c_plane: Plane, p_plane: Plane, pitch_mm: float, column_mm: float
) -> list[Region]:
    """All regions, greatest first. Planes at half resolution; ``pitch_mm``, ``column_mm``: their pixel size."""
    pitch, column = 2 * pitch_mm, 2 * column_mm
    pixel_cm2 = pitch * column / 100
    c_quarter, p_quarter = halved(c_plane), halved(p_plane)
    regions = []
    for found in regionprops(segmentation.labels):  # type: ignore[no-untyped-call]
        # One pixel more on every side: blurred edges belong to the body.
        rows, columns = (slice(max(0, found.bbox[axis] - 1), found.bbox[axis + 2] + 1) for axis in (0, 1))
        near = segmentation.labels[rows, columns]
        own = near == found.label
        grown = own.copy()
        grown[1:] |= own[:-1]
        grown[:-1] |= own[1:]
        grown[:, 1:] |= own[:, :-1]
        grown[:, :-1] |= own[:, 1:]
        grown &= (near == 0) | own
        top, left, bottom, right = (int(edge) * SCALE for edge in found.bbox)
        scale = (pitch + column) / 2
        regions.append(
            Region(
                number=int(found.label),
                c_g=float(c_quarter[rows, columns][grown].sum()) * pixel_cm2,
                p_g=float(p_quarter[rows, columns][grown].sum()) * pixel_cm2,
                area_cm2=float(found.area) * pixel_cm2,
                major_mm=max(SIZE_MM_MIN, float(found.axis_major_length) * scale),
                minor_mm=max(SIZE_MM_MIN, float(found.axis_minor_length) * scale),
                box=(top, left, bottom, right),
                outline=_outline(own, rows.start, columns.start),
            )
        )
    regions.sort(key=lambda region: -(region.c_g + region.p_g))
    return regions


def _outline(own: npt.NDArray[np.bool_], top: int, left: int) -> tuple[tuple[int, int], ...]:
    contours = find_contours(np.pad(own.astype(np.float32), 1), 0.5)  # type: ignore[no-untyped-call]
    longest = max(contours, key=len)
    points = approximate_polygon(longest, OUTLINE_TOLERANCE)  # type: ignore[no-untyped-call]
    return tuple((round((x - 0.5 + left) * SCALE), round((y - 0.5 + top) * SCALE)) for y, x in points.tolist())
