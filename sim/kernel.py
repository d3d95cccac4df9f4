"""Virtual time: a SimPy environment whose heap also carries plain calls.

The SimPy classes (Process, Timeout, Resource, Store, Condition) are used unchanged: people are processes. Parcels
never are: an edge of a photo-eye is a plain call, which costs neither an Event nor a callback list nor a closure.

Order at one instant: priority, then the order of scheduling. -1 resumes after a stop, 0 is SimPy's URGENT, 1 is
SimPy's NORMAL and every plant call, 2 (``CLOCK``) the core's deadlines: an input beats the deadline it satisfies.
"""

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from itertools import count, repeat
from typing import Any

import simpy
from simpy.core import EmptySchedule, SimTime, StopSimulation
from simpy.events import NORMAL, URGENT, Event

CALL = 1
"""Priority of plant calls and device inputs."""
CLOCK = 2
"""Priority of the core's deadlines."""
NEVER = 1 << 62
"""A time that does not come."""

_RESUME = -1  # a stopped event goes before everything of its instant
_EVENT: Any = object()  # marks a heap entry whose target is a SimPy event

Entry = tuple[SimTime, int, int, Any, Any]
Target = Callable[[Any], object]


class Kernel(simpy.Environment):
    """A ``simpy.Environment`` with ``call_at`` and ``call_in``.

    ``integer_time``: refuse times and delays that are no ``int`` (the twin counts microseconds; a float that slips
    in would make two machines differ). Off for SimPy's own programs.

    ``alarm_us``, ``on_alarm``: the one call that is set anew again and again, the core's next deadline. It rings at
    priority ``CLOCK`` before later calls, once; alone it keeps no run going.
    """

    __slots__ = ("alarm_us", "now", "on_alarm")
    now: Any
    """Virtual time; a slot, because the twin reads and sets it at every input (whole microseconds there)."""
    _queue: list[Entry]  # type: ignore[assignment]  # entries carry one element more than SimPy's
    _eid: "count[int]"

    def __init__(self, initial_time: SimTime = 0, *, integer_time: bool = False) -> None:
        self.now = initial_time
        super().__init__(initial_time)
        self._integer_time = integer_time
        self.alarm_us = NEVER
        self.on_alarm: Callable[[], object] | None = None
        for name in ("process", "timeout", "event", "all_of", "any_of"):
            setattr(self, name, getattr(self, name))  # bound once, as SimPy does for its own class

    @property
    def _now(self) -> Any:
        """SimPy's own name of the clock."""
        return self.now

    @_now.setter
    def _now(self, at: SimTime) -> None:
        self.now = at

    def call_at(self, at: SimTime, target: Callable[[Any], object], arg: Any = None, priority: int = CALL) -> None:
        """Call ``target(arg)`` at time ``at``. There is no cancelling: a stale call recognises itself by ``arg``.

        Raises ValueError when ``at`` lies in the past, TypeError for a non-integer time under ``integer_time``.
        """
        if at < self.now:
            raise ValueError(f"call at {at}: expected a time not before now ({self.now})")
        if type(at) is not int and self._integer_time:
            raise TypeError(f"call at {at!r}: expected whole microseconds (int)")
        heappush(self._queue, (at, priority, next(self._eid), target, arg))

    def call_each(self, times: Sequence[int], targets: Iterable[Target], args: Iterable[Any]) -> None:
        """As many calls as there are times, which are in order, at priority ``CALL``; errors as ``call_at``."""
        if type(self) is not Kernel:
            for at, target, arg in zip(times, targets, args, strict=False):
                self.call_at(at, target, arg)
            return
        if times and times[0] < self.now:
            raise ValueError(f"call at {times[0]}: expected a time not before now ({self.now})")
        queue = self._queue
        for entry in zip(times, repeat(CALL), self._eid, targets, args, strict=False):
            heappush(queue, entry)

    def call_in(self, delay: SimTime, target: Callable[[Any], object], arg: Any = None, priority: int = CALL) -> None:
        """Call ``target(arg)`` after ``delay``; errors as ``call_at``."""
        self.call_at(self.now + delay, target, arg, priority)

    def schedule(self, event: Event, priority: Any = NORMAL, delay: SimTime = 0) -> None:
        """Put a SimPy event on the heap (SimPy's own classes call this)."""
        if self._integer_time and type(delay) is not int:
            raise TypeError(f"delay {delay!r}: expected whole microseconds (int); people convert with us()")
        heappush(self._queue, (self.now + delay, priority, next(self._eid), event, _EVENT))

    def step(self) -> None:
        """Do the next entry of the heap, or ring the alarm before it. Raises EmptySchedule when there is no entry."""
        if not self._queue:
            raise EmptySchedule
        if self.alarm_us <= self._queue[0][0] and self._rang():
            return
        self.now, _, _, target, arg = heappop(self._queue)
        if arg is _EVENT:
            self._fire(target)
        else:
            target(arg)

    def _rang(self) -> bool:
        """Ring the alarm, unless it is the next entry's turn."""
        alarm_us, entry, ring = self.alarm_us, self._queue[0], self.on_alarm
        if ring is None or (entry[0] == alarm_us and entry[1] <= CLOCK):
            return False
        self.alarm_us = NEVER
        if alarm_us > self.now:
            self.now = alarm_us
        ring()
        return True

    def _fire(self, target: Any) -> None:
        """A SimPy event happens."""
        callbacks, target.callbacks = target.callbacks, None
        for done, callback in enumerate(callbacks, start=1):
            try:
                callback(target)
            except StopSimulation:
                target.callbacks = callbacks[done:]
                self.schedule(target, _RESUME)
                raise
        if not target._ok and not hasattr(target, "_defused"):
            value = target._value
            raise type(value)(*value.args) from value

    def run(self, until: SimTime | Event | None = None) -> Any:
        """Run to the end (None), to a time, or until an event happened, whose value is returned.

        Raises ValueError for a time not in the future, RuntimeError when the heap ends before ``until`` happened.
        An exception of a plain call passes unchanged: that call is consumed, ``run`` may be called again.
        """
        stop = self._stop_event(until)
        if stop is not None:
            if stop.callbacks is None:
                return stop.value
            stop.callbacks.append(StopSimulation.callback)
        queue, fire = self._queue, self._fire
        try:
            while queue:
                if self.alarm_us <= queue[0][0] and self._rang():
                    continue
                self.now, _, _, target, arg = heappop(queue)
                if arg is _EVENT:
                    fire(target)
                else:
                    target(arg)
        except StopSimulation as stopped:
            return stopped.args[0]
        if stop is not None:
            raise RuntimeError(f'No scheduled events left but "until" event was not triggered: {stop}')
        return None

    def _stop_event(self, until: SimTime | Event | None) -> Event | None:
        if until is None or isinstance(until, Event):
            return until
        at: SimTime = until if isinstance(until, int) else float(until)
        if at <= self.now:
            raise ValueError(f"until ({at}) must be greater than the current simulation time")
        stop = Event(self)
        stop._ok = True
        stop._value = None
        self.schedule(stop, URGENT, at - self.now)
        return stop


class DriverError(ValueError):
    """Something that only the kernel can run (people and downtimes are SimPy processes) was given a bare heap."""


def us(seconds: float) -> int:
    """Seconds to whole microseconds, rounded once, where a float enters."""
    return int(seconds * 1_000_000)
