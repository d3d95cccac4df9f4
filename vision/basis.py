"""Two log attenuations to areal densities of two basis materials: polyethylene C and iron P, both g/cm2.

The forward table (square-root-spaced) is what a step-wedge calibration of the machine gives; the inverse table is made
from it at start. Between 30 and 150 keV every material is, within a few per cent, a sum of the two (Alvarez and
Macovski 1976, Phys. Med. Biol. 21, 733).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vision.frame import Plane

Grid = npt.NDArray[np.float64]

HIGH_MIN, HIGH_MAX, HIGH_STEPS = -0.15, 8.0, 360
DIFFERENCE_MIN, DIFFERENCE_MAX, DIFFERENCE_STEPS = -0.6, 2.6, 330
"""Ends of the inverse table: high log attenuation, and low minus high."""
NEWTON_STEPS = 14
C_LEAST, P_LEAST = -4.0, -1.0
"""Noise makes thin places negative; cutting that off at zero would bias every integral."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Inverse table: ``c`` and ``p`` float32 (HIGH_STEPS, DIFFERENCE_STEPS)."""

    c: Plane
    p: Plane

    def densities(self, low: Plane, high: Plane) -> tuple[Plane, Plane]:
        """C and P (g/cm2) for planes of log attenuation, same shape, bilinear."""
        h_at = (high - np.float32(HIGH_MIN)) * np.float32((HIGH_STEPS - 1) / (HIGH_MAX - HIGH_MIN))
        d_at = (low - high - np.float32(DIFFERENCE_MIN)) * np.float32(
            (DIFFERENCE_STEPS - 1) / (DIFFERENCE_MAX - DIFFERENCE_MIN)
        )
        h_at = np.clip(h_at, 0, np.float32(HIGH_STEPS - 1.001))
        d_at = np.clip(d_at, 0, np.float32(DIFFERENCE_STEPS - 1.001))
        h_index, d_index = h_at.astype(np.int32), d_at.astype(np.int32)
        h_part, d_part = h_at - h_index, d_at - d_index
        corner = h_index * DIFFERENCE_STEPS + d_index
        planes = []
        for table in (self.c.ravel(), self.p.ravel()):
            near = table[corner] + d_part * (table[corner + 1] - table[corner])
            corner_below = corner + DIFFERENCE_STEPS
            far = table[corner_below] + d_part * (table[corner_below + 1] - table[corner_below])
            planes.append((near + h_part * (far - near)).astype(np.float32))
        return planes[0], planes[1]


def load_basis(path: Path) -> Basis:
    """Read a forward table (``low``, ``high``, ``c_max``, ``p_max``) and invert it."""
    with np.load(path) as table:
        low, high = table["low"].astype(np.float64), table["high"].astype(np.float64)
        return invert(low, high, float(table["c_max"]), float(table["p_max"]))


def invert(low: Grid, high: Grid, c_max: float, p_max: float) -> Basis:
    """Newton's method for every node of the inverse table at once, outward from thin to thick."""
    wanted_high, difference = np.meshgrid(
        np.linspace(HIGH_MIN, HIGH_MAX, HIGH_STEPS), np.linspace(DIFFERENCE_MIN, DIFFERENCE_MAX, DIFFERENCE_STEPS),
        indexing="ij",
    )  # fmt: skip
    wanted_low = wanted_high + difference
    c, p = wanted_high * 4.0, np.maximum(difference, 0.0) * 0.8
    for _ in range(NEWTON_STEPS):
        low_now, low_c, low_p = _forward(low, c, p, c_max, p_max)
        high_now, high_c, high_p = _forward(high, c, p, c_max, p_max)
        det = low_c * high_p - low_p * high_c
        det = np.where(np.abs(det) < 1e-5, -1e-5, det)
        low_miss, high_miss = wanted_low - low_now, wanted_high - high_now
        c = np.clip(c + np.clip((low_miss * high_p - high_miss * low_p) / det, -6, 6), C_LEAST, c_max)
        p = np.clip(p + np.clip((high_miss * low_c - low_miss * high_c) / det, -2, 2), P_LEAST, p_max)
    return Basis(c=c.astype(np.float32), p=p.astype(np.float32))


def _forward(table: Grid, c: Grid, p: Grid, c_max: float, p_max: float) -> tuple[Grid, Grid, Grid]:
    """Value and both slopes, linear between nodes and beyond the edges."""
    c_steps, p_steps = table.shape
    c_index = np.clip((np.sqrt(np.maximum(c, 0) / c_max) * (c_steps - 1)).astype(np.int64), 4, c_steps - 5) // 4 * 4
    p_index = np.clip((np.sqrt(np.maximum(p, 0) / p_max) * (p_steps - 1)).astype(np.int64), 4, p_steps - 5) // 4 * 4
    c_index, p_index = (
        np.where(c <= c_max * (4 / (c_steps - 1)) ** 2, 0, c_index),
        np.where(p <= p_max * (4 / (p_steps - 1)) ** 2, 0, p_index),
    )
    c_node, c_next = (c_max * ((c_index + step) / (c_steps - 1)) ** 2 for step in (0, 4))
    p_node, p_next = (p_max * ((p_index + step) / (p_steps - 1)) ** 2 for step in (0, 4))
    here, right = table[c_index, p_index], table[c_index, p_index + 4]
    below, across = table[c_index + 4, p_index], table[c_index + 4, p_index + 4]
    u, v = (c - c_node) / (c_next - c_node), (p - p_node) / (p_next - p_node)
    twist = across - below - right + here
    value = here + u * (below - here) + v * (right - here) + u * v * twist
    return value, (below - here + v * twist) / (c_next - c_node), (right - here + u * twist) / (p_next - p_node)
