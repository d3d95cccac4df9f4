"""Faults of links and devices: the lane I/O that falls silent, restarts or obeys a stranger; readers, drive, safety."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from devices.commands import ProveWatchdog, RunBelt, StopBelt
from devices.signals import (
    POINT_RELEASE,
    BarcodeRead,
    DeviceRestarted,
    EncoderDoubt,
    EyeChanged,
    GateInPosition,
    GatePosition,
    LinkLost,
    LinkRestored,
    OutputProven,
    SafetyChanged,
    StrangerRefused,
    WatchdogProven,
    WeightMeasured,
)
from lane.inputs import ScanStored
from lane.model.config import EYES, READER_FIRST, READER_SECOND
from sim.coretwin.actuators import CORE_TOKEN
from sim.faults import Fault, FaultKind
from sim.plant.lane_io import RING_SLOTS, LaneIo

if TYPE_CHECKING:
    from sim.coretwin.troubles import Troubles

DETECT_US = 300_000
"""Silence after which the link is reported lost: the time-out of a request on Modbus TCP."""
FROZEN_US = 60_000
"""A heartbeat that stands still is noticed within three cycles of 20 ms."""
STORM_US = 250_000
"""The links of a reconnect storm: away and back within this."""
NEEDED = ("drive", "cabinet", "source", "detector")
AUXILIARY = (READER_FIRST, READER_SECOND, "scale")
ROLES = ("io", "drive", "cabinet", "detector", READER_FIRST, "scale")
FOREIGN_PERMIT = 65_100
"""A number that neither permits nor the watchdog proof use; further strange pulses count on from here."""
FOREIGN_TOKEN = 0xBAD
FOREIGN_WINDOW_UM = (1_000, 20_000_000)
"""From just ahead of the belt to far behind: only its time ends a stranger's pulse."""
WAYS = 12
"""What a stranger does at a device that obeys one owner: one time in so many he sends a copied frame, three times he
claims the device first, else he just writes."""
PROOF_US = 600_000
"""One and a half watchdog times of silence, and reading back."""
OFF_MS = 1 << 40
"""Watchdog time of a device whose watchdog is disabled."""


class LinkTroubles:
    """``silent`` on the troubles: commands to the lane I/O are lost and its edges wait in its ring."""

    def __init__(self, troubles: "Troubles") -> None:
        self._troubles, self._station = troubles, troubles.station
        self._kept: list[Any] = []
        self._missed = self._lost_us = 0
        self._told = False
        self._overflow = False
        self._foreign = FOREIGN_PERMIT
        self._refused = 0
        self._silent: dict[str, str] = {}
        self.doers: dict[FaultKind, Callable[[Fault], None]] = {
            FaultKind.IO_SILENT: self._silence,
            FaultKind.IO_GAP: self._silence,
            FaultKind.IO_FROZEN: self._silence,
            FaultKind.RING_OVERFLOW: self._silence,
            FaultKind.RECONNECT_STORM: self._storm,
            FaultKind.PLC_RESTART: self._restart,
            FaultKind.DEVICE_SWAPPED: self._swapped,
            FaultKind.DEVICE_SILENT: self._device,
            FaultKind.READER_SILENT: self._reader,
            FaultKind.SECOND_MASTER: self._stranger,
            FaultKind.WATCHDOG_OFF: self._watchdog_off,
            FaultKind.EMERGENCY_STOP: self._safety,
            FaultKind.GUARD_OPEN: self._safety,
        }

    # --- the lane I/O falls silent

    def keep(self, happening: Any) -> None:
        """The ring takes an event that the lane can't read now."""
        self._kept.append(happening)
        self._missed += 1

    def _silence(self, fault: Fault) -> None:
        if self._troubles.silent or not self._troubles.lasting(fault, lambda: self.hear(fault.kind)):
            return
        self._overflow = fault.kind is FaultKind.RING_OVERFLOW
        self.hush(FROZEN_US if fault.kind is FaultKind.IO_FROZEN else DETECT_US, fault.kind)

    def hush(self, detect_us: int, reason: str) -> None:
        """From here on nothing passes between lane and lane I/O; ``detect_us`` 0: nobody is there to notice."""
        station, io = self._station, self._station.plant.io
        self._troubles.silent, self._told, self._lost_us = True, False, station.now
        io.beat(io.heartbeat + 1, station.now)  # the last heartbeat that arrives
        io.admits(CORE_TOKEN, station.now)
        if detect_us:
            station.driver.call_at(station.now + detect_us, self._detected, (self._lost_us, reason))
        station.driver.call_at(station.now + io.watchdog_ms * 1_000, self._trip, self._lost_us)

    def _detected(self, lost: tuple[int, str]) -> None:
        since_us, reason = lost
        if self._troubles.silent and self._lost_us == since_us and not self._told:
            self._told = True
            self.lost("io", reason)

    def _trip(self, since_us: int) -> None:
        station = self._station
        if self._troubles.silent and self._lost_us == since_us:
            belt_um = station.plant.sync(station.now)
            station.plant.io.watch(station.now, station.now, belt_um)
            station.plant.io_changed(station.now, belt_um)
            station.follow_plant()

    def hear(self, reason: str, *, restarted: bool = False) -> None:
        """The link is back: gap and trip are told, then the edges that the ring kept, then states as they stand."""
        station, io = self._station, self._station.plant.io
        gap_us, tripped = station.now - self._lost_us, io.tripped
        if self._told or tripped or restarted:
            station.plant.rest_gate(station.now)  # safe state first: no waiting pulse survives a new connection
        self._troubles.silent = False
        self._own_again()
        io.beat(io.heartbeat + 1, station.now)
        io.clear_trip(station.now)
        station.plant.allow_induction(station.now, station.actuators.allowed)
        at_us, belt_um = station.now, station.belt()
        slots = 0 if self._overflow else RING_SLOTS
        overrun = self._missed > slots
        kept, self._kept = self._kept[len(self._kept) - min(slots, len(self._kept)) :], []
        self._missed, self._overflow = 0, False
        if overrun:
            self._troubles.noted["ring overflow"] += 1
        station.take(kept)
        if self._told or tripped or restarted:
            self.back("io", gap_us, tripped)
        station.emit(
            OutputProven(at_us=at_us, belt_um=belt_um, point=POINT_RELEASE, level=io.valve, permit_no=io.applied)
        )
        if overrun:
            station.emit(EncoderDoubt(at_us=at_us, belt_um=belt_um, reason=f"event ring overrun ({reason})"))
            self.tell_eyes()
        self.tell_gate()
        self._tell_refused()
        station.follow_plant()

    def tell_eyes(self) -> None:
        """All eyes as they stand, told anew after edges were lost."""
        station = self._station
        for channel, eye in enumerate(EYES):
            covered = station.plant.io.inputs >> channel & 1 == 1
            station.emit(EyeChanged(at_us=station.now, belt_um=station.belt(), eye=eye, blocked=covered))

    def tell_gate(self) -> None:
        """The end switches as they stand, told anew after a restart, a gap, or a look at them by hand."""
        station, gate = self._station, self._station.plant.gate
        position = GatePosition.MOVING
        if gate.home(station.now):
            position = GatePosition.INSPECT
        elif gate.out(station.now):
            position = GatePosition.RELEASE
        station.emit(
            GateInPosition(
                at_us=station.now, belt_um=station.belt(), position=position, permit_no=station.plant.io.applied
            )
        )

    def _storm(self, fault: Fault) -> None:
        """The link comes and goes; each time for less than its watchdog needs, or a little longer."""
        luck = self._troubles.luck(fault)
        self._troubles.hit(fault)
        self._storm_on((fault.strength, luck, True))

    def _storm_on(self, storm: tuple[int, Any, bool]) -> None:
        left, luck, away = storm
        station = self._station
        if away:
            if left <= 0 or self._troubles.silent or self._troubles.healed:
                return
            self.hush(FROZEN_US, "reconnect storm")
        else:
            self.hear("reconnect storm")
        next_us = station.now + luck.between(STORM_US // 4, 2 * STORM_US)
        station.driver.call_at(next_us, self._storm_on, (left - 1 if away else left, luck, not away))

    # --- the lane I/O itself

    def _restart(self, fault: Fault) -> None:
        """Power fails for a moment: outputs off, ring, counters and encoder at zero, boot counter one more."""
        station, plant = self._station, self._station.plant
        if self._troubles.silent:
            return
        self._troubles.noted["PLC restart during a pulse"] += plant.io.valve
        belt_um = plant.sync(station.now)
        plant.io.restart(station.now, belt_um)
        plant.io_changed(station.now, belt_um)
        station.follow_plant()
        self._troubles.hit(fault)
        station.emit(EncoderDoubt(at_us=station.now, belt_um=belt_um, reason="lane I/O restarted"))
        station.emit(
            DeviceRestarted(at_us=station.now, belt_um=belt_um, role="io", port="tcp", unit=1, boot=plant.io.boot)
        )
        self.tell_eyes()
        self.tell_gate()

    def _stranger(self, fault: Fault) -> None:
        """Another master writes the release block. Remote I/O obeys whoever writes; a lane I/O knows its owner."""
        station, io = self._station, self._station.plant.io
        self._troubles.hit(fault)
        self._foreign += 1
        if io.owner is None:
            station.plant.release(station.now, self._foreign, fault.strength, 0, 0, 1_000)
            return
        if not self._troubles.silent:
            io.admits(CORE_TOKEN, station.now)  # the lane's own heartbeat, each cycle
        way = self._troubles.luck(fault).below(WAYS)
        if way == 0:
            self._copied(io)
            return
        if way <= 3:
            io.claim(FOREIGN_TOKEN, station.now)
        if io.admits(FOREIGN_TOKEN if way <= 6 else 0, station.now):
            self._troubles.noted["stranger owns the lane I/O"] += 1
            start_um, end_um = (station.belt() + ahead_um for ahead_um in FOREIGN_WINDOW_UM)
            station.plant.release(station.now, self._foreign, fault.strength, start_um, end_um, 5_000)
        self._tell_refused()

    def _copied(self, io: LaneIo) -> None:
        """A frame of the lane itself, heard on the wire with its token, is sent once more."""
        station = self._station
        sent = station.actuators.sent
        if not sent:
            return
        self._troubles.noted["copied release frame"] += 1
        belt_um = station.plant.sync(station.now)
        io.write_release(*sent[-1], at_us=station.now, belt_um=belt_um)
        station.plant.io_changed(station.now, belt_um)

    def _tell_refused(self) -> None:
        """The device's counter of refused strange writes, as far as it was not told yet."""
        station, owner = self._station, self._station.plant.io.owner
        if owner is None or self._troubles.silent:
            return
        writes, self._refused = owner.refused - self._refused, owner.refused
        if writes > 0:
            station.emit(StrangerRefused(at_us=station.now, belt_um=station.belt(), writes=writes))

    def _own_again(self) -> None:
        """Our core claims the device anew; a stranger that became its owner meanwhile was cut off before."""
        station, io = self._station, self._station.plant.io
        if not io.claim(CORE_TOKEN, station.now) and io.owner is not None:
            io.owner.token = CORE_TOKEN

    def _watchdog_off(self, fault: Fault) -> None:
        io = self._station.plant.io
        usual = io.watchdog_ms

        def refuse(_: ProveWatchdog) -> None:
            self._station.driver.call_at(self._station.now + PROOF_US, self._not_proven)

        tamper = self._troubles.between.arm_commands(ProveWatchdog, refuse, count=1_000)

        def end() -> None:
            io.watchdog_ms, tamper.count = usual, 0

        if self._troubles.lasting(fault, end):
            io.watchdog_ms = OFF_MS
        else:
            tamper.count = 0

    def _not_proven(self, _: None) -> None:
        """The proof's answer: silence was kept long enough, and the output did not fall."""
        station = self._station
        reason = "the release output did not fall"
        station.emit(WatchdogProven(at_us=station.now, belt_um=station.belt(), ok=False, drop_us=0, reason=reason))

    # --- other devices

    def lost(self, role: str, reason: str) -> None:
        """Tell that a device does not answer."""
        station = self._station
        lost = LinkLost(at_us=station.now, belt_um=station.belt(), role=role, port="tcp", unit=1, reason=reason)
        station.emit(lost)

    def back(self, role: str, gap_us: int, tripped: bool = False) -> None:
        """Tell that it answers again."""
        station = self._station
        station.emit(
            LinkRestored(
                at_us=station.now, belt_um=station.belt(), role=role, port="tcp", unit=1, gap_us=gap_us,
                watchdog_tripped=tripped,
            )
        )  # fmt: skip

    def tell_links(self) -> None:
        """A new core connects to every device, and is told of each that does not answer."""
        for role in (*NEEDED, *AUXILIARY):
            if role in self._silent:
                self.lost(role, self._silent[role])
            else:
                self.back(role, 0)

    def _device(self, fault: Fault) -> None:
        self._away(fault, NEEDED[fault.strength], "does not answer")

    def _reader(self, fault: Fault) -> None:
        self._away(fault, AUXILIARY[fault.strength], "does not answer")

    def _swapped(self, fault: Fault) -> None:
        role = ROLES[fault.strength]
        if role == "io":
            self._silence(fault)
        else:
            self._away(fault, role, "identity differs from the profile")

    def _away(self, fault: Fault, role: str, reason: str) -> None:
        """A device is not reached for a while: what it would have told or been told is lost."""
        station, between = self._station, self._troubles.between
        since_us = station.now
        mute = []
        if role == "drive":
            mute = [between.arm_commands(kind, lambda _: None, count=1_000) for kind in (RunBelt, StopBelt)]
        elif role in (READER_FIRST, READER_SECOND):
            mute = [between.arm(BarcodeRead, lambda read: None if read.reader == role else read, count=1_000)]
        elif role == "scale":
            mute = [between.arm(WeightMeasured, lambda _: None, count=1_000)]
        elif role == "detector":
            mute = [between.arm(ScanStored, lambda _: None, count=1_000)]

        def end() -> None:
            for tamper in mute:
                tamper.count = 0
            del self._silent[role]
            self.back(role, station.now - since_us)
            if role in ("cabinet", "source"):
                station.actuators.report_safety()

        if role in self._silent or not self._troubles.lasting(fault, end):
            for tamper in mute:
                tamper.count = 0
            return
        self._silent[role] = reason
        self.lost(role, reason)
        if role == "drive":
            station.driver.call_at(station.now + DETECT_US, self._drive_stops, fault)
        elif role in ("cabinet", "source"):
            self._chain(estop_ok=role == "source", guard_ok=role == "source", interlock_ok=False)

    def _drive_stops(self, fault: Fault) -> None:
        """Without orders the drive stops by its own watchdog."""
        self._station.plant.set_belt(self._station.now, 0)
        self._station.follow_plant()

    # --- safety chain

    def _chain(self, *, estop_ok: bool, guard_ok: bool, interlock_ok: bool) -> None:
        station = self._station
        station.emit(
            SafetyChanged(
                at_us=station.now, belt_um=station.belt(), estop_ok=estop_ok, guard_ok=guard_ok,
                interlock_ok=interlock_ok, key_on=True, xray_on=False, xray_ready=False,
            )
        )  # fmt: skip

    def _safety(self, fault: Fault) -> None:
        """The hardware chain opens: drives without power, X-rays off; closed again, a person must clear the lane."""
        station = self._station

        def end() -> None:
            station.actuators.report_safety()

        if not self._troubles.lasting(fault, end):
            return
        station.actuators.beam_on = False
        stop = fault.kind is FaultKind.EMERGENCY_STOP
        if stop:
            station.plant.set_belt(station.now, 0)
        self._chain(estop_ok=not stop, guard_ok=stop, interlock_ok=stop)
