"""How good open proposals are: exact totals by overlap and by pieces, beside connected regions on the same pictures."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.learning.pictures import Picture
from sim.xray.contents import PIECES, Overlap
from vision.frame import Plane
from vision.propose import COLUMN_MM, LINE_MM, Proposer, peaks
from vision.segment import segment

THRESHOLDS = tuple(round(0.1 + 0.025 * step, 3) for step in range(25))
NEAR_PIXELS = 3.0
"""A proposal within this many quarter-resolution pixels (15 mm) of a centre has found it."""

Totals = Sequence[int]


def heats(proposer: Proposer, pictures: Sequence[Picture]) -> tuple[list[Plane], list[float]]:
    """Maps of centres and the milliseconds of one core each took, however busy the machine is."""
    maps, spent = [], []
    for picture in pictures:
        c_plane, p_plane = picture.planes.astype(np.float32)
        start = time.process_time()
        maps.append(proposer.heat(c_plane, p_plane))
        spent.append(1000 * (time.process_time() - start))
    return maps, spent


def best_threshold(maps: Sequence[Plane], pictures: Sequence[Picture]) -> float:
    """The height from which a peak counts as a piece: where the most totals are exact, else the least are off."""

    def score(threshold: float) -> tuple[int, float]:
        found = totals(maps, threshold)
        off = [abs(total - len(picture.centres)) for total, picture in zip(found, pictures, strict=True)]
        return sum(miss == 0 for miss in off), -float(np.mean(np.minimum(off, 3)))

    return max(THRESHOLDS, key=score)


def totals(maps: Sequence[Plane], threshold: float) -> list[int]:
    """Pieces proposed per picture."""
    return [len(peaks(heat, threshold)) for heat in maps]


def region_totals(pictures: Sequence[Picture]) -> list[int]:
    """Connected regions per picture: what counts pieces where there is no network."""
    planes = ((picture.planes[0].astype(np.float32), picture.planes[1].astype(np.float32)) for picture in pictures)
    return [segment(c_plane, p_plane, LINE_MM, COLUMN_MM).regions for c_plane, p_plane in planes]


def cut_totals(maps: Sequence[Plane], threshold: float, pictures: Sequence[Picture]) -> list[int]:
    """Connected regions per picture after ``vision.propose.split``: centres outside of them count for nothing."""
    found = []
    for heat, picture in zip(maps, pictures, strict=True):
        labels = segment(picture.planes[0].astype(np.float32), picture.planes[1].astype(np.float32), LINE_MM, COLUMN_MM)
        held = np.zeros(labels.regions + 1, dtype=np.int64)
        for line, column, _ in peaks(heat, threshold):
            held[labels.labels[line, column]] += 1
        found.append(int(np.maximum(held[1:], 1).sum()))
    return found


def figures(found: Totals, pictures: Sequence[Picture]) -> dict[str, Any]:
    """Shares of exact totals with their counts, by overlap class and by pieces class, and how far others are off."""
    true = [len(picture.centres) for picture in pictures]
    off = np.abs(np.array(found) - np.array(true))
    bands = [str(picture.overlap) for picture in pictures]
    classes = [next(str(name) for name, (_, most) in PIECES.items() if count <= most) for count in true]
    return {
        "pictures": len(pictures),
        "exact": _share(off == 0),
        "within_one": _share(off <= 1),
        "mean_off": round(float(off.mean()), 3),
        "exact_by_overlap": _by(off == 0, bands, [str(name) for name in Overlap]),
        "exact_by_pieces": _by(off == 0, classes, [str(name) for name in PIECES]),
    }


def centre_figures(maps: Sequence[Plane], threshold: float, pictures: Sequence[Picture]) -> dict[str, float]:
    """Shares of pieces found and of proposals that are pieces, each piece found at most once."""
    hits = proposed = pieces = 0
    for heat, picture in zip(maps, pictures, strict=True):
        found = peaks(heat, threshold)
        left = picture.centres[:, :2].astype(np.float64)
        proposed, pieces = proposed + len(found), pieces + len(left)
        for line, column, _ in found:
            if len(left):
                distances = np.hypot(left[:, 0] - line, left[:, 1] - column)
                nearest = int(distances.argmin())
                if distances[nearest] <= NEAR_PIXELS:
                    hits += 1
                    left = np.delete(left, nearest, axis=0)
    return {"found": round(hits / max(1, pieces), 4), "right": round(hits / max(1, proposed), 4)}


def percentiles(spent_ms: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile in milliseconds."""
    p50, p99 = np.percentile(spent_ms, [50, 99])
    return {"p50": round(float(p50), 1), "p99": round(float(p99), 1)}


def _share(right: Any) -> list[float]:
    return [round(float(np.mean(right)), 4), int(np.sum(right)), len(right)]


def _by(right: Any, labels: Sequence[str], order: Sequence[str]) -> dict[str, list[float]]:
    return {name: _share(right[np.array(labels) == name]) for name in order if name in labels}
