"""How the belt moved, from the positions that records carry: a line through the fewest points that tell it.

Only records that a device stamps at its source count; others carry the last position read, which lags. Between two of
them the belt is taken to run evenly, but for start and stop: a belt that stood goes on standing until it must have
begun to move in order to be where it was seen next, and one that is seen standing ran evenly until it had to brake.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from devices.signals import BeltMoved, BeltState, EyeChanged, GateInPosition, OutputProven

STAMPED = (BeltMoved, EyeChanged, GateInPosition, OutputProven)
"""What the lane I/O stamps with time and place together; words of readers and scale have the place, but come later."""
TOLERANCE_UM = 3_000
"""A point is left out when the line without it passes so near: less than a pixel."""

Point = tuple[int, int]
"""(time, belt position), microseconds and micrometres."""


class Motion:
    """Collects points in the order of the records; ``points`` gives the line."""

    def __init__(self, speed_um_s: int) -> None:
        self._speed_um_s = speed_um_s
        self._seen: list[tuple[int, int, int]] = []  # time, position, speed (-1: not told)

    def saw(self, record: Any) -> None:
        """One record."""
        if isinstance(record, BeltState):
            self._seen.append((record.at_us, -1, record.speed_um_s))  # the drive's word: it knows no position
        elif isinstance(record, STAMPED):
            speed_um_s = record.speed_um_s if isinstance(record, BeltMoved) else -1
            self._seen.append((record.at_us, record.belt_um, speed_um_s))

    def points(self) -> list[Point]:
        """Corners of the line, by time."""
        line: list[Point] = []
        stands = True
        for at_us, belt_um, speed_um_s in sorted(self._seen, key=lambda seen: (seen[0], seen[1] < 0, seen)):
            if belt_um < 0:
                stands = stands or speed_um_s == 0
                continue  # the drive's word
            if line and belt_um > line[-1][1] and (stands or speed_um_s == 0):
                line += self._corner(line[-1], (at_us, belt_um), begins=stands, told=speed_um_s)
                stands = False
            line.append((at_us, belt_um))
            if speed_um_s >= 0:
                stands = speed_um_s == 0
        return thinned(line)

    def _corner(self, before: Point, after: Point, *, begins: bool, told: int) -> list[Point]:
        """Where the belt began to move, or to brake, between two points; ramps count as half the speed throughout."""
        way_um, took_us = after[1] - before[1], after[0] - before[0]
        even_us = way_um * 1_000_000 // self._speed_um_s
        if begins:
            begun_us = after[0] - (2 * even_us if told > 0 else even_us)
            return [(begun_us, before[1])] if begun_us > before[0] else []
        brake_us = 2 * (took_us - even_us)
        if not 0 < brake_us < took_us:
            return []
        return [(after[0] - brake_us, after[1] - brake_us * self._speed_um_s // 2_000_000)]


def thinned(line: Sequence[Point]) -> list[Point]:
    """The line without points that lie within the tolerance of it (one pass, Reumann and Witkam's idea)."""
    if len(line) < 3:
        return list(line)
    kept, anchor = [line[0]], 0
    low, high = float("-inf"), float("inf")
    for place in range(1, len(line)):
        took, way = line[place][0] - line[anchor][0], line[place][1] - line[anchor][1]
        if took == 0:
            if abs(way) > TOLERANCE_UM:
                kept.append(line[place])
                anchor, low, high = place, float("-inf"), float("inf")
            continue
        if not low <= way / took <= high:
            kept.append(line[place - 1])
            anchor, low, high = place - 1, float("-inf"), float("inf")
            took, way = line[place][0] - line[anchor][0], line[place][1] - line[anchor][1]
            if took == 0:
                kept.append(line[place])
                anchor = place
                continue
        low, high = max(low, (way - TOLERANCE_UM) / took), min(high, (way + TOLERANCE_UM) / took)
    kept.append(line[-1])
    return kept


def position(points: Iterable[Point], at_us: int) -> int:
    """Belt position at a time, between the corners."""
    before: Point | None = None
    for point in points:
        if point[0] >= at_us:
            if before is None or point[0] == at_us:
                return point[1]
            share = (at_us - before[0]) / (point[0] - before[0])
            return before[1] + round((point[1] - before[1]) * share)
        before = point
    return before[1] if before else 0
