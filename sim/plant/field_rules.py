"""Rules that a lane PLC keeps by itself at divert eye and gate: H2, H3, H5 of ``sim.plant.options.Duty``.

Responsible for when they apply; ``LaneIo`` owns the outputs and obeys. A lane I/O without them has no such object.
"""

from collections import deque

from sim.plant.options import Duty

DISCREPANCY_US = 320_000
"""H2: the blade stands where it was commanded within this time, else the belt stops (prototype: 320 ms)."""
LATCHES = 8
"""Bodies between divert eye and blade: at most a handful."""
NEVER = 1 << 62
RULES = frozenset({Duty.H2, Duty.H3, Duty.H5})
"""Duties that need this object."""


class FieldRules:
    """State of the three rules. ``way_um``: belt from divert eye to blade; ``gap_um_min``: least gap of H5."""

    __slots__ = ("_duties", "_gap_um_min", "_inspect", "_tail_um", "_way_um", "check_us", "stopped")

    def __init__(self, duties: frozenset[Duty], *, gap_um_min: int, way_um: int) -> None:
        self._duties = duties
        self._gap_um_min = gap_um_min
        self._way_um = way_um
        self._tail_um = -NEVER  # last tail at the divert eye
        self._inspect: deque[int] = deque(maxlen=LATCHES)
        self.check_us = NEVER
        self.stopped = False

    def divert(self, blocked: bool, belt_um: int, windows: list[tuple[int, int]]) -> bool:
        """An edge of the divert eye; ``windows``: of the pulses that run or wait. True: the gate must close (H5)."""
        if not blocked:
            self._tail_um = belt_um
            return False
        at_blade_um = belt_um + self._way_um
        if Duty.H3 in self._duties and not any(start <= at_blade_um <= end for start, end in windows):
            self._inspect.append(at_blade_um)
        return Duty.H5 in self._duties and belt_um - self._tail_um < self._gap_um_min

    def latched(self, from_um: int, to_um: int) -> bool:
        """H3: the body that this window is meant for has passed the divert eye without a permit."""
        return any(from_um <= at_um <= to_um for at_um in self._inspect)

    def valve_changed(self, at_us: int) -> None:
        """The blade is commanded anew: when it must have arrived."""
        if Duty.H2 in self._duties:
            self.check_us = at_us + DISCREPANCY_US

    def checked(self, at_us: int, there: bool) -> bool:
        """The time for the blade is over, ``there``: it stands where it was commanded. True: the belt must stop."""
        if at_us < self.check_us:
            return False
        self.check_us = NEVER
        self.stopped = self.stopped or not there
        return not there
