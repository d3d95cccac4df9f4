"""Regions: connected bodies of goods in the ground-free picture, at quarter resolution.

Gaps inside one retail pack are bridged; pieces that touch in projection become one region, which ``verify`` explains as
a pile. Integrals are additive, so a pile needs no cut.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from vision.frame import Plane, halved

IRON_WEIGHT = 5.0
"""Equivalent polyethylene of iron for the mask: thin steel must not drop out."""
GOODS_LEVEL = 0.28
"""Least areal density of goods, g/cm2 of equivalent polyethylene; filler stays under 0.2."""
BRIDGE_PIXELS = 2
"""Radius of the closing at quarter resolution: bridges gaps up to 20 mm."""
REGION_CM2_MIN = 2.5
FRAGMENT_SHARE = 0.08
FRAGMENT_PIXELS = 5
"""A body with less than this share of its neighbour's content, this near, belongs to it."""

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """``labels``: int32 quarter-resolution map, 0 = no goods, 1..``regions`` the bodies."""

    labels: Labels
    regions: int


def segment(c_plane: Plane, p_plane: Plane, pitch_mm: float, column_mm: float) -> Segmentation:
    """Label bodies. Planes at half resolution; ``pitch_mm``, ``column_mm``: their pixel size."""
    weight = halved(c_plane) + np.float32(IRON_WEIGHT) * halved(p_plane)
    closed = close(goods_mask(weight))
    labels, count = ndimage.label(closed, structure=np.ones((3, 3), dtype=int))
    labels = labels.astype(np.int32)
    pixel_cm2 = 4 * pitch_mm * column_mm / 100
    _absorb(labels, count, weight, pixel_cm2)
    kept = np.unique(labels)
    kept = kept[kept > 0]
    renumber = np.zeros(count + 1, dtype=np.int32)
    renumber[kept] = np.arange(1, kept.size + 1)
    return Segmentation(labels=renumber[labels], regions=int(kept.size))


def goods_mask(weight: Plane) -> npt.NDArray[np.bool_]:
    """Where goods are, without specks. ``weight``: g/cm2 of equivalent polyethylene at quarter resolution."""
    mask: npt.NDArray[np.bool_] = ndimage.binary_opening(weight > GOODS_LEVEL, np.ones((2, 2), dtype=bool))
    return mask


def close(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Bridge gaps inside a body and fill its holes."""
    span = np.arange(-BRIDGE_PIXELS, BRIDGE_PIXELS + 1)
    disk = span[:, None] ** 2 + span[None, :] ** 2 <= BRIDGE_PIXELS**2 + 1
    room = np.pad(mask, BRIDGE_PIXELS + 1)
    inner = slice(BRIDGE_PIXELS + 1, -BRIDGE_PIXELS - 1)
    closed = ndimage.binary_closing(room, disk)[inner, inner]
    filled: npt.NDArray[np.bool_] = ndimage.binary_fill_holes(closed)
    return filled


def _absorb(labels: Labels, count: int, weight: Plane, pixel_cm2: float) -> None:
    """Drop specks and give fragments to the large body next to them."""
    index = np.arange(1, count + 1)
    areas = ndimage.sum_labels(np.ones_like(weight), labels, index) * pixel_cm2
    contents = ndimage.sum_labels(weight, labels, index) * pixel_cm2
    for label in index[np.argsort(contents)]:
        own = labels == label
        ring = ndimage.binary_dilation(own, iterations=FRAGMENT_PIXELS) & ~own
        near = np.unique(labels[ring])
        near = near[near > 0]
        if near.size:
            host = near[np.argmax(contents[near - 1])]
            if contents[label - 1] < FRAGMENT_SHARE * contents[host - 1]:
                labels[own] = host
                continue
        if areas[label - 1] < REGION_CM2_MIN:
            labels[own] = 0
