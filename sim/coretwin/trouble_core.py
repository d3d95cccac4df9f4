"""Faults of the controller's own process, its storage and its clocks: death, pause, slow disk, wall step, no nonce."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from devices.commands import RunBelt, SetBeam, StopBelt
from devices.signals import BeltState, DeviceRestarted
from lane.commands import CloseEpoch
from lane.inputs import FeedState, JournalFailed, LaneStarted, OutboxLevel
from sim.coretwin.tampering import TO_DEVICES
from sim.faults import Fault, FaultKind

if TYPE_CHECKING:
    from sim.coretwin.troubles import Troubles

DRIVE_US = 500_000
"""The drive stops by its own watchdog this long after the core's last word."""
BEAM_US = 500_000
"""So does the X-ray source."""
WALLS = ("2025-11-21T10:00:00.000Z", "2038-01-19T03:14:08.000Z")


class CoreTroubles:
    """Kills, pauses and restarts the core as an operating system and a journal do."""

    def __init__(self, troubles: "Troubles") -> None:
        self._troubles, self._station = troubles, troubles.station
        self._dead = False
        self.doers: dict[FaultKind, Callable[[Fault], None]] = {
            FaultKind.CORE_KILLED: self._kill,
            FaultKind.CORE_PAUSED: self._pause,
            FaultKind.POWER_CUT: self._power_cut,
            FaultKind.JOURNAL_FAILED: self._journal,
            FaultKind.DISK_SLOW: self._slow,
            FaultKind.WALL_STEP: self._wall,
            FaultKind.NO_EPOCH: self._no_epoch,
        }

    @property
    def _busy(self) -> bool:
        return self._dead or self._troubles.silent or self._troubles.between.down

    # --- death and restart

    def _kill(self, fault: Fault) -> None:
        between = self._troubles.between
        if self._busy or between.dies_at >= 0:
            return
        between.torn = fault.strength == 0
        between.dies_at = 1 if fault.strength == 2 else 0
        between.died = lambda: self._died(fault)

    def _died(self, fault: Fault) -> None:
        if self._troubles.silent or self._dead:
            return
        plant = self._station.plant
        self._troubles.hit(fault)
        self._troubles.noted["crash with the gate open"] += plant.io.valve
        self._troubles.noted["restart with a torn last record"] += fault.kind is FaultKind.CORE_KILLED and (
            fault.strength == 0
        )
        self._gone(fault)

    def _gone(self, fault: Fault) -> None:
        """The process is dead: devices fall by their watchdogs; it is restarted after a while."""
        station, between = self._station, self._troubles.between
        snapshot = between.snapshot()
        between.die()
        self._dead = True
        self._troubles.links.hush(0, "core is gone")
        station.driver.call_at(station.now + DRIVE_US, self._drive_stops)
        station.driver.call_at(station.now + max(fault.duration_us, 1_000), self._restart, (fault, snapshot))

    def _drive_stops(self, _: None) -> None:
        if self._dead:
            self._station.plant.set_belt(self._station.now, 0)
            self._station.actuators.beam_on = False
            self._station.follow_plant()

    def _restart(self, told: tuple[Fault, str]) -> None:
        """A new process takes up the journal: nothing on the belt, no permit and no link is trusted by it."""
        fault, snapshot = told
        station, between = self._station, self._troubles.between
        restored = between.recovery.restored(snapshot, between.key)
        self._dead = False
        station.plant.set_belt(station.now, 0)
        station.actuators.beam_on = False
        between.come_back(restored)
        station.emit(
            LaneStarted(
                at_us=station.now, belt_um=station.belt(), restart=True, boot_id="twin again",
                wall_at="2025-11-21T09:00:00.000Z", synchronised=True, lane_kind=station.config.kind,
                config_sha256="", build_sha256="",
            )
        )  # fmt: skip
        cut = fault.kind is FaultKind.POWER_CUT
        if cut:
            io = station.plant.io
            station.emit(
                DeviceRestarted(at_us=station.now, belt_um=station.belt(), role="io", port="tcp", unit=1, boot=io.boot)
            )
        between.tell_ring(lost=cut)
        self._troubles.links.hear("core restarted", restarted=True)
        if cut:
            self._troubles.links.tell_eyes()
        self._troubles.links.tell_links()
        station.actuators.report_safety()
        station.emit(BeltState(at_us=station.now, belt_um=station.belt(), running=False, speed_um_s=0))
        station.emit(FeedState(at_us=station.now, belt_um=station.belt(), fresh=True))
        if self._troubles.outbox_full:
            station.emit(OutboxLevel(at_us=station.now, belt_um=station.belt(), waiting=10_000, full=True))
        station.people.begin()
        station.follow_plant()

    def _power_cut(self, fault: Fault) -> None:
        """Everything loses power: belt and gate by their springs and brakes, then the lane I/O starts anew."""
        station, plant = self._station, self._station.plant
        if self._busy:
            return
        self._troubles.hit(fault)
        plant.set_belt(station.now, 0)
        plant.rest_gate(station.now)
        belt_um = plant.sync(station.now)
        plant.io.restart(station.now, belt_um)
        plant.io_changed(station.now, belt_um)
        station.actuators.beam_on = False
        self._gone(fault)
        station.follow_plant()

    def _journal(self, fault: Fault) -> None:
        """A commit fails: the doomed core is told in memory only, outputs are made safe, the process ends."""
        station, plant, between = self._station, self._station.plant, self._troubles.between
        if self._busy:
            return
        self._troubles.hit(fault)
        snapshot, doomed = between.snapshot(), between.core
        failed = JournalFailed(at_us=station.now, belt_um=station.belt(), reason="fsync: input/output error")
        doomed.handle(failed)
        between.core = type(doomed).restore(station.config, snapshot, between.key)
        plant.set_belt(station.now, 0)
        plant.rest_gate(station.now)
        plant.allow_induction(station.now, False)
        station.actuators.beam_on = False
        self._gone(fault)
        station.follow_plant()

    def _pause(self, fault: Fault) -> None:
        station, between = self._station, self._troubles.between
        if self._busy:
            return

        def end() -> None:
            station.plant.sync(station.now)
            between.go_on()
            self._troubles.links.hear("core went on", restarted=True)

        if self._troubles.lasting(fault, end):
            between.stand_still()
            self._troubles.links.hush(0, "core stands still")
            station.driver.call_at(station.now + DRIVE_US, self._starved, station.now + fault.duration_us)

    def _starved(self, until_us: int) -> None:
        """The drive has heard nobody for its watchdog's time, and tells so when it is asked again."""
        station = self._station
        if self._troubles.between.down and station.now < until_us:
            station.plant.set_belt(station.now, 0)
            station.follow_plant()

    # --- slow and odd

    def _slow(self, fault: Fault) -> None:
        """A command waits for its record. Records are written one after the other: no later command overtakes it."""
        station, between = self._station, self._troubles.between
        slow, last_us = True, station.now

        def hold(command: Any) -> None:
            nonlocal last_us
            last_us = max(last_us, station.now + fault.strength if slow else station.now)
            station.driver.call_at(last_us, self._act, command)

        tampers = [between.arm_commands(kind, hold, count=10_000) for kind in TO_DEVICES]

        def let_go(_: None) -> None:
            for tamper in tampers:
                tamper.count = 0

        def end() -> None:
            nonlocal slow
            slow = False
            station.driver.call_at(max(last_us, station.now), let_go, None)

        if not self._troubles.lasting(fault, end):
            let_go(None)

    def _act(self, command: Any) -> None:
        if self._dead and isinstance(command, RunBelt | StopBelt | SetBeam):
            return
        self._station.actuators.doers[type(command)](command)
        self._station.follow_plant()

    def _wall(self, fault: Fault) -> None:
        station = self._station
        self._troubles.hit(fault)
        station.emit(
            LaneStarted(
                at_us=station.now, belt_um=station.belt(), restart=False, boot_id="twin",
                wall_at=WALLS[fault.strength], synchronised=False, lane_kind=station.config.kind,
                config_sha256="", build_sha256="",
            )
        )  # fmt: skip

    def _no_epoch(self, fault: Fault) -> None:
        """The next closing of an epoch waits: no nonce was entered, or the key file is lost."""
        between = self._troubles.between
        held: list[Any] = []

        def hold(command: CloseEpoch) -> None:
            self._troubles.hit(fault)
            held.append(command)
            self._station.driver.call_at(self._station.now + fault.duration_us, let, None)

        def let(_: None) -> None:
            between.resend(held)
            held.clear()

        between.arm_commands(CloseEpoch, hold, until_us=self._station.now + 10 * fault.duration_us)
