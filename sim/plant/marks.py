"""Marks of a body: belt positions at which something happens to it, from the induct eye to the blade."""

from lane.model.config import Layout
from sim.plant.lane_io import Channel

TAIL = 8
"""Added to an eye's number: the tail's mark."""
READER, SECOND, SCALE, DETECTOR_HEAD, DETECTOR_TAIL, BLADE_HEAD, BLADE_TAIL, VALVE, WATCH = range(16, 25)
"""Codes of the other marks; the numbers below are eyes."""


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
