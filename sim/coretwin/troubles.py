"""Lets the planned faults of a core twin happen, and the devices report them as their manual says."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from devices.signals import EncoderDoubt, GateInPosition, GatePosition, LinkLost, LinkRestored, OutputProven
from sim.faults import Fault, FaultKind
from sim.plant.bodies import Body
from sim.plant.happenings import Happening
from sim.plant.lane_io import RING_SLOTS
from sim.streams.truth import Planted

if TYPE_CHECKING:
    from sim.coretwin.station import Station

FOREIGN = 1_000_000_000
"""Body numbers of inserted parcels start here; the stream's own are far below."""
FOREIGN_UM, CLEAR_UM = 150_000, 30_000
"""Length of an inserted carton, and what a person leaves free on either side."""
DETECT_US = 300_000
"""Silence after which the link is reported lost (3-devices, section 3)."""


class Troubles:
    """The faults of one station. ``silent``: the lane does not hear the lane I/O; ``blind``: no counts come back."""

    def __init__(self, station: "Station", faults: tuple[Fault, ...]) -> None:
        self._station = station
        self._foreign = FOREIGN
        self._lost_us = self._missed = 0
        self._kept: list[Happening] = []
        self.silent = False
        self.blind = False
        self.happened: list[Fault] = []
        self._doers: dict[FaultKind, Callable[[Fault], None]] = {
            FaultKind.GATE_STUCK: self._gate,
            FaultKind.BODY_REMOVED: self._remove,
            FaultKind.BODY_INSERTED: self._insert,
            FaultKind.IO_SILENT: self._silence,
            FaultKind.VISION_LOST: self._blind,
        }
        for fault in faults:
            station.driver.call_at(fault.at_us, self._begin, fault)

    def _begin(self, fault: Fault) -> None:
        self._doers[fault.kind](fault)
        self.happened.append(fault)
        self._station.follow_plant()

    def _gate(self, fault: Fault) -> None:
        station = self._station
        station.plant.stick_gate(station.now, True)
        station.driver.call_at(station.now + fault.duration_us, self._gate_free)

    def _gate_free(self, _: None) -> None:
        self._station.plant.stick_gate(self._station.now, False)
        self._station.follow_plant()

    def _remove(self, fault: Fault) -> None:
        """The body nearest to the position, if there is one behind the induct eye and before the blade."""
        station = self._station
        plant, belt_um = station.plant, station.belt()
        layout = station.config.layout
        free = [
            body
            for body in plant.bodies.values()
            if body.length_um < belt_um - body.head_um < layout.gate_um - body.length_um
        ]
        if free:
            near = min(free, key=lambda body: abs(belt_um - body.head_um - fault.position_um))
            number = near.parcel.number
            plant.remove(station.now, number)
            station.gone()

    def _insert(self, fault: Fault) -> None:
        """A small foreign carton, in the free place nearest to the position, if the belt runs and has one."""
        station = self._station
        plant, belt_um = station.plant, station.belt()
        if not plant.bodies or plant.belt.target_um_s == 0:
            return
        places = sorted(range(400_000, 7_000_000, 50_000), key=lambda place: abs(place - fault.position_um))
        head_um = next((belt_um - place for place in places if self._free(belt_um - place)), None)
        if head_um is None:
            return
        self._foreign += 1
        foreign = replace(
            next(iter(plant.bodies.values())).parcel,
            number=self._foreign,
            planted=Planted.NO_DECLARATION,
            carton_mm=(FOREIGN_UM // 1_000, 150, 120),
            label="",
            readable=False,
            declared=None,
        )
        station.referee.inserted(foreign)
        plant.insert(station.now, Body(foreign, head_um))

    def _free(self, head_um: int) -> bool:
        """Whether a foreign carton with its head there touches nobody."""
        return (
            all(  # a body lies from its head_um (leading edge) to head_um + length: what is behind has the larger one
                head_um > body.head_um + body.length_um + CLEAR_UM or head_um + FOREIGN_UM + CLEAR_UM < body.head_um
                for body in self._station.plant.bodies.values()
            )
        )

    def keep(self, happening: Happening) -> None:
        """The ring takes an event that the lane can't read now."""
        self._kept.append(happening)
        self._missed += 1

    def _silence(self, fault: Fault) -> None:
        if self.silent:
            return
        station, io = self._station, self._station.plant.io
        self.silent, self._lost_us = True, station.now
        io.beat(io.heartbeat + 1, station.now)  # the last heartbeat that arrives
        station.driver.call_at(station.now + DETECT_US, self._detected)
        station.driver.call_at(station.now + io.watchdog_ms * 1_000, self._trip)
        station.driver.call_at(station.now + max(fault.duration_us, DETECT_US + 1), self._return)

    def _detected(self, _: None) -> None:
        station = self._station
        station.emit(
            LinkLost(at_us=station.now, belt_um=station.belt(), role="io", port="tcp", unit=1, reason="silence")
        )

    def _trip(self, _: None) -> None:
        station = self._station
        if self.silent:
            belt_um = station.plant.sync(station.now)
            station.plant.io.watch(station.now, station.now, belt_um)
            station.plant.io_changed(station.now, belt_um)
            station.follow_plant()

    def _return(self, _: None) -> None:
        """The link is back: gap and trip are told, then the edges that the ring kept, then states as they stand."""
        station, io = self._station, self._station.plant.io
        self.silent = False
        gap_us, tripped = station.now - self._lost_us, io.tripped
        io.beat(io.heartbeat + 1, station.now)
        io.clear_trip(station.now)
        station.plant.allow_induction(station.now, station.actuators.allowed)
        at_us, belt_um = station.now, station.belt()
        kept, self._kept = self._kept[-RING_SLOTS:], []
        overrun = self._missed > RING_SLOTS
        self._missed = 0
        station.take(kept)
        station.emit(
            LinkRestored(
                at_us=at_us, belt_um=belt_um, role="io", port="tcp", unit=1, gap_us=gap_us, watchdog_tripped=tripped
            )
        )
        station.emit(OutputProven(at_us=at_us, belt_um=belt_um, point="release", level=io.valve, permit_no=io.applied))
        if overrun:
            station.emit(EncoderDoubt(at_us=at_us, belt_um=belt_um, reason="event ring overrun"))
        if station.plant.gate.home(at_us):
            station.emit(GateInPosition(at_us=at_us, belt_um=belt_um, position=GatePosition.INSPECT))
        station.follow_plant()

    def _blind(self, fault: Fault) -> None:
        self.blind = True
        self._station.driver.call_at(self._station.now + fault.duration_us, self._seeing)

    def _seeing(self, _: None) -> None:
        self.blind = False
