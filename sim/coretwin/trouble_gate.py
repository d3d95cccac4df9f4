"""Faults of gate and X-rays: a blade that sticks, is slow or bounces, switches that lie, outputs that do not move."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from devices.commands import ReleasePulse
from devices.signals import GateInPosition, GatePosition
from sim.coretwin.tampering import changed
from sim.coretwin.trouble_signals import ARMED_US
from sim.faults import Fault, FaultKind

if TYPE_CHECKING:
    from sim.coretwin.troubles import Troubles

BOUNCE_US = 15_000
LOOK_US = 100_000
"""A blade changes its speed only at rest: how often that is looked for."""
_OTHER = {
    GatePosition.RELEASE: GatePosition.INSPECT,
    GatePosition.INSPECT: GatePosition.RELEASE,
    GatePosition.MOVING: GatePosition.INSPECT,
}


class GateTroubles:
    """Blade, end switches, release output, X-ray source."""

    def __init__(self, troubles: "Troubles") -> None:
        self._troubles, self._station = troubles, troubles.station
        self._usual_us = troubles.station.plant.gate.travel_us
        self.doers: dict[FaultKind, Callable[[Fault], None]] = {
            FaultKind.GATE_STUCK: self._stick,
            FaultKind.GATE_STUCK_OUT: self._stick_out,
            FaultKind.GATE_SLOW: self._slow,
            FaultKind.GATE_BOUNCES: self._bounce,
            FaultKind.GATE_FALSE_SWITCH: self._lie,
            FaultKind.OUTPUT_DEAD: self._dead,
            FaultKind.XRAY_TRIP: self._trip,
        }

    def _stick(self, fault: Fault) -> None:
        plant, station = self._station.plant, self._station

        def free() -> None:
            plant.stick_gate(station.now, False)

        if not plant.gate.stuck and self._troubles.lasting(fault, free):
            plant.stick_gate(station.now, True)

    def _stick_out(self, fault: Fault) -> None:
        """The next time that the blade has reached RELEASE."""
        station = self._station

        def reached(switch: GateInPosition) -> GateInPosition:
            if switch.position is not GatePosition.RELEASE:
                return switch
            station.driver.call_at(station.now, self._stuck_there, fault)
            return changed(switch)

        self._troubles.between.arm(GateInPosition, reached, until_us=station.now + ARMED_US)

    def _stuck_there(self, fault: Fault) -> None:
        if not self._troubles.healed:
            self._stick(fault)
            self._station.follow_plant()

    def _slow(self, fault: Fault) -> None:
        self._travel((fault, self._usual_us * fault.strength // 1_000))

    def _travel(self, wanted: tuple[Fault, int]) -> None:
        fault, travel_us = wanted
        station, gate = self._station, self._station.plant.gate
        if self._troubles.healed:
            return
        if gate.direction or not gate.home(station.now) or gate.stuck:
            station.driver.call_at(station.now + LOOK_US, self._travel, wanted)
            return
        if self._troubles.lasting(fault, lambda: self._usual(None)):
            gate.travel_us = travel_us

    def _usual(self, _: None) -> None:
        station, gate = self._station, self._station.plant.gate
        if gate.direction or not gate.home(station.now):
            station.driver.call_at(station.now + LOOK_US, self._usual)
        else:
            gate.travel_us = self._usual_us

    def _bounce(self, fault: Fault) -> None:
        station = self._station

        def bounce(switch: GateInPosition) -> GateInPosition:
            if switch.position is GatePosition.MOVING:
                return switch
            self._troubles.hit(fault)
            for number in range(fault.strength):
                off_us = station.now + (2 * number + 1) * BOUNCE_US
                station.driver.call_at(off_us, self._opens, switch)
                station.driver.call_at(off_us + BOUNCE_US, self._looked_at)
            return changed(switch)

        self._troubles.between.arm(GateInPosition, bounce, until_us=station.now + ARMED_US)

    def _opens(self, switch: GateInPosition) -> None:
        """The contact opens for a moment, as long as the blade rests on it."""
        gate, now = self._station.plant.gate, self._station.now
        rests = gate.out(now) if switch.position is GatePosition.RELEASE else gate.home(now)
        if rests and not self._troubles.silent:
            moving = changed(switch, at_us=now, belt_um=self._station.belt(), position=GatePosition.MOVING)
            self._station.emit(moving)

    def _lie(self, fault: Fault) -> None:
        def lie(switch: GateInPosition) -> GateInPosition | None:
            self._troubles.hit(fault)
            self._station.driver.call_at(self._station.now + fault.duration_us, self._looked_at)
            return changed(switch, position=_OTHER[switch.position]) if fault.strength else None

        self._troubles.between.arm(GateInPosition, lie, until_us=self._station.now + ARMED_US)

    def _looked_at(self, _: None) -> None:
        """The switch tells what is there: it closed again, or somebody moved the blade a little."""
        if not self._troubles.silent:
            self._troubles.links.tell_gate()

    def _dead(self, fault: Fault) -> None:
        tamper = self._troubles.between.arm_commands(ReleasePulse, lambda _: None, count=1_000)

        def end() -> None:
            tamper.count = 0

        if not self._troubles.lasting(fault, end):
            tamper.count = 0

    def _trip(self, fault: Fault) -> None:
        actuators, between = self._station.actuators, self._troubles.between

        def end() -> None:
            actuators.beam_on = between.state.machine.beam
            actuators.report_safety()

        if self._troubles.lasting(fault, end):
            actuators.beam_on = False
            actuators.report_safety()
