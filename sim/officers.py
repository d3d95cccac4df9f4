"""People of the twin: officers at the bench who open diverted parcels, and the clerk who hands cages over.

With the kernel an officer is a SimPy process; ``PlainBench`` is the same bench as plain calls for the bare heap loop.
Both give the same orders at the same times in the same order: durations are keyed by parcel, and an officer's order
leaves by a plain call whose priority is the officer's own, so that ties never depend on how people are simulated.
"""

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

import simpy

from sim.heap import HeapLoop
from sim.kernel import Kernel
from sim.streams.durations import Duration
from sim.streams.randoms import Keyed

ARRIVAL = 3
"""Priority of a parcel's arrival at the bench: after an officer of that instant is free."""
OFFICER = 10
"""Priority of the first officer's orders; each further officer has the next number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSpec:
    """How many officers, and how long opening takes: ``constant_us`` plus exponential ``mean_us``.

    ``opening``: another law of the opening time, such as one fitted to a log, instead of these two.
    """

    officers: int = 8
    constant_us: int = 20_000_000
    mean_us: int = 25_000_000
    opening: Duration | None = None


Finish = Callable[[int, int], object]
"""Called when officer (0..) has opened lane parcel ``seq``: ``finish(officer, seq)``."""


class Bench(Protocol):
    """Diverted parcels wait in order; ``arrive`` adds one."""

    def arrive(self, seq: int) -> None:
        """Lane parcel ``seq`` reached the bench."""
        ...


def bench_for(driver: Kernel | HeapLoop, spec: BenchSpec, seed: int, finish: Finish) -> Bench:
    """The bench that fits the driver."""
    if isinstance(driver, Kernel):
        return SimpyBench(driver, spec, seed, finish)
    return PlainBench(driver, spec, seed, finish)


def _opening_us(spec: BenchSpec, seed: int, seq: int) -> int:
    if spec.opening is not None:
        return spec.opening.us(Keyed(seed, "bench", seq).uniform())
    return spec.constant_us + Keyed(seed, "bench", seq).exponential(spec.mean_us)


class SimpyBench:
    """Officers as SimPy processes that take parcels from a store."""

    def __init__(self, kernel: Kernel, spec: BenchSpec, seed: int, finish: Finish) -> None:
        self._kernel = kernel
        self._spec = spec
        self._seed = seed
        self._finish = finish
        self._waiting = simpy.Store(kernel)
        for officer in range(spec.officers):
            kernel.process(self._work(officer))

    def arrive(self, seq: int) -> None:
        """Lane parcel ``seq`` reached the bench."""
        self._kernel.call_in(0, self._put, seq, ARRIVAL)

    def _put(self, seq: int) -> None:
        self._waiting.put(seq)

    def _work(self, officer: int) -> Generator[simpy.Event, Any, None]:
        while True:
            seq = yield self._waiting.get()
            yield self._kernel.timeout(_opening_us(self._spec, self._seed, seq))
            self._kernel.call_in(0, self._done, (officer, seq), OFFICER + officer)

    def _done(self, opened: tuple[int, int]) -> None:
        self._finish(*opened)


class PlainBench:
    """The same bench without SimPy."""

    def __init__(self, loop: HeapLoop, spec: BenchSpec, seed: int, finish: Finish) -> None:
        self._loop = loop
        self._spec = spec
        self._seed = seed
        self._finish = finish
        self._idle = deque(range(spec.officers))
        self._waiting: deque[int] = deque()

    def arrive(self, seq: int) -> None:
        """Lane parcel ``seq`` reached the bench."""
        self._loop.call_at(self._loop.now, self._put, seq, ARRIVAL)

    def _put(self, seq: int) -> None:
        self._waiting.append(seq)
        self._take()

    def _take(self) -> None:
        if self._idle and self._waiting:
            officer, seq = self._idle.popleft(), self._waiting.popleft()
            due_us = self._loop.now + _opening_us(self._spec, self._seed, seq)
            self._loop.call_at(due_us, self._free, (officer, seq))

    def _free(self, opened: tuple[int, int]) -> None:
        officer, _ = opened
        self._loop.call_at(self._loop.now, self._done, opened, OFFICER + officer)
        self._idle.append(officer)
        self._take()

    def _done(self, opened: tuple[int, int]) -> None:
        self._finish(*opened)
