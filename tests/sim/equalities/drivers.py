"""Two more clocks for the core twin: stock SimPy, and asyncio in virtual time. Only tests need them."""

import asyncio
from collections.abc import Callable
from heapq import heappop
from typing import Any, cast

import simpy

from sim.drivertwin.loop import VirtualLoop
from sim.heap import HeapLoop
from sim.kernel import CALL, CLOCK, NEVER, Kernel


class Alarm:
    """The alarm as calls on the heap, for drivers whose loop knows nothing else: a call set anew before it is void."""

    now: Any
    call_at: Callable[..., None]
    on_alarm: Callable[[], object] | None

    @property
    def alarm_us(self) -> int:
        """When it rings."""
        return self._alarm_us

    @alarm_us.setter
    def alarm_us(self, at: int) -> None:
        self._alarm_us = at
        if at < NEVER:
            self.call_at(max(at, self.now), self._ring, at, CLOCK)

    def _ring(self, at: int) -> None:
        if at == self._alarm_us and self.on_alarm is not None:
            self._alarm_us = NEVER
            self.on_alarm()


class StockSimPy(Alarm, Kernel):
    """A kernel by its methods; heap, order and loop are SimPy's own: every plain call is an Event with a callback."""

    schedule = simpy.Environment.schedule
    step = simpy.Environment.step
    run = simpy.Environment.run

    def call_at(self, at: Any, target: Callable[[Any], object], arg: Any = None, priority: int = CALL) -> None:
        """Call ``target(arg)`` at time ``at``."""
        assert at >= self._now, f"call at {at}: expected a time not before now ({self._now})"
        event: Any = simpy.Event(self)
        event._ok, event._value = True, arg
        event.callbacks.append(lambda happened: target(happened._value))
        self.schedule(event, cast(Any, priority), at - self._now)

    def call_in(self, delay: Any, target: Callable[[Any], object], arg: Any = None, priority: int = CALL) -> None:
        """Call ``target(arg)`` after ``delay``."""
        self.call_at(self._now + delay, target, arg, priority)


class AsyncioLoop(Alarm, HeapLoop):
    """asyncio in virtual time: one timer per call; asyncio does not order timers of one instant, the heap does."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = VirtualLoop()
        self._over: asyncio.Future[None] = self._loop.create_future()

    def call_at(self, at: int, target: Callable[[Any], object], arg: Any = None, priority: int = CALL) -> None:
        """Call ``target(arg)`` at time ``at``."""
        super().call_at(at, target, arg, priority)
        self._loop.call_at(at / 1e6, self._due)

    def run(self) -> None:
        """Run until nothing is scheduled any more; an exception of a call ends the run and is raised."""
        try:
            self._loop.run_until_complete(self._over)
        finally:
            self._loop.close()

    def _due(self) -> None:
        if self._over.done():
            return
        self.now, _, _, target, arg = heappop(self._queue)
        assert self.now == self._loop.now_us, "expected asyncio to keep whole microseconds apart"
        try:
            target(arg)
        except Exception as error:  # noqa: BLE001  # a callback's exception would only be logged by asyncio
            self._over.set_exception(error)
            return
        if not self._queue:
            self._over.set_result(None)
