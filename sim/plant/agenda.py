"""When things happen: the plant's own list of calls, for those who ask it from time to time.

In virtual time the plant puts its calls to the driver of the twin instead (``Plant.ride``): same calls, same order.
"""

from collections.abc import Callable, Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, Protocol

Target = Callable[[Any], object]


class Clock(Protocol):
    """What the plant needs of a driver. There is no cancelling: a stale call recognises itself by its argument."""

    now: Any

    def call_at(self, at: int, target: Target, arg: Any = None) -> None:
        """Call ``target(arg)`` at time ``at``."""

    def call_each(self, times: Sequence[int], targets: Iterable[Target], args: Iterable[Any]) -> None:
        """As many calls at once as there are times, which are in order."""


class Agenda:
    """Calls in order of time, then of scheduling. ``now``: how far they have been done."""

    __slots__ = ("_calls", "_scheduled", "now")

    def __init__(self) -> None:
        self.now = 0
        self._calls: list[tuple[int, int, Target, Any]] = []
        self._scheduled = 0

    def call_at(self, at: int, target: Target, arg: Any = None) -> None:
        """Call ``target(arg)`` at time ``at``."""
        self._scheduled += 1
        heappush(self._calls, (at, self._scheduled, target, arg))

    def call_each(self, times: Sequence[int], targets: Iterable[Target], args: Iterable[Any]) -> None:
        """As many calls at once as there are times, which are in order."""
        for at, target, arg in zip(times, targets, args, strict=False):
            self.call_at(at, target, arg)

    def next_at(self) -> int | None:
        """Time of the next call, not before now; None: there is none."""
        return max(self._calls[0][0], self.now) if self._calls else None

    def step(self) -> None:
        """Do the next call."""
        at, _, target, arg = heappop(self._calls)
        self.now = max(self.now, at)
        target(arg)

    def drop(self, stale: Callable[[Target], bool]) -> None:
        """Forget calls that would only find out that they are stale."""
        self._calls = [call for call in self._calls if not stale(call[2])]
        heapify(self._calls)
