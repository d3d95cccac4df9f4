"""The core process from start to end: journal, restart, devices, children, mailbox, periodic looks, orderly end."""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from devices.commands import ArmDetector
from devices.rack import DeviceAddress, Rack, RackConfig
from lane.clock import LaneClock, format_wall, wall_now
from lane.commands import AnyCommand, AskDeclaration, AskReview, CloseEpoch, Count, Send
from lane.evidence import EvidenceStore
from lane.inputs import EpochRevealed, LaneStarted, OutboxLevel
from lane.journal.log import Journal, connect_reader
from lane.journal.note import origin_of
from lane.mailbox import Mailbox
from lane.release.outbox import OutboxProjection, waiting
from lane.runtime.belt_order import BeltOrder
from lane.runtime.core import SAFE, Core
from lane.runtime.declared import Declared
from lane.runtime.epochs import Epochs
from lane.runtime.figures import Figures
from lane.runtime.glance import glance
from lane.runtime.orders import OrderDesk
from lane.runtime.restart import io_resume, restore, start_us
from lane.runtime.run_directory import RunDirectory, RunFacts, boot_id
from lane.runtime.scan_link import ScanLink
from lane.runtime.vision_pool import VisionPool
from lane.seal import Seal, SigningKey, keys_folder
from lane.settings.station import StationConfig
from lane.users import Users

LOOK_S = 0.5
"""Outbox level and the wall clock are looked at twice a second."""
HEADER_S = 3_600.0
"""An hourly header ties lane time to wall time."""
WALL_STEP_S = 1.0
"""The wall clock moved against the monotonic one by more: a header record says so."""
SEEING_S_MAX = 20.0
"""Start and Unhold wait so long for counting workers; a lane that can't see at all runs on, all to INSPECT."""
OUTBOX_LOW_SHARE = 0.9
"""A full outbox counts as free again below 90 %: no flutter at the limit."""

log = logging.getLogger("lane.runtime.process")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSetup:
    """What the core process is told."""

    run: RunDirectory
    station: StationConfig
    facts: RunFacts


class CoreProcess:
    """Builds the parts in ``start``, runs them in ``run``, ends them in ``end_orderly`` and ``close``."""

    def __init__(self, setup: CoreSetup) -> None:
        self._setup = setup
        self._tasks: list[asyncio.Task[None]] = []
        self._outbox_full = False
        self._closing_epoch = False
        self._began_s = time.monotonic()
        self._wall_offset_s = time.time() - time.monotonic()

    async def start(self) -> None:
        """Open everything. Raises SealError, JournalError, RestartRefused, ProfileError and their like."""
        self._open_journal()
        self._restore()
        self._make_parts()
        await self.mailbox.start()
        await self._take_up()
        await self.rack.start()
        self.scan.start()
        await self.vision.start()
        self.declared.start()

    # --- building

    def _open_journal(self) -> None:
        run, station, facts = self._setup.run, self._setup.station, self._setup.facts
        core = station.core
        keys = keys_folder(run.path)
        self.seal = Seal(
            keys, site=core.site, lane=core.lane, kind=core.kind, twin_seed=facts.seed if station.twin else None
        )
        projection = OutboxProjection(
            site=core.site,
            lane=core.lane,
            kind=core.kind,
            speed=facts.speed,
            test_receivers=all(item.test_receiver for item in station.destinations),
        )
        self.journal = Journal.open(
            run.path,
            origin=origin_of(core.site, core.lane),
            signer=SigningKey.load(keys),
            projections=(projection,),
        )
        self._reader = connect_reader(run.path / "journal.db")

    def _restore(self) -> None:
        facts, core = self._setup.facts, self._setup.station.core
        self.epochs = Epochs(
            self.seal,
            core.draw,
            twin=self._setup.station.twin,
            config_sha256=facts.config_sha256,
            build_sha256=facts.build_sha256,
            stamp=self._stamp,
        )
        self.clock = LaneClock(0, facts.speed)
        self._belt_um = 0
        self._fresh_epochs = self.epochs.take_up(self.journal.epochs())
        self._followed: list[Any] = []
        self._resumed = restore(self.journal, core, self.epochs.key_of_open(), self._followed.append)
        self._belt_um = self._resumed.belt_um
        self.clock = LaneClock(start_us(self._setup.run.path, self._resumed.at_us, facts.speed), facts.speed)
        if self._resumed.inputs:
            log.info("restart: %d inputs replayed after the last snapshot", self._resumed.inputs)

    def _make_parts(self) -> None:
        run, station = self._setup.run, self._setup.station
        addresses = {
            entry.role: DeviceAddress(address=entry.address, profile_path=entry.profile_path)
            for entry in station.devices
        }
        self.core = Core(
            self._resumed.controller,
            self.journal,
            self.clock,
            dispatch=self._dispatch,
            make_safe=self._make_safe,
            belt=self._belt,
        )
        self.order = BeltOrder(self._read_um, self.core.emit)
        self.rack = Rack(
            RackConfig(devices=addresses, speed=self._setup.facts.speed, token=run.io_token()),
            now=self.clock.now,
            emit=self.order.take,
            resume=io_resume(run.path),
        )
        self.figures = Figures(self.clock.now, self.clock.speed)
        self.evidence = EvidenceStore(run.path)
        self.vision = VisionPool(
            station.vision,
            evidence=self.evidence,
            clock=self.clock,
            stamp=self.core.stamp,
            emit=self.core.emit,
            logs=run.logs,
        )
        self.scan = ScanLink(
            station.device("detector"),
            run.path,
            clock=self.clock,
            stamp=self.core.stamp,
            reference=self._reference,
            emit=self.core.emit,
            image_complete=self.figures.image_complete,
        )
        self.declared = Declared(
            run.declarations, status_ttl_s=station.status_ttl_s, stamp=self.core.stamp, emit=self.core.emit
        )
        for event in self._followed:
            self.declared.follow(event)
        self._followed.clear()
        desk = OrderDesk(
            twin=station.twin,
            users=Users(run.users),
            post=self.core.post,
            stamp=self.core.stamp,
            state=self.state,
            enter_digits=self._enter_digits,
            unready=self._unready,
        )
        self.mailbox = Mailbox(run.path, desk.answer)
        self.core.observe(self.figures.observe)
        self.core.observe(self.declared.observe)

    async def _take_up(self) -> None:
        """First inputs of this process: header, epochs; then whatever the devices say."""
        await self.core.step(self._header(restart=True))
        for item in (*self._fresh_epochs, *self.epochs.open_if_none()):
            await self.core.step(item)
        epoch = self.epochs.open_epoch
        if epoch and not self.core.controller.open_epoch:
            # A core before this one was told to close it and died first; a second call does nothing.
            self._spawn(self._close_epoch(CloseEpoch(epoch=epoch, draws=self._draws())))

    def _unready(self) -> str:
        """Why the belt had better wait a moment ("" when nothing is missing, or when waiting would not help)."""
        if self.vision.ready.is_set() or time.monotonic() > self._began_s + SEEING_S_MAX:
            return ""
        return "the counting workers are getting ready: try again in a second or two"

    # --- running

    async def run(self) -> None:
        """Run until cancelled or stopped by a failure (``CoreStopped``)."""
        self._tasks = [
            asyncio.create_task(self.core.run()),
            asyncio.create_task(self.figures.measure_lateness()),
            asyncio.create_task(self._look()),
        ]
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def _look(self) -> None:
        header_s = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            self._look_at_outbox()
            offset_s = time.time() - time.monotonic()
            stepped = abs(offset_s - self._wall_offset_s) > WALL_STEP_S
            if stepped or time.monotonic() - header_s > HEADER_S:
                self._wall_offset_s, header_s = offset_s, time.monotonic()
                self.core.emit(self._header(restart=False))

    def _look_at_outbox(self) -> None:
        left, limit = waiting(self._reader), self._setup.station.outbox_max
        full = left >= (int(limit * OUTBOX_LOW_SHARE) if self._outbox_full else limit)
        if full != self._outbox_full:
            self._outbox_full = full
            at_us, belt_um = self.core.stamp()
            self.core.emit(OutboxLevel(at_us=at_us, belt_um=belt_um, waiting=left, full=full))

    def _dispatch(self, command: AnyCommand) -> None:
        match command:
            case ArmDetector():
                self.scan.arm(command)
            case Count():
                self.vision.count(command)
            case AskDeclaration():
                self.declared.ask(command)
            case CloseEpoch():
                self._spawn(self._close_epoch(command))
            case AskReview() | Send():
                pass  # console and sender read the journal's records
            case _:
                self._spawn(self.rack.apply(command))

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.append(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: "asyncio.Task[None]") -> None:
        with suppress(ValueError):
            self._tasks.remove(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a command failed on its way: %r", task.exception())

    async def _close_epoch(self, command: CloseEpoch) -> None:
        """Reveal, then open the next epoch; one at a time."""
        if self._closing_epoch or self.epochs.open_epoch != command.epoch:
            return
        self._closing_epoch = True
        try:
            await self.core.post(self.epochs.reveal(command.epoch, command.draws))
            for item in self.epochs.after_reveal(command.epoch):
                await self.core.post(item)
        finally:
            self._closing_epoch = False

    async def _enter_digits(self, digits: str, person: str) -> int:
        entered = self.epochs.enter_digits(digits, person)
        for item in entered:
            await self.core.post(item)
        return self.epochs.ready

    async def _make_safe(self, commands: tuple[AnyCommand, ...]) -> None:
        for command in commands:
            await self.rack.apply(command)  # type: ignore[arg-type]
        await asyncio.sleep(0.2)

    # --- ending

    async def end_orderly(self, running: "asyncio.Task[None]") -> None:
        """Belt stopped, gate at rest, beam off; with an empty belt the epoch is revealed."""
        await self._make_safe(SAFE)
        epoch, draws = self.epochs.open_epoch, self._draws()
        if epoch and not self.core.controller.state.parcels and not self._closing_epoch:
            item: EpochRevealed = self.epochs.reveal(epoch, draws)
            await self.core.post(item)
            self.epochs.forget(epoch)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    def _draws(self) -> int:
        return self.core.controller.state.draw.draws

    async def close(self) -> None:
        """Let go of everything; the journal is signed and closed last."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.mailbox.stop()
        await self.scan.stop()
        await self.vision.stop()
        await self.declared.stop()
        self.order.stop()
        await self.rack.stop()
        self._reader.close()
        if not self.journal.broken:
            await self.core.in_thread(self.journal.close)

    # --- small parts

    def state(self) -> dict[str, Any]:
        """Live figures of the lane for ``{"ask": "state"}``."""
        at_us, belt_um = self.core.stamp()
        return {
            **glance(self.core.controller.state, belt_um),
            **self.figures.plain(),
            "at_us": at_us,
            "belt_um": belt_um,
            "speed": self.clock.speed,
            "kind": self._setup.station.core.kind.value,
            "devices": self.rack.figures(),
            "detector": self.scan.figures(),
            "vision": self.vision.figures(),
            "declarations": self.declared.figures(),
            "journal": {"size": self.journal.size, "commit_ms": self.core.commit.figures()},
            "queue": {"waiting": self.core.waiting, "wait_ms": self.core.queue_wait.figures()},
            "outbox": {"waiting": waiting(self._reader), "limit": self._setup.station.outbox_max},
            "epochs_ready": self.epochs.ready,
        }

    def _header(self, *, restart: bool) -> LaneStarted:
        at_us, belt_um = self._stamp()
        return LaneStarted(
            at_us=at_us,
            belt_um=belt_um,
            restart=restart,
            boot_id=boot_id(),
            wall_at=format_wall(wall_now()),
            synchronised=True,
            lane_kind=self._setup.station.core.kind,
            config_sha256=self._setup.facts.config_sha256,
            build_sha256=self._setup.facts.build_sha256,
        )

    def _stamp(self) -> tuple[int, int]:
        now = self.clock.now()
        return now, self._belt(now)

    def _belt(self, now: int) -> int:
        """Belt position for the core's own inputs: never ahead of what the event ring has been read to."""
        return self._read_um()

    def _read_um(self) -> int:
        rack: Rack | None = getattr(self, "rack", None)  # asked before the devices are opened, too
        scale = None if rack is None else rack.belt_scale()
        return self._belt_um if scale is None else scale.belt_um

    def _reference(self) -> tuple[int, int] | None:
        scale = self.rack.belt_scale()
        return None if scale is None else (scale.belt_um, scale.encoder)
