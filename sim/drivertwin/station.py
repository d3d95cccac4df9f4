"""One lane in virtual time down to the bytes: the real controller, its real loop, the real rack, links and drivers.

Responsible for what stands around them: detector, declarations, counting and seal are the stand-ins of the core twin,
and one officer starts the lane and attends to its stops. The referee sees plant and records, as in every twin.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from devices.commands import ArmDetector
from devices.rack import Rack, RackConfig
from lane.clock import LaneClock
from lane.commands import AnyCommand, AskDeclaration, AskReview, CloseEpoch, Count, Send, Step
from lane.controller.core import LaneController
from lane.declarations.tables import load_tables
from lane.events.machine import AlarmRaised, OrderRefused, StateChanged
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, FeedState, LaneStarted, MessageAcknowledged, OrderGiven
from lane.journal.memory import MemoryJournal
from lane.model.config import CoreConfig
from lane.model.words import Role, State
from lane.orders import AcknowledgeAlarm, AnyOrder, Clear, Reset, Start, Unhold
from lane.runtime.belt_order import BeltOrder
from lane.runtime.core import Core
from sim.coretwin.answers import Answers
from sim.coretwin.epochs import AHEAD, TwinEpochs
from sim.coretwin.images import Images
from sim.coretwin.settings import TwinSettings
from sim.coretwin.verdicts import Verdicts
from sim.drivertwin.lane import MemoryLane
from sim.drivertwin.loop import VirtualLoop
from sim.plant.happenings import Happening, Kind
from sim.referee import Referee
from sim.streams.truth import ParcelTruth

ATTEND_S = 5.0
"""An officer looks after a stop."""
TOKEN = 0xD0C0FFEE
"""Of the lane I/O's owner: the same bytes in each run."""


class _Records:
    """The journal as the core's loop wants it; there is nothing to sign in memory."""

    def __init__(self) -> None:
        self.memory = MemoryJournal()

    def append(self, item: AnyInput, events: tuple[AnyEvent, ...]) -> int:
        """Take an input and its events."""
        return self.memory.append(item, events)

    def sticky(self, parcel_key: str, at_us: int) -> tuple[int, int]:
        """Earlier passages of a draw key."""
        return self.memory.sticky(parcel_key, at_us)

    def checkpoint_if_due(self, now_us: int) -> object:
        """Nothing is signed."""
        return None


class _Core(Core):
    """The core's loop without its checkpoints, which look at a clock of the outside world."""

    def _checkpoint(self) -> None:
        """Nothing to sign."""


class DriverStation:
    """One run. ``signals``: how many of each kind the drivers gave; ``refused``: failed requests by kind."""

    def __init__(
        self,
        config: CoreConfig,
        parcels: Sequence[ParcelTruth],
        settings: TwinSettings,
        *,
        seed: int,
        fault_ppm: int,
        tick: Callable[[int], object] | None = None,
    ) -> None:
        self.config, self.parcels, self.settings, self.seed = config, parcels, settings, seed
        self.answers = Answers(parcels, load_tables())
        self.referee = Referee(parcels, self.answers.status_class, gate_um=config.layout.gate_um)
        self.records = _Records()
        self.signals: Counter[str] = Counter()
        self.gone = 0
        self.requests = 0
        self.ended = ""
        self._fault_ppm, self._tick = fault_ppm, tick
        self._images = Images(seed)
        self._verdicts = Verdicts(settings.verdicts, seed, config.model_sha256)
        self._epochs = TwinEpochs(config, seed, "")
        self._orders = 0
        self._state = State.STOPPED
        self._unseen: set[int] = set()

    async def run(self, loop: VirtualLoop, until_us: int) -> None:
        """Power up, run all parcels through, stop. Ends at ``until_us`` at the latest."""
        self._loop = loop
        config = self.config
        self.lane = MemoryLane(
            loop, self.parcels, layout=config.layout, gate=config.gate, seed=self.seed, fault_ppm=self._fault_ppm,
            heard=self._happened,
        )  # fmt: skip
        clock = LaneClock(0, 1, monotonic_ns=lambda: loop.now_us * 1_000)
        self.core = _Core(
            LaneController(config), self.records, clock, dispatch=self._dispatch, make_safe=self._make_safe,
            belt=lambda now: self._read_um(),
        )  # fmt: skip
        self.order = BeltOrder(self._read_um, self._signal)
        devices = RackConfig(devices=self.lane.addresses, seed=self.seed, token=TOKEN)
        self.rack = Rack(devices, now=clock.now, emit=self.order.take)
        self.core.observe(self._observed)
        self.lane.start()
        await self._take_up()
        await self.rack.start()
        running = asyncio.create_task(self.core.run())
        loop.call_later(3.0, self._attend, Reset)
        while loop.now_us < until_us and not (self.lane.plant.exhausted and not self.lane.plant.bodies):
            await asyncio.sleep(0.5)
            if running.done():
                running.result()
        self.ended = "all parcels gone" if loop.now_us < until_us else "time limit"
        await asyncio.sleep(2.0)
        self.requests = sum(link.figures.requests for link in self.rack.links.values())
        self.refused = Counter[str]()
        for link in self.rack.links.values():
            self.refused.update({str(kind): number for kind, number in link.figures.failures.items()})
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        self.order.stop()
        await self.rack.stop()
        await self.lane.stop()

    async def _take_up(self) -> None:
        at_us, belt_um = self.core.stamp()
        first: list[AnyInput] = [
            LaneStarted(
                at_us=at_us, belt_um=belt_um, restart=True, boot_id="twin", wall_at="2025-11-21T09:00:00.000Z",
                synchronised=True, lane_kind=self.config.kind, config_sha256="", build_sha256="",
            )
        ]  # fmt: skip
        for epoch in range(1, AHEAD + 1):
            first += self._epochs.ahead(epoch, at_us, belt_um)
        first += [self._epochs.opened(1, at_us, belt_um), FeedState(at_us=at_us, belt_um=belt_um, fresh=True)]
        for item in first:
            await self.core.step(item)

    def _read_um(self) -> int:
        rack: Rack | None = getattr(self, "rack", None)  # asked before the devices are opened, too
        scale = None if rack is None else rack.belt_scale()
        return 0 if scale is None else scale.belt_um

    def _signal(self, signal: Any) -> None:
        self.signals[type(signal).__name__] += 1
        self.core.emit(signal)

    # --- what the core did

    def _observed(self, item: AnyInput, step: Step, arrived_ns: int, durable_ns: int) -> None:
        for event in step.events:
            self.referee.saw(event)
            if isinstance(event, StateChanged):
                self._changed(event)
            elif isinstance(event, AlarmRaised) and event.number not in self._unseen:
                self._unseen.add(event.number)
                self._loop.call_later(ATTEND_S, self._acknowledge, event.number)
            elif isinstance(event, OrderRefused) and event.order in ("Reset", "Start", "Unhold", "Clear"):
                again: dict[str, type[AnyOrder]] = {kind.__name__: kind for kind in (Reset, Start, Unhold, Clear)}
                self._loop.call_later(ATTEND_S, self._attend, again[event.order])

    def _changed(self, event: StateChanged) -> None:
        self._state = event.reached
        orders: dict[State, type[AnyOrder]] = {
            State.STOPPED: Reset, State.IDLE: Start, State.HELD: Unhold, State.ABORTED: Clear,
        }  # fmt: skip
        kind = orders.get(event.reached)
        if kind is not None:
            self._loop.call_later(ATTEND_S, self._attend, kind)

    def _attend(self, kind: type[AnyOrder]) -> None:
        wanted = {Reset: State.STOPPED, Start: State.IDLE, Unhold: State.HELD, Clear: State.ABORTED}[kind]
        if self._state is wanted:
            self._give(kind)

    def _acknowledge(self, number: int) -> None:
        self._unseen.discard(number)
        self._give(AcknowledgeAlarm, number=number)

    def _give(self, kind: type[AnyOrder], **fields: Any) -> None:
        self._orders += 1
        order = kind(person="twin-officer", role=Role.OFFICER, nonce=f"twin-{self._orders}", **fields)
        at_us, belt_um = self.core.stamp()
        self.core.emit(OrderGiven(at_us=at_us, belt_um=belt_um, order=order))

    # --- what the core asks for

    def _dispatch(self, command: AnyCommand) -> None:
        settings = self.settings
        match command:
            case ArmDetector():
                self._images.arm(command.seq, command.from_um, command.to_um)
                self.lane.plant.watch(self._true_um(command.to_um), command.seq)
            case AskDeclaration():
                self._later(
                    settings.declaration_us, lambda at, um: self.answers.answer(command.seq, command.code, at, um)
                )
            case Count():
                body = self._images.bodies.get(command.image_sha256, 0)
                truth = self.referee.parcel(body) if body else None
                duration_us, result = self._verdicts.answer(command, truth)
                self._later(duration_us, lambda at, um: self._verdicts.stamped(result, at, um))
            case Send():
                key = command.idempotency_key
                self._later(
                    settings.message_us, lambda at, um: MessageAcknowledged(at_us=at, belt_um=um, idempotency_key=key)
                )
            case CloseEpoch():
                self._close_epoch(command)
            case AskReview():
                pass  # nobody sits at the screen
            case _:
                self._loop.create_task(self.rack.apply(command))

    def _later(self, delay_us: int, make: Callable[[int, int], AnyInput | None]) -> None:
        def come() -> None:
            item = make(*self.core.stamp())
            if item is not None:
                self.core.emit(item)

        self._loop.call_later(delay_us / 1e6, come)

    def _close_epoch(self, command: CloseEpoch) -> None:
        at_us, belt_um = self.core.stamp()
        self.core.emit(self._epochs.revealed(command.epoch, command.draws, at_us, belt_um))
        for item in self._epochs.ahead(command.epoch + AHEAD, at_us, belt_um):
            self.core.emit(item)
        self.core.emit(self._epochs.opened(command.epoch + 1, at_us, belt_um))

    async def _make_safe(self, commands: tuple[AnyCommand, ...]) -> None:
        for command in commands:
            await self.rack.apply(command)  # type: ignore[arg-type]

    # --- what the plant did

    def _true_um(self, belt_um: int) -> int:
        """The plant's belt position of a position of the core's, which counts from another zero after a restart."""
        io, scale = self.lane.plant.io, self.rack.belt_scale()
        if scale is None:
            return belt_um
        true_um = self.lane.plant.belt.position(self.lane.plant.now_us)
        ahead = (scale.count(belt_um) - io.encoder(true_um)) & 0xFFFFFFFF
        ahead -= 1 << 32 if ahead >> 31 else 0
        return true_um + ahead * 100

    def _lane_um(self, true_um: int) -> int:
        """And back: what the core calls this place."""
        scale = self.rack.belt_scale()
        return true_um if scale is None else scale.position_um(self.lane.plant.io.encoder(true_um))

    def _happened(self, happening: Happening) -> None:
        match happening.kind:
            case Kind.FED:
                self.referee.fed(happening.body, happening.belt_um)
            case Kind.DETECTOR:
                self._images.crossed(happening.body, self._lane_um(happening.belt_um), head=happening.level)
            case Kind.REACHED:
                if self.lane.lit:
                    self._later(self.settings.image_us, lambda at, um: self._images.stored(happening.value, at, um))
                else:
                    self._images.dark(happening.value)
            case Kind.LEFT:
                left = self.lane.plant.left.pop()
                self.referee.left(left.number, left.route, moved_blade=left.moved_blade)
                self.gone += 1
                if self._tick is not None:
                    self._tick(self.gone)
            case _:
                pass

    def sha256(self) -> str:
        """Hash over all records: equal for equal arguments."""
        return self.records.memory.sha256()
