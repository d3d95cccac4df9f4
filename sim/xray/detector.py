"""Sandwich line detector: from log attenuation to 16-bit counts, and its dark and air rows.

Gain, offset and dead columns belong to a detector (its seed), noise and tube drift to a scan. Figures are those of a
laboratory's dual-layer line array with a 150 kV tube.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.xray.rays import COLUMNS, Plane

FULL_SCALE = 55_000.0
OFFSET = 200.0
PHOTONS_AIR = (60_000.0, 90_000.0)
"""Photons per pixel in air, low and high channel."""

NOISE_COUNTS = 6.0
GAIN_SPREAD = 0.003
GAIN_DRIFT = 0.0003
"""Column gain now against column gain at the last air measurement."""
TUBE_DRIFT = 0.003
BLUR_SIDE = 0.138
"""Outer weight of a three-tap Gaussian of 0.55 pixels."""
AFTERGLOW = (0.008, 0.003)
SCATTER_FLOOR = 0.004
DEAD_COLUMNS = 1
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


def gains(detector_seed: int) -> tuple[Plane, Plane]:
    """Column gains of both channels; dead columns have gain 0."""
    random = np.random.Generator(np.random.PCG64(detector_seed))
    low, high = (
        (1 + GAIN_SPREAD * random.standard_normal(COLUMNS, dtype=np.float32)).astype(np.float32) for _ in range(2)
    )
    dead = random.integers(40, COLUMNS - 40, DEAD_COLUMNS)
    low[dead] = high[dead] = 0
    return low, high


def calibration(detector_seed: int = DETECTOR_SEED) -> Calibration:
    """The calibration lines a detector sends after each connect."""
    random = np.random.Generator(np.random.PCG64([detector_seed, 1]))
    air = np.ones((CALIBRATION_LINES, COLUMNS), dtype=np.float32)
    low, high = gains(detector_seed)
    rows = [
        _counts(level, gain, photons, random)
        for gain, photons in ((low, PHOTONS_AIR[0]), (high, PHOTONS_AIR[1]))
        for level in (air * 0, air)
    ]
    return Calibration(dark_low=rows[0], air_low=rows[1], dark_high=rows[2], air_high=rows[3])


def expose(
    low_log: Plane, high_log: Plane, random: np.random.Generator, detector_seed: int = DETECTOR_SEED
) -> tuple[Counts, Counts]:
    """Counts of both channels (lines, columns) for log attenuations of the same shape."""
    tube = np.float32(1 + TUBE_DRIFT * random.standard_normal())
    planes = []
    for log, gain, photons in zip((low_log, high_log), gains(detector_seed), PHOTONS_AIR, strict=True):
        level = np.exp(-log)
        level[:, 1:-1] = (1 - 2 * BLUR_SIDE) * level[:, 1:-1] + BLUR_SIDE * (level[:, :-2] + level[:, 2:])
        glow = level * np.float32(1 - sum(AFTERGLOW))
        for delay, share in enumerate(AFTERGLOW, start=1):
            glow[delay:] += np.float32(share) * level[:-delay]
            glow[:delay] += np.float32(share) * level[:delay]
        glow += np.float32(SCATTER_FLOOR) * (glow.mean(axis=1, keepdims=True) - glow)
        drift = 1 + GAIN_DRIFT * random.standard_normal(COLUMNS, dtype=np.float32)
        planes.append(_counts(glow * tube, gain * drift.astype(np.float32), photons, random))
    return planes[0], planes[1]


def _counts(level: Plane, gain: Plane, photons: float, random: np.random.Generator) -> Counts:
    """Poisson noise (as a normal, mean 100 photons and more) plus electronic noise, offset, 16 bits."""
    scale = FULL_SCALE - OFFSET
    noise = random.standard_normal(level.shape, dtype=np.float32)
    noise *= np.sqrt(level * np.float32(scale * scale / photons) + np.float32(NOISE_COUNTS**2))
    counts = (level * np.float32(scale) + noise) * gain + np.float32(OFFSET)
    rounded: Counts = np.clip(counts + np.float32(0.5), 0, 65_535).astype(np.uint16)
    return rounded
