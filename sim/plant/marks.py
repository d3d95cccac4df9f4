"""Marks of a body: belt positions at which something happens to it, from the induct eye to its exit.

A mark is (belt travel from the body's head at the induct eye, what is called, what that is told: a channel, a reader).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lane.model.config import READER_FIRST, READER_SECOND, Layout
from sim.plant.lane_io import Channel

Target = Callable[[Any], object]
Mark = tuple[int, Target, Any]
Path = tuple[Mark, ...]
LENGTHS_CACHED = 4_096
"""Paths kept, one per length of body: more than there are millimetres between the shortest and the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What is called at each kind of mark, with (body, its generation, what, belt position)."""

    head: Target
    tail: Target
    reader: Target
    scale: Target
    detector: Target
    blade: Target
    past_blade: Target


class Paths:
    """Paths of bodies by their length, in order of travel. ``second_reader``: a reader stands before the gate."""

    def __init__(self, layout: Layout, targets: Targets, *, second_reader: bool) -> None:
        self._stations = _stations(layout, targets, second_reader=second_reader)
        self.of = lru_cache(LENGTHS_CACHED)(self._of)

    def _of(self, length_um: int) -> Path:
        half_um = length_um // 2
        marks = [(at_um + half_um * halves, target, what) for at_um, halves, target, what in self._stations]
        return tuple(sorted(marks, key=lambda mark: mark[0]))


def _stations(layout: Layout, targets: Targets, *, second_reader: bool) -> list[tuple[int, int, Target, Any]]:
    """(position, halves of the body's length to add, target, what) of every mark up to the blade."""
    head, tail = targets.head, targets.tail
    marks: list[tuple[int, int, Target, Any]] = [(0, 2, tail, int(Channel.INDUCT))]
    eyes = (layout.tunnel_entry_um, layout.tunnel_exit_um, layout.divert_um)
    for channel, position in zip((Channel.TUNNEL_ENTRY, Channel.TUNNEL_EXIT, Channel.DIVERT), eyes, strict=True):
        marks += [(position, 0, head, int(channel)), (position, 2, tail, int(channel))]
    marks += [(layout.reader_um, 1, targets.reader, READER_FIRST), (layout.scale_um, 1, targets.scale, None)]
    if second_reader:
        marks += [(layout.second_reader_um, 1, targets.reader, READER_SECOND)]
    marks += [(layout.detector_um, 0, targets.detector, True), (layout.detector_um, 2, targets.detector, False)]
    marks += [(layout.gate_um, 0, targets.blade, None), (layout.gate_um, 2, targets.past_blade, None)]
    return marks
