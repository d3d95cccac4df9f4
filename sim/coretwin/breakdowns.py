"""Devices that break down and are repaired: what the lane notices of it, and when its officer takes it up again.

The downtimes themselves are ``sim.world.downtime``; here stands what each device does to belt, signals and links while
it is down. Nothing tells the controller that a device is broken but the device's own silence or report.
"""

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import simpy

from devices.commands import RunBelt
from devices.signals import BarcodeRead, BeltState, LinkLost, LinkRestored, SafetyChanged, WeightMeasured
from lane.model.config import READER_FIRST, READER_SECOND
from sim.coretwin.tampering import Between
from sim.kernel import DriverError, Kernel
from sim.world.downtime import Counted, Downtime, DowntimeProcess, WorkClock
from sim.world.shifts import Calendar

if TYPE_CHECKING:
    from sim.coretwin.station import Station

ALWAYS = 1 << 62
"""So many messages, or so long: no end."""


class Device(StrEnum):
    """What can break down."""

    FEEDER = "FEEDER"  # no parcel comes
    DRIVE = "DRIVE"  # the belt stops and does not start
    READER = "READER"  # no code is read; its link is silent
    SECOND_READER = "SECOND_READER"
    SCALE = "SCALE"
    SOURCE = "SOURCE"  # no X-rays; its link is silent
    DETECTOR = "DETECTOR"  # no picture; its link is silent
    VISION = "VISION"  # no count comes back
    GATE = "GATE"  # the blade sticks
    GUARD = "GUARD"  # a guard door is opened: X-rays off, the lane aborts


STOPPING = frozenset({Device.DRIVE, Device.SOURCE, Device.DETECTOR, Device.GATE, Device.GUARD})
"""While one of these is down nobody starts the lane."""
LINKED = {
    Device.READER: "reader",
    Device.SECOND_READER: "second_reader",
    Device.SCALE: "scale",
    Device.SOURCE: "source",
    Device.DETECTOR: "detector",
}
"""Devices whose link falls silent, and their role on the lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitters:
    """Who repairs: ``persons`` always, or as ``calendar`` says (their working time may count, see ``Downtime``)."""

    persons: int = 1
    calendar: Calendar | None = None


class Breakdowns:
    """The downtimes of one station. ``busy``: tells whether somebody opens parcels, ``running``: the lane executes."""

    def __init__(self, station: "Station", downtimes: tuple[Downtime, ...], fitters: Fitters, seed: int) -> None:
        kernel = station.driver
        if not isinstance(kernel, Kernel):
            raise DriverError("breakdowns: downtimes are SimPy processes; expected driver simpy, was heap")
        self._station = station
        self._between = getattr(station.troubles, "between", None) or Between.around(station)
        self._down: Counter[Device] = Counter()
        self._lost_us: dict[Device, int] = {}
        calendar = fitters.calendar
        self._clocks = {
            Counted.CALENDAR: WorkClock(kernel, working=True),
            Counted.LANE: WorkClock(kernel, working=False),
            Counted.BENCH: WorkClock(kernel, working=False),
            Counted.FITTERS: WorkClock(kernel, working=calendar is None or calendar.level(0) > 0),
        }
        most = fitters.persons if calendar is None else max(1, calendar.persons_max)
        resource = simpy.Resource(kernel, capacity=most)
        if calendar is not None:
            kernel.process(self._duty(kernel, calendar))
        self._processes = [
            DowntimeProcess(kernel, spec, seed, self._clocks, resource, self._switch) for spec in downtimes
        ]
        self._effects: dict[Device, Callable[[bool], None]] = {
            Device.FEEDER: self._feeder,
            Device.DRIVE: self._drive,
            Device.VISION: self._vision,
            Device.GATE: self._gate,
            Device.GUARD: self._guard,
        }
        between = self._between
        between.arm_commands(RunBelt, self._unless(Device.DRIVE), count=ALWAYS)
        between.arm(WeightMeasured, self._unless(Device.SCALE), count=ALWAYS)
        between.arm(BarcodeRead, self._read, count=ALWAYS)

    def running(self, running: bool) -> None:
        """The lane executes, or does not."""
        self._clocks[Counted.LANE].set(running)

    def opening(self, busy: bool) -> None:
        """Somebody opens parcels, or nobody does."""
        self._clocks[Counted.BENCH].set(busy)

    def blocked(self) -> bool:
        """Whether a device is down without which nobody starts the lane."""
        return any(self._down[device] for device in STOPPING)

    def figures(self, until_us: int) -> list[dict[str, Any]]:
        """One table per kind of downtime."""
        return [process.figures(until_us) for process in self._processes]

    def _duty(self, kernel: Kernel, calendar: Calendar) -> Generator[simpy.Event, Any, None]:
        while True:
            yield kernel.timeout(calendar.next_change_us(kernel.now) - kernel.now)
            self._clocks[Counted.FITTERS].set(calendar.level(kernel.now) > 0)

    # --- what it does to the lane

    def _switch(self, name: str, down: bool) -> None:
        device = Device(name)
        was = self._down[device]
        self._down[device] = was + (1 if down else -1)
        if bool(was) == bool(self._down[device]):
            return
        if device in LINKED:
            self._link(device, down)
        else:
            self._effects[device](down)
        self._station.follow_plant()

    def _unless(self, device: Device) -> Callable[[Any], Any]:
        return lambda item: None if self._down[device] else item

    def _read(self, item: BarcodeRead) -> BarcodeRead | None:
        device = {READER_FIRST: Device.READER, READER_SECOND: Device.SECOND_READER}[item.reader]
        return None if self._down[device] else item

    def _link(self, device: Device, down: bool) -> None:
        station, role = self._station, LINKED[device]
        at_us, belt_um = station.now, station.belt()
        if down:
            self._lost_us[device] = at_us
            if device in (Device.SOURCE, Device.DETECTOR):
                station.actuators.beam_on = False  # a picture without one of the two is none
            station.emit(LinkLost(at_us=at_us, belt_um=belt_um, role=role, port="tcp", unit=1, reason="broken down"))
            return
        gap_us = at_us - self._lost_us.pop(device)
        station.emit(
            LinkRestored(
                at_us=at_us, belt_um=belt_um, role=role, port="tcp", unit=1, gap_us=gap_us, watchdog_tripped=False
            )
        )

    def _feeder(self, down: bool) -> None:
        self._station.plant.stop_feeder(self._station.now, down)

    def _drive(self, down: bool) -> None:
        station = self._station
        if down:
            station.plant.set_belt(station.now, 0)
        station.emit(BeltState(at_us=station.now, belt_um=station.belt(), running=False, speed_um_s=0, fault=down))

    def _vision(self, down: bool) -> None:
        self._station.troubles.blind = down

    def _gate(self, down: bool) -> None:
        self._station.plant.stick_gate(self._station.now, down)

    def _guard(self, down: bool) -> None:
        station = self._station
        if not down:
            station.actuators.report_safety()
            return
        station.actuators.beam_on = False
        station.emit(
            SafetyChanged(
                at_us=station.now, belt_um=station.belt(), estop_ok=True, guard_ok=False, interlock_ok=True,
                key_on=True, xray_on=False, xray_ready=False,
            )
        )  # fmt: skip
