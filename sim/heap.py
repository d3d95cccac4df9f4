"""The smallest driver of virtual time: a bare heap loop with the kernel's order and no SimPy.

It exists to be compared with: the same twin on both drivers must write the same journal. So it shares no code with the
kernel, only words: ``call_each`` and the alarm are written again, and a mistake in one of the two makes the journals
differ.
"""

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from itertools import count, repeat
from typing import Any

from sim.kernel import CALL, CLOCK, NEVER, Target


class HeapLoop:
    """Plain calls in the order (time, priority, scheduling), and an alarm as the kernel's."""

    __slots__ = ("_eid", "_queue", "alarm_us", "now", "on_alarm")

    def __init__(self) -> None:
        self.now = 0
        self._queue: list[tuple[int, int, int, Target, Any]] = []
        self._eid = count()
        self.alarm_us = NEVER
        self.on_alarm: Callable[[], object] | None = None

    def call_at(self, at: int, target: Target, arg: Any = None, priority: int = CALL) -> None:
        """Call ``target(arg)`` at time ``at``; ValueError when that is in the past."""
        if at < self.now:
            raise ValueError(f"call at {at}: expected a time not before now ({self.now})")
        heappush(self._queue, (at, priority, next(self._eid), target, arg))

    def call_each(self, times: Sequence[int], targets: Iterable[Target], args: Iterable[Any]) -> None:
        """As many calls as there are times, which are in order, at priority ``CALL``; errors as ``call_at``."""
        if type(self) is not HeapLoop:
            for at, target, arg in zip(times, targets, args, strict=False):
                self.call_at(at, target, arg)
            return
        if times and times[0] < self.now:
            raise ValueError(f"call at {times[0]}: expected a time not before now ({self.now})")
        queue = self._queue
        for entry in zip(times, repeat(CALL), self._eid, targets, args, strict=False):
            heappush(queue, entry)

    def run(self) -> None:
        """Run until nothing is scheduled any more."""
        queue = self._queue
        while queue:
            if self.alarm_us <= queue[0][0] and self._rang():
                continue
            self.now, _, _, target, arg = heappop(queue)
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
