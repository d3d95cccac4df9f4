"""One scan as arrays: two planes of counts, the calibration rows that belong to them, and what the detector said."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from vision.image_file import ImageFile
from vision.item_count import Origin

LINE_COUNTER_WRAP = 1 << 32
"""The detector counts lines in 32 bits since power-up."""

Plane: TypeAlias = npt.NDArray[np.float32]
Counts: TypeAlias = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFrame:
    """``low``, ``high``: uint16 (lines, columns). Calibration rows: float32 (columns,), detector counts.

    ``pitch_mm``: belt travel per line; ``column_mm``: column spacing in the reference plane. ``lines_expected``: lines
    that the line counter says were sent.
    """

    low: Counts
    high: Counts
    dark_low: Plane
    dark_high: Plane
    air_low: Plane
    air_high: Plane
    pitch_mm: float
    column_mm: float
    lines_expected: int
    origin: Origin


def frame_of(image: ImageFile) -> ScanFrame:
    """Arrays over a parsed picture file (the planes share its bytes)."""
    header = image.header
    shape = (header.lines, header.columns)
    rows = np.frombuffer(image.calibration, dtype="<u2").reshape(4, header.columns).astype(np.float32)
    return ScanFrame(
        low=np.frombuffer(image.low, dtype="<u2").reshape(shape),
        high=np.frombuffer(image.high, dtype="<u2").reshape(shape),
        dark_low=rows[0],
        dark_high=rows[1],
        air_low=rows[2],
        air_high=rows[3],
        pitch_mm=header.pitch_um / 1000,
        column_mm=header.column_um / 1000,
        lines_expected=(header.line_to - header.line_from) % LINE_COUNTER_WRAP + 1,
        origin=header.origin,
    )


def halved(plane: Plane) -> Plane:
    """Means of 2 x 2 pixels; an odd last line or column is left out."""
    lines, columns = plane.shape[0] // 2 * 2, plane.shape[1] // 2 * 2
    even = plane[:lines:2, :columns] + plane[1:lines:2, :columns]
    half: Plane = (even[:, ::2] + even[:, 1::2]) * np.float32(0.25)
    return half
