"""Is the picture fit to be counted? DICOS words for the acquisition, and whether it is too thick to see through."""

import math
from dataclasses import dataclass

import numpy as np

from vision.calibrate import MARGIN_COLUMNS, Attenuation
from vision.frame import ScanFrame
from vision.ground import Carton
from vision.item_count import Abstain, Acquisition
from vision.segment import Segmentation

LINES_MIN = 40
"""A picture shorter than 48 mm is no parcel."""
COLUMNS_MIN = 4 * MARGIN_COLUMNS
"""A row shorter than this is none of a detector that sees a carton between empty margins."""
PITCH_MM_MAX = 100.0
DARK_SHARE_MAX = 0.8
"""With so large a share of all pixels dark, the margins too, there was no beam."""
DEAD_COLUMNS_MAX = 6
SATURATED_MAX = 200
LOST_MAX = 200
"""Pixels that carry no number: a few are mended like dead ones."""
STARVED_SHARE_MAX = 0.04
"""Share of the goods' pixels without usable signal, above which integrals can't be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """``acquisition``: DICOS word; ``abstain``: NONE, or why the picture must not be counted."""

    acquisition: Acquisition
    abstain: Abstain


def unfit(frame: ScanFrame) -> Quality | None:
    """What keeps a picture from being looked at at all: planes or rows that are no picture of one detector."""
    lines, columns = (*frame.low.shape, 0, 0)[:2]
    rows = (frame.dark_low, frame.dark_high, frame.air_low, frame.air_high)
    pitches = (frame.pitch_mm, frame.column_mm)
    whole = (
        frame.low.ndim == 2
        and frame.low.shape == frame.high.shape
        and lines >= LINES_MIN
        and columns >= COLUMNS_MIN
        and all(row.shape == (columns,) for row in rows)
        and all(math.isfinite(pitch) and 0 < pitch <= PITCH_MM_MAX for pitch in pitches)
        and all(plane.dtype.kind in "uif" for plane in (frame.low, frame.high, *rows))
    )
    return None if whole else Quality(acquisition=Acquisition.INCOMPLETE, abstain=Abstain.LOW_QUALITY)


def judge_frame(frame: ScanFrame, attenuation: Attenuation, carton: Carton | None) -> Quality:
    """What is wrong with the acquisition as such, worst first."""
    word = _acquisition(frame, attenuation, carton)
    usable = word is Acquisition.SUCCESSFUL
    noisy = attenuation.dead > DEAD_COLUMNS_MAX or attenuation.saturated > SATURATED_MAX or attenuation.lost > LOST_MAX
    return Quality(acquisition=word, abstain=Abstain.NONE if usable and not noisy else Abstain.LOW_QUALITY)


def too_thick(attenuation: Attenuation, segmentation: Segmentation) -> bool:
    """Whether goods hide behind photon starvation."""
    goods = segmentation.labels > 0
    covered = int(goods.sum())
    lines, columns = goods.shape
    starved = attenuation.starved[: 2 * lines : 2, : 2 * columns : 2] & goods
    return covered > 0 and int(starved.sum()) > STARVED_SHARE_MAX * covered


def _acquisition(frame: ScanFrame, attenuation: Attenuation, carton: Carton | None) -> Acquisition:
    lines = frame.low.shape[0]
    if lines < LINES_MIN or carton is None or _dark(attenuation):
        return Acquisition.INCOMPLETE
    if frame.lines_expected != lines:
        return Acquisition.SLIP
    if carton.cut:
        return Acquisition.CUT
    if carton.wide or not attenuation.margins_empty:
        return Acquisition.OVERSIZE
    if carton.bodies > 1:
        return Acquisition.MERGED
    return Acquisition.SUCCESSFUL


def _dark(attenuation: Attenuation) -> bool:
    """No beam, or a shutter before the detector."""
    return not attenuation.margins_empty and float(np.mean(attenuation.starved)) > DARK_SHARE_MAX
