"""The smallest driver of virtual time: a bare heap loop with the kernel's order and no SimPy.

It exists to be compared with: the same twin on both drivers must write the same journal.
"""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

from sim.kernel import CALL


class HeapLoop:
    """Plain calls in the order (time, priority, scheduling)."""

    __slots__ = ("_queue", "_scheduled", "now")

    def __init__(self) -> None:
        self.now = 0
        self._queue: list[tuple[int, int, int, Callable[[Any], object], Any]] = []
        self._scheduled = 0

    def call_at(self, at: int, target: Callable[[Any], object], arg: Any = None, priority: int = CALL) -> None:
        """Call ``target(arg)`` at time ``at``; ValueError when that is in the past."""
        if at < self.now:
            raise ValueError(f"call at {at}: expected a time not before now ({self.now})")
        self._scheduled += 1
        heappush(self._queue, (at, priority, self._scheduled, target, arg))

    def call_each(self, calls: Sequence[tuple[int, Callable[[Any], object], Any]]) -> None:
        """Several calls (time, target, arg) in order of time, at priority ``CALL``; errors as ``call_at``."""
        if type(self) is not HeapLoop:
            for at, target, arg in calls:
                self.call_at(at, target, arg)
            return
        queue, scheduled, now = self._queue, self._scheduled, self.now
        if calls and calls[0][0] < now:
            raise ValueError(f"call at {calls[0][0]}: expected a time not before now ({now})")
        for at, target, arg in calls:
            scheduled += 1
            heappush(queue, (at, CALL, scheduled, target, arg))
        self._scheduled = scheduled

    def run(self) -> None:
        """Run until nothing is scheduled any more."""
        queue = self._queue
        while queue:
            self.now, _, _, target, arg = heappop(queue)
            target(arg)
