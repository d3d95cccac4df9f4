"""What the field owes by itself, whatever the controller does: seen at the plant's own edges, not in any record.

``H1`` a pulse ends in its time, ``H2`` a blade that is not where it was commanded stops the belt, ``H3`` the
destination is latched at the divert eye, ``H4`` the gate closes at the parcel's own tail, ``H5`` a close follower
closes the gate. Only the duties that a lane's field has are asked for. The watchdog (``H0``) is not looked at here:
the controller proves it before every start.
"""

from typing import TYPE_CHECKING

from devices.commands import RestGate
from lane.model.words import Route
from sim.explore.words import PERMIT_NO_MAX, TESTS
from sim.plant.field_rules import DISCREPANCY_US
from sim.plant.lane_io import Channel, Pulse
from sim.plant.listener import Listener
from sim.plant.options import Duty

if TYPE_CHECKING:
    from sim.coretwin.station import Station
    from sim.explore.watch import Watch

SLACK_US = 30_000
"""One cycle of the field and the way of a signal."""
WAY_UM = 5_000
"""Belt by which position and encoder count may differ."""
DIVERT = int(Channel.DIVERT)


class Duties:
    """Stands between the plant and its listener: passes everything on, and looks at outputs when they must change."""

    def __init__(self, station: "Station", watch: "Watch", listener: Listener) -> None:
        self._station, self._watch, self._listener = station, watch, listener
        plant = station.plant
        doers = station.actuators.doers
        self._rests, doers[RestGate] = doers[RestGate], self._rest
        self._io, self._plant = plant.io, plant
        self._has = plant.options.duties
        layout = plant.layout
        self._gap_um, self._way_um = layout.gap_um_min, layout.gate_um - layout.divert_um
        self._tail_um = -(1 << 60)
        self._unplanned: dict[int, int] = {}  # who passed the divert eye without a pulse: where the blade meets him
        self._level, self._valve_us = False, 0
        self.fed, self.code, self.weight = listener.fed, listener.code, listener.weight
        self.detector, self.left, self.reached, self.belt = (
            listener.detector, listener.left, listener.reached, listener.belt,
        )  # fmt: skip
        self.switch, self.refused = listener.switch, listener.refused

    def _breaks(self, rule: str, text: str, number: int) -> None:
        self._watch.at_us = self._plant.now_us
        self._watch.breaks(rule, text, body=number)

    # --- edges

    def eye(self, at_us: int, belt_um: int, channel: int, blocked: bool, number: int) -> None:
        """A photo-eye changed level; the field has done what it does by itself."""
        if channel == DIVERT:
            self._divert(belt_um, blocked, number)
        self._listener.eye(at_us, belt_um, channel, blocked, number)

    def _divert(self, belt_um: int, blocked: bool, number: int) -> None:
        if not blocked:
            self._tail_um = belt_um
            return
        io = self._io
        gap_um = belt_um - self._tail_um
        if Duty.H5 in self._has and gap_um < self._gap_um and (io.valve or io.waiting is not None):
            self._breaks("H5", f"{gap_um} um behind the body before it, and the gate stays open", number)
        if Duty.H3 in self._has:
            blade_um = belt_um + self._way_um
            pulses = [pulse for pulse in (io.running, io.waiting) if pulse is not None]
            if not any(pulse.from_um < 0 or pulse.from_um <= blade_um <= pulse.to_um for pulse in pulses):
                self._unplanned[number] = blade_um

    def routed(self, at_us: int, belt_um: int, number: int, route: Route) -> None:
        """A head reached the blade."""
        expected_um = self._unplanned.pop(number, -1)
        pulse = self._io.running
        near = expected_um >= 0 and abs(belt_um - expected_um) <= WAY_UM
        if near and route is Route.RELEASE and pulse is not None and 0 <= pulse.from_um <= expected_um <= pulse.to_um:
            self._breaks("H3", f"permit {pulse.permit_no} came behind the divert eye and opened the gate", number)
        self._listener.routed(at_us, belt_um, number, route)

    def valve(self, at_us: int, belt_um: int, level: bool, permit_no: int) -> None:
        """The release output changed: the blade must follow, and close again."""
        if level is not self._level:  # else a blade that came free is told of again
            self._level, self._valve_us = level, at_us
            self._commanded(at_us, level=level)
        self._listener.valve(at_us, belt_um, level, permit_no)

    def _commanded(self, at_us: int, *, level: bool) -> None:
        """The output has another level: what must follow, and when."""
        if Duty.H2 in self._has:
            self._plant.call_at(at_us + DISCREPANCY_US + SLACK_US, self._arrived, at_us)
        if level and self._io.running is not None:
            self._opened(at_us, self._plant.belt.position(at_us), self._io.running)
        if level and Duty.H1 in self._has and self._io.running is not None:
            self._plant.call_at(self._io.running.ends_us + SLACK_US, self._ended, self._io.running)
        if level and Duty.H4 in self._has and self._io.running is not None and self._io.running.to_um >= 0:
            self._plant.post(self._io.running.to_um + WAY_UM, self._past)

    def _opened(self, at_us: int, belt_um: int, pulse: Pulse) -> None:
        """A pulse opens in its time, and where its window begins: later the blade would swing into the parcel."""
        if self._io.owner is not None and pulse.permit_no > PERMIT_NO_MAX and pulse.permit_no not in TESTS:
            self._breaks("I1", f"the gate opened for permit {pulse.permit_no} of a stranger", 0)
        if at_us > pulse.not_after_us:
            self._breaks("R12", f"the gate opened for permit {pulse.permit_no} after it had expired", 0)
        if 0 <= pulse.from_um < belt_um - WAY_UM:
            late_um = belt_um - pulse.from_um
            self._breaks("R12", f"the gate opened {late_um} um behind the window of permit {pulse.permit_no}", 0)

    def _rest(self, command: RestGate) -> None:
        """The order to rest the gate, when it reaches the lane I/O, leaves no pulse."""
        self._rests(command)
        if not self._station.troubles.silent and (self._io.valve or self._io.waiting is not None):
            self._breaks("R12", "the gate was told to rest, and a pulse is left", 0)

    def _arrived(self, since_us: int) -> None:
        """H2: the blade had its time. It stands where it was commanded, or the belt is told to stop."""
        if since_us != self._valve_us:
            return
        io = self._io
        there = io.inputs >> (Channel.GATE_OUT if io.valve else Channel.GATE_HOME) & 1
        if not there and self._plant.belt.target_um_s:
            where = "OUT" if io.valve else "HOME"
            self._breaks("H2", f"the blade is not {where} {DISCREPANCY_US // 1_000} ms after its command", 0)

    def _ended(self, pulse: Pulse) -> None:
        if self._io.running is pulse and self._io.valve:
            self._breaks("H1", f"the pulse of permit {pulse.permit_no} lasts beyond its time", 0)

    def _past(self, due: tuple[int, int]) -> None:
        running = self._io.running
        if running is not None and 0 <= running.to_um <= due[0] - WAY_UM:
            self._breaks("H4", f"the gate is open for permit {running.permit_no} beyond its parcel's tail", 0)
