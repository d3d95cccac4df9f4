"""A rendered scan as the stored picture file that production makes of it: the way into vision."""

import numpy as np

from sim.xray.rays import COLUMN_MM
from sim.xray.render import Scan
from vision.frame import ScanFrame, frame_of
from vision.image_file import ImageHeader, pack, unpack
from vision.item_count import Origin

COUNTS_PER_MM = 10
"""The encoder counts tenths of a millimetre."""


def picture(scan: Scan) -> bytes:
    """Picture file of a scan, marked synthetic."""
    lines, columns = scan.low.shape
    rows = scan.calibration
    means = [
        np.rint(row.mean(axis=0)).astype("<u2") for row in (rows.dark_low, rows.dark_high, rows.air_low, rows.air_high)
    ]
    header = ImageHeader(
        columns=columns,
        lines=lines,
        line_from=0,
        line_to=lines - 1,
        encoder_from=0,
        encoder_to=(lines - 1) * round(scan.line_mm * COUNTS_PER_MM),
        belt_from_um=0,
        belt_to_um=round((lines - 1) * scan.line_mm * 1000),
        clock_us=0,
        pitch_um=round(scan.line_mm * 1000),
        column_um=round(COLUMN_MM * 1000),
        detector="renderer",
        origin=Origin.SYNTHETIC,
    )
    return pack(
        header,
        scan.low.astype("<u2").tobytes(),
        scan.high.astype("<u2").tobytes(),
        b"".join(mean.tobytes() for mean in means),
    )


def frame(scan: Scan) -> ScanFrame:
    """The scan as vision reads it back from a stored picture."""
    return frame_of(unpack(picture(scan)))
