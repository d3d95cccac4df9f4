"""Counts to log attenuation: dark and air per column, dead columns, scatter floor, tube drift from empty margins."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision.frame import Counts, Plane, ScanFrame, halved

MARGIN_COLUMNS = 24
"""Columns at each side that a carton of the lane never shadows: they watch the tube."""
TUBE_LINES = 9
"""Lines over which the tube monitor is smoothed."""
SCATTER_FLOOR = 0.004
DEAD_SHARE = 0.5
"""A column with less than this share of the median air signal is dead."""
LEVEL_MIN = 3e-4
"""Least transmission that is signal: below lies the detector's own noise."""
MARGIN_LEVEL_MIN = 0.93
"""A margin darker than this is not empty."""


class CalibrationError(ValueError):
    """The calibration rows can't belong to a working detector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attenuation:
    """Log attenuation float32 (lines // 2, columns // 2), means of 2 x 2 pixels.

    ``starved``: pixels below the least signal. ``saturated``: number of pixels at full scale; ``lost``: of pixels that
    carry no number. ``dead``: dead columns.
    ``margins_empty``: the tube could be watched on every line.
    """

    low: Plane
    high: Plane
    starved: npt.NDArray[np.bool_]
    saturated: int
    lost: int
    dead: int
    margins_empty: bool


def attenuate(frame: ScanFrame) -> Attenuation:
    """Calibrate both planes. Raises CalibrationError when air is not brighter than dark.

    Columns whose calibration carries no number are dead, pixels without a number are taken as dark.
    """
    low, low_low, dead_low, empty_low = _channel(frame.low, frame.dark_low, frame.air_low)
    high, low_high, dead_high, empty_high = _channel(frame.high, frame.dark_high, frame.air_high)
    return Attenuation(
        low=low,
        high=high,
        starved=low_low | low_high,
        saturated=int((frame.low == 65_535).sum()) + int((frame.high == 65_535).sum()),
        lost=_lost(frame.low) + _lost(frame.high),
        dead=max(dead_low, dead_high),
        margins_empty=empty_low and empty_high,
    )


def _channel(counts: Counts, dark: Plane, air: Plane) -> tuple[Plane, npt.NDArray[np.bool_], int, bool]:
    gain = air - dark
    known = np.isfinite(gain)
    middle = float(np.median(gain[known])) if known.any() else 0.0
    if middle <= 0:
        raise CalibrationError(f"calibration: expected air above dark, was {middle:.0f} counts above it")
    dead = ~known | (gain < DEAD_SHARE * middle)
    gain = np.where(dead, np.float32(middle), gain).astype(np.float32)
    level: Plane = (counts.astype(np.float32) - np.where(known, dark, np.float32(0))) / gain
    if counts.dtype.kind == "f":
        level = np.nan_to_num(level, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    _mend(level, dead)
    sides = np.concatenate([level[:, :MARGIN_COLUMNS], level[:, -MARGIN_COLUMNS:]], axis=1).mean(axis=1)
    empty = bool(sides.min() > MARGIN_LEVEL_MIN)
    if empty:
        kernel = np.ones(TUBE_LINES) / TUBE_LINES
        tube = np.convolve(np.pad(sides, TUBE_LINES // 2, mode="edge"), kernel, mode="valid")
        level *= (1 / tube).astype(np.float32)[:, None]
    level -= np.float32(SCATTER_FLOOR) * (level.mean(axis=1, keepdims=True) - level)
    log = -np.log(np.maximum(level, np.float32(LEVEL_MIN)))
    pairs = halved(log)
    return pairs, pairs > -np.log(3 * LEVEL_MIN), int(dead.sum()), empty


def _lost(counts: Counts) -> int:
    """Pixels that carry no number; only planes read as floating point can hold any."""
    return int((~np.isfinite(counts)).sum()) if counts.dtype.kind == "f" else 0


def _mend(level: Plane, dead: npt.NDArray[np.bool_]) -> None:
    """Fill dead columns from their nearest living neighbours."""
    alive = np.flatnonzero(~dead)
    for column in np.flatnonzero(dead):
        left, right = alive[alive < column][-1:], alive[alive > column][:1]
        level[:, column] = level[:, np.concatenate([left, right])].mean(axis=1)
