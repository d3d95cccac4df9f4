"""The core's loop: one bounded queue -> controller -> journal (in its thread) -> commands.

An input is durable, with everything it caused, before any command of it leaves (C3). One timer serves the
controller's next deadline. When the journal can't be written the outputs are made safe and the process ends.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from msgspec.structs import replace

from devices.commands import AllowInduction, RestGate, SetBeam, StopBelt
from devices.signals import BarcodeRead
from lane.clock import LaneClock
from lane.commands import AnyCommand, Step
from lane.controller.core import LaneController
from lane.draw import draw_key
from lane.events.machine import OrderRefused
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, ClockReached, JournalFailed
from lane.journal.disk import JournalPanic
from lane.runtime.latency import Latency

QUEUE_MAX = 4_096
"""Inputs that wait: minutes of a full lane. More means that the core can't follow; it stops rather than drop one."""
SAFE: tuple[AnyCommand, ...] = (RestGate(), SetBeam(on=False), AllowInduction(allowed=False), StopBelt())
"""Outputs when nothing may be trusted to be recorded any more."""
SAFE_S_MAX = 1.0
"""The devices' own watchdogs (at most 0.5 s) have acted by then anyway."""
DEADLINE_S_MIN = 0.0005
LOOK_S = 0.004
LOOKS_MAX = 8
"""A deadline waits at most 32 ms for the belt position to be read anew; a pure time-out bears that."""

log = logging.getLogger("lane.runtime.core")


class CoreStopped(RuntimeError):
    """The core can't go on; outputs were made safe."""


class Recorder(Protocol):
    """The journal, as the core uses it."""

    def append(self, item: AnyInput, events: tuple[AnyEvent, ...]) -> int:
        """Make records durable."""
        ...

    def sticky(self, parcel_key: str, at_us: int) -> tuple[int, int]:
        """Earlier passages of a draw key."""
        ...

    def checkpoint_if_due(self, now_us: int) -> object:
        """Sign the journal at most once a second."""
        ...


Dispatch = Callable[[AnyCommand], None]
"""Starts a command on its way; never waits for it."""
MakeSafe = Callable[[tuple[AnyCommand, ...]], Awaitable[None]]
"""Carries out safe commands and waits for them."""
Observer = Callable[[AnyInput, Step, int, int], None]
"""(input, step, monotonic ns when it arrived, when it was durable)."""
Waiter = asyncio.Future[tuple[int, str]]
"""(record index, reason when the core refused the order)."""


class Core:
    """Feeds the controller, one input after another. ``emit`` may be called from anything on the event loop."""

    def __init__(
        self,
        controller: LaneController,
        journal: Recorder,
        clock: LaneClock,
        *,
        dispatch: Dispatch,
        make_safe: MakeSafe,
        belt: Callable[[int], int],
    ) -> None:
        self.controller = controller
        self.journal = journal
        self.clock = clock
        self._dispatch = dispatch
        self._safe = make_safe
        self._belt = belt
        self._queue: asyncio.Queue[tuple[AnyInput, int, Waiter | None]] = asyncio.Queue(QUEUE_MAX)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._observers: list[Observer] = []
        self._timer: asyncio.TimerHandle | None = None
        self._checkpointed_s = 0.0
        self._overflow = False
        self._last_belt_um = -1
        self.commit = Latency("input taken from the queue until its records are durable")
        self.queue_wait = Latency("input arrived until it was taken from the queue")

    def observe(self, observer: Observer) -> None:
        """Call this after each durable step, before its commands leave."""
        self._observers.append(observer)

    def stamp(self) -> tuple[int, int]:
        """(lane time, belt position) of this moment."""
        now = self.clock.now()
        return now, self._belt(now)

    def emit(self, item: AnyInput) -> None:
        """Queue an input. A full queue stops the core: nothing is dropped silently."""
        try:
            self._queue.put_nowait((item, time.monotonic_ns(), None))
        except asyncio.QueueFull:
            self._overflow = True

    async def post(self, item: AnyInput) -> tuple[int, str]:
        """Queue an input and wait until it is durable; (record index, why the core refused it or "")."""
        waiter: Waiter = asyncio.get_running_loop().create_future()
        await self._queue.put((item, time.monotonic_ns(), waiter))
        return await waiter

    @property
    def waiting(self) -> int:
        """Inputs in the queue."""
        return self._queue.qsize()

    async def run(self) -> None:
        """Handle inputs until cancelled. Raises ``CoreStopped`` after a journal failure or an overrun queue."""
        self._arm_timer()
        while True:
            item, arrived_ns, waiter = await self._queue.get()
            if self._overflow:
                await self._make_safe(f"{QUEUE_MAX} inputs wait: the core can't follow its devices")
            try:
                await self.step(item, arrived_ns, waiter)
            except JournalPanic as error:
                if waiter is not None and not waiter.done():
                    waiter.set_exception(CoreStopped(str(error)))
                await self._make_safe(str(error))

    async def step(self, item: AnyInput, arrived_ns: int = 0, waiter: Waiter | None = None) -> int:
        """Handle one input now: controller, journal, observers, commands. Returns its record index."""
        taken_ns = time.monotonic_ns()
        if type(item) is BarcodeRead:
            item = self._with_history(item)
        step = self.controller.handle(item)
        index = await asyncio.get_running_loop().run_in_executor(self._thread, self.journal.append, item, step.events)
        durable_ns = time.monotonic_ns()
        self.commit.add((durable_ns - taken_ns) / 1e6)
        self.queue_wait.add((taken_ns - (arrived_ns or taken_ns)) / 1e6)
        for observer in self._observers:
            observer(item, step, arrived_ns or taken_ns, durable_ns)
        for command in step.commands:
            self._dispatch(command)
        if waiter is not None and not waiter.done():
            waiter.set_result((index, _refusal(step)))
        self._arm_timer()
        self._checkpoint()
        return index

    def _with_history(self, item: BarcodeRead) -> BarcodeRead:
        """Earlier passages of this code's draw key, from the index that the journal keeps."""
        key = draw_key(item.text)
        if not key:
            return item
        sticky_from, inductions = self.journal.sticky(key, item.at_us)
        return replace(item, sticky_from=sticky_from, inductions=inductions)

    def _arm_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.controller.next_deadline()
        if deadline is not None:
            delay = max(self.clock.wall_seconds_until(deadline), DEADLINE_S_MIN)
            self._timer = asyncio.get_running_loop().call_later(delay, self._deadline, deadline)

    def _deadline(self, deadline: int, looks: int = 0) -> None:
        now, belt_um = self.stamp()
        if belt_um == self._last_belt_um and looks < LOOKS_MAX:
            # Most deadlines are places on the belt, and the encoder is read every 20 ms: look again, write nothing.
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._deadline, deadline, looks + 1)
            return
        self._last_belt_um = belt_um
        self.emit(ClockReached(at_us=max(now, deadline), belt_um=belt_um))

    def _checkpoint(self) -> None:
        now_s = time.monotonic()
        if now_s - self._checkpointed_s >= 1.0:
            self._checkpointed_s = now_s
            self._thread.submit(self._sign, int(now_s * 1_000_000))

    def _sign(self, now_us: int) -> None:
        try:
            self.journal.checkpoint_if_due(now_us)
        except JournalPanic as error:
            log.critical("%s", error)  # the next append raises it on the loop and stops the core

    async def in_thread(self, function: Callable[[], object]) -> None:
        """Run something in the journal's thread, after everything appended so far."""
        await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def _make_safe(self, reason: str) -> None:
        log.critical("outputs safe, the core ends: %s", reason)
        now, belt_um = self.stamp()
        self.controller.handle(JournalFailed(at_us=now, belt_um=belt_um, reason=reason))
        try:
            async with asyncio.timeout(SAFE_S_MAX):
                await self._safe(SAFE)
        except TimeoutError:
            log.critical("the devices did not confirm in %s s: their own watchdogs act", SAFE_S_MAX)
        raise CoreStopped(reason)


def _refusal(step: Step) -> str:
    return next((event.reason for event in step.events if type(event) is OrderRefused), "")
