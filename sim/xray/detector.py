"""Sandwich line detector: from log attenuation to 16-bit counts, and its dark and air rows.

Gain, offset and dead columns belong to a detector (its seed), noise and tube drift to a scan. How large they are says
``sim.xray.realism``.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.xray.rays import COLUMNS, Plane, blocks
from sim.xray.realism import STANDARD, Realism

FULL_SCALE = 55_000.0
OFFSET = 200.0
CALIBRATION_LINES = 16
DETECTOR_SEED = 1

Counts = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Dark and air lines of one detector, uint16 (16, columns) each, as they follow each connect."""

    dark_low: Counts
    dark_high: Counts
    air_low: Counts
    air_high: Counts


def gains(detector_seed: int, realism: Realism = STANDARD) -> tuple[Plane, Plane]:
    """Column gains of both channels; dead columns have gain 0."""
    random = np.random.Generator(np.random.PCG64(detector_seed))
    low, high = (
        (1 + realism.gain_spread * random.standard_normal(COLUMNS, dtype=np.float32)).astype(np.float32)
        for _ in range(2)
    )
    dead = random.integers(40, COLUMNS - 40, realism.dead_columns)
    low[dead] = high[dead] = 0
    return low, high


def calibration(detector_seed: int = DETECTOR_SEED, realism: Realism = STANDARD) -> Calibration:
    """The calibration lines a detector sends after each connect."""
    random = np.random.Generator(np.random.PCG64([detector_seed, 1]))
    air = np.ones((CALIBRATION_LINES, COLUMNS), dtype=np.float32)
    rows = [
        _counts(level, gain, photons, realism.noise_counts, random)
        for gain, photons in zip(gains(detector_seed, realism), realism.photons_air, strict=True)
        for level in (air * 0, air)
    ]
    return Calibration(dark_low=rows[0], air_low=rows[1], dark_high=rows[2], air_high=rows[3])


def expose(
    low_log: Plane, high_log: Plane, random: np.random.Generator, detector_seed: int = DETECTOR_SEED,
    realism: Realism = STANDARD,
) -> tuple[Counts, Counts]:  # fmt: skip
    """Counts of both channels (lines, columns) for log attenuations of the same shape."""
    tube = np.float32(1 + realism.tube_drift * random.standard_normal())
    planes = []
    for log, gain, photons in zip((low_log, high_log), gains(detector_seed, realism), realism.photons_air, strict=True):
        level = np.empty_like(log)
        for rows in blocks(len(log)):
            level[rows] = _blurred(np.exp(-log[rows]), realism.blur_side)
        drift = 1 + realism.gain_drift * random.standard_normal(COLUMNS, dtype=np.float32)
        shown = gain * drift.astype(np.float32)
        counts = np.empty(log.shape, dtype=np.uint16)
        for rows in blocks(len(log)):
            glow = _glowing(level, rows, realism)
            counts[rows] = _counts(glow * tube, shown, photons, realism.noise_counts, random)
        planes.append(counts)
    return planes[0], planes[1]


def _blurred(level: Plane, side: float) -> Plane:
    """Line spread across the columns."""
    level[:, 1:-1] = (1 - 2 * side) * level[:, 1:-1] + side * (level[:, :-2] + level[:, 2:])
    return level


def _glowing(level: Plane, rows: slice, realism: Realism) -> Plane:
    """Light of these lines with the afterglow of those before them and the scatter floor."""
    glow: Plane = level[rows] * np.float32(1 - sum(realism.afterglow))
    for delay, share in enumerate(realism.afterglow, start=1):
        # Before the first line the belt looked as at it.
        first = max(0, delay - rows.start)
        glow[first:] += np.float32(share) * level[rows.start + first - delay : rows.stop - delay]
        glow[:first] += np.float32(share) * level[:first]
    glow += np.float32(realism.scatter_floor) * (glow.mean(axis=1, keepdims=True) - glow)
    return glow


def _counts(level: Plane, gain: Plane, photons: float, noise_counts: float, random: np.random.Generator) -> Counts:
    """Poisson noise (as a normal, mean 100 photons and more) plus electronic noise, offset, 16 bits."""
    scale = FULL_SCALE - OFFSET
    noise = random.standard_normal(level.shape, dtype=np.float32)
    noise *= np.sqrt(level * np.float32(scale * scale / photons) + np.float32(noise_counts**2))
    counts = (level * np.float32(scale) + noise) * gain + np.float32(OFFSET)
    rounded: Counts = np.clip(counts + np.float32(0.5), 0, 65_535).astype(np.uint16)
    return rounded
