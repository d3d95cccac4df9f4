"""Marks of a body: belt positions at which something happens to it, from the induct eye to the blade.

A mark of a path is (belt travel from the body's head at the induct eye, place among equals, code). Codes below
``READER`` are edges of photo-eyes: channel, plus ``TAIL`` for the tail.
"""

from functools import lru_cache

from lane.model.config import Layout
from sim.plant.lane_io import Channel

TAIL = 8
"""Added to an eye's number: the tail's mark."""
READER, SECOND, SCALE, DETECTOR_HEAD, DETECTOR_TAIL, BLADE_HEAD, BLADE_TAIL = range(16, 23)
"""Codes of the other marks on a path."""
EXIT_HEAD, EXIT_TAIL, VALVE, WATCH = range(32, 36)
"""Codes of marks that stand by themselves and not on a path: the exit is known only at the blade."""

Path = tuple[tuple[int, int, int], ...]
LENGTHS_CACHED = 4_096
"""Paths kept, one per length of body: more than there are millimetres between the shortest and the longest."""


class Paths:
    """Paths of bodies by their length, in order of travel. ``second_reader``: a reader stands before the gate."""

    def __init__(self, layout: Layout, *, second_reader: bool) -> None:
        self._stations = station_marks(layout, second_reader=second_reader)
        self.marks = len(self._stations)
        self.of = lru_cache(LENGTHS_CACHED)(self._of)

    def _of(self, length_um: int) -> Path:
        half_um = length_um // 2
        return tuple(
            sorted(
                (at_um + half_um * halves, place, code) for place, (at_um, code, halves) in enumerate(self._stations)
            )
        )


def station_marks(layout: Layout, *, second_reader: bool) -> tuple[tuple[int, int, int], ...]:
    """(position, code, halves of the body's length to add) of every mark up to the blade."""
    eyes = (layout.tunnel_entry_um, layout.tunnel_exit_um, layout.divert_um)
    marks = [(0, TAIL + Channel.INDUCT, 2)]
    for channel, position in zip((Channel.TUNNEL_ENTRY, Channel.TUNNEL_EXIT, Channel.DIVERT), eyes, strict=True):
        marks += [(position, int(channel), 0), (position, TAIL + channel, 2)]
    marks += [(layout.reader_um, READER, 1), (layout.scale_um, SCALE, 1)]
    if second_reader:
        marks += [(layout.second_reader_um, SECOND, 1)]
    marks += [(layout.detector_um, DETECTOR_HEAD, 0), (layout.detector_um, DETECTOR_TAIL, 2)]
    marks += [(layout.gate_um, BLADE_HEAD, 0), (layout.gate_um, BLADE_TAIL, 2)]
    return tuple(marks)
