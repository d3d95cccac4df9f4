"""What follows the release output: the blade, its end switches, and the times at which the lane I/O acts by itself."""

from typing import TYPE_CHECKING

from sim.plant.gate import Gate
from sim.plant.lane_io import Channel, LaneIo

if TYPE_CHECKING:
    from sim.plant.plant import Plant

NEVER = 1 << 62
"""A time or belt position that does not come."""


class Diverter:
    """The blade as the release output drives it. ``due_us``: when pulse or blade is due next (``NEVER``: neither)."""

    __slots__ = ("_blade_us", "_gate", "_io", "_mark_um", "_plant", "_pulse_us", "_refusals", "_valve", "due_us")

    def __init__(self, plant: "Plant", io: LaneIo, gate: Gate) -> None:
        self._plant, self._io, self._gate = plant, io, gate
        self._blade_us = self._pulse_us = self.due_us = NEVER
        self._valve = False  # as the blade last saw it
        self._refusals = 0  # refused permits already reported
        self._mark_um = -1  # the position the lane I/O waits for, as last put among the marks

    @property
    def behind(self) -> bool:
        """Whether the output changed and the blade does not know it yet."""
        return self._io.valve != self._valve

    def changed(self, now_us: int, belt_um: int) -> None:
        """The lane I/O was written to, or acted: follow it."""
        io, plant = self._io, self._plant
        due_um = io.due_belt_um()
        if due_um is not None and due_um != self._mark_um:
            self._mark_um = due_um
            plant.post(due_um, self._reached)
        if io.refusals != self._refusals:
            self._refusals = io.refusals
            plant.listener.refused(now_us, belt_um, io.refused, io.refusal)
        if io.valve != self._valve:
            self._drive(now_us, belt_um)
        due_us = io.due_at_us()
        self._pulse_us = NEVER if due_us is None else due_us
        self._plan()
        if io.rules is not None and io.rules.stopped and plant.belt.target_um_s:
            plant.set_belt(now_us, 0)

    def _reached(self, reached: tuple[int, int]) -> None:
        """The belt is where the lane I/O waited for it."""
        self._mark_um = -1
        self._act(self._plant.now_us, reached[0])

    def _happen(self, due_us: int) -> None:
        """What is due at this time: the pulse's end first, then the blade's arrival."""
        if due_us != self.due_us:
            return  # planned anew meanwhile
        self.due_us = NEVER
        at_us = self._plant.now_us
        belt_um = self._plant.belt.position(at_us)
        if self._pulse_us <= at_us:
            self._act(at_us, belt_um)
        if self._blade_us <= at_us:
            self._blade_us = NEVER
            if self._gate.arrive(at_us):
                self._switch(Channel.GATE_OUT if self._gate.out(at_us) else Channel.GATE_HOME, True, at_us, belt_um)
        self._plan()

    def stick(self, now_us: int, belt_um: int, stuck: bool) -> None:
        """The blade sticks where it is, or comes free and goes where the valve wants it."""
        gate = self._gate
        position = gate.position(now_us)
        gate.stuck = stuck
        if stuck:
            gate.halt(now_us)
            self._blade_us = NEVER
            self._plan()
        elif position != (gate.travel_us if self._io.valve else 0):
            self._drive(now_us, belt_um)

    def _act(self, at_us: int, belt_um: int) -> None:
        self._io.act(at_us, belt_um)
        self.changed(at_us, belt_um)

    def _plan(self) -> None:
        due_us = self._pulse_us if self._pulse_us < self._blade_us else self._blade_us
        if due_us != self.due_us:
            self.due_us = due_us
            if due_us != NEVER:
                self._plant.call_at(due_us, self._happen, due_us)

    def _drive(self, at_us: int, belt_um: int) -> None:
        """The blade starts to move and leaves its switch."""
        io, gate = self._io, self._gate
        self._valve = io.valve
        home, out = gate.home(at_us), gate.out(at_us)
        due_us = gate.drive(at_us, io.valve)
        self._blade_us = NEVER if due_us is None else due_us
        self._plan()
        self._plant.listener.valve(at_us, belt_um, io.valve, io.applied)
        if due_us is None:
            self._rests(at_us, belt_um)
            return
        if home:
            self._switch(Channel.GATE_HOME, False, at_us, belt_um)
        if out:
            self._switch(Channel.GATE_OUT, False, at_us, belt_um)

    def _rests(self, at_us: int, belt_um: int) -> None:
        """The blade is where the valve wants it. Turned round before it moved, it never left its switch."""
        for channel, there in ((Channel.GATE_HOME, self._gate.home(at_us)), (Channel.GATE_OUT, self._gate.out(at_us))):
            if there and not self._io.inputs >> channel & 1:
                self._switch(channel, True, at_us, belt_um)

    def _switch(self, channel: Channel, level: bool, at_us: int, belt_um: int) -> None:
        self._io.edge(channel, level, at_us, belt_um)
        self._plant.listener.switch(at_us, belt_um, channel, level, self._io.applied)
