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
from sim.kernel import DriverError, Kernel
from sim.streams.dice import Dice
from sim.streams.durations import Duration
from sim.world.crew import Crew, Task
from sim.world.meter import Meter
from sim.world.shifts import Calendar

ARRIVAL = 3
"""Priority of a parcel's arrival at the bench: after an officer of that instant is free."""
OFFICER = 10
"""Priority of the first officer's orders; each further officer has the next number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSpec:
    """How many officers, and how long opening takes: ``constant_us`` plus exponential ``mean_us``.

    ``opening``: another law of the opening time, such as one fitted to a log, instead of these two.
    ``calendar``: officers come and go by it, instead of ``officers`` who are always there (kernel only).
    """

    officers: int = 8
    constant_us: int = 20_000_000
    mean_us: int = 25_000_000
    opening: Duration | None = None
    calendar: Calendar | None = None


Finish = Callable[[int, int], object]
"""Called when officer (0..) has opened lane parcel ``seq``: ``finish(officer, seq)``."""


class Bench(Protocol):
    """Diverted parcels wait in order; ``arrive`` adds one. ``meter`` knows how long and how many."""

    @property
    def meter(self) -> Meter:
        """Queue, waits and work."""
        ...

    def arrive(self, seq: int) -> None:
        """Lane parcel ``seq`` reached the bench."""
        ...


def bench_for(driver: Kernel | HeapLoop, spec: BenchSpec, seed: int, finish: Finish) -> Bench:
    """The bench that fits the driver. Raises DriverError for a calendar without the kernel."""
    if spec.calendar is not None:
        if not isinstance(driver, Kernel):
            raise DriverError("bench: officers who come and go are SimPy processes; expected driver simpy, was heap")
        return ShiftBench(driver, spec, seed, finish)
    if isinstance(driver, Kernel):
        return SimpyBench(driver, spec, seed, finish)
    return PlainBench(driver, spec, seed, finish)


def opening_us(spec: BenchSpec, seed: int, seq: int) -> int:
    """How long opening lane parcel ``seq`` takes, whoever does it."""
    return _opening_us(spec, seed, seq)


def _opening_us(spec: BenchSpec, seed: int, seq: int) -> int:
    if spec.opening is not None:
        return spec.opening.us(Dice(seed, "bench", seq).uniform())
    return spec.constant_us + Dice(seed, "bench", seq).exponential(spec.mean_us)


class ShiftBench:
    """Officers who come and go by the calendar."""

    def __init__(self, kernel: Kernel, spec: BenchSpec, seed: int, finish: Finish) -> None:
        self._kernel = kernel
        self._spec = spec
        self._seed = seed
        self._finish = finish
        self._crew = Crew(kernel, spec.officers, spec.calendar, self._done, OFFICER)

    @property
    def meter(self) -> Meter:
        """Queue, waits and work."""
        return self._crew.meter

    def arrive(self, seq: int) -> None:
        """Lane parcel ``seq`` reached the bench."""
        self._kernel.call_in(0, self._put, seq, ARRIVAL)

    def _put(self, seq: int) -> None:
        self._crew.give(Task(seq, _opening_us(self._spec, self._seed, seq)))

    def _done(self, officer: int, task: Task) -> None:
        self._finish(officer, task.key)


class SimpyBench:
    """Officers as SimPy processes that take parcels from a store."""

    def __init__(self, kernel: Kernel, spec: BenchSpec, seed: int, finish: Finish) -> None:
        self._kernel = kernel
        self._spec = spec
        self._seed = seed
        self._finish = finish
        self._waiting = simpy.Store(kernel)
        self.meter = Meter(spec.officers)
        for officer in range(spec.officers):
            kernel.process(self._work(officer))

    def arrive(self, seq: int) -> None:
        """Lane parcel ``seq`` reached the bench."""
        self._kernel.call_in(0, self._put, seq, ARRIVAL)

    def _put(self, seq: int) -> None:
        now_us = self._kernel.now
        self.meter.arrived(now_us)
        self._waiting.put((seq, now_us))

    def _work(self, officer: int) -> Generator[simpy.Event, Any, None]:
        while True:
            seq, arrived_us = yield self._waiting.get()
            self.meter.began(self._kernel.now, arrived_us)
            yield self._kernel.timeout(_opening_us(self._spec, self._seed, seq))
            self.meter.ended(self._kernel.now)
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
        self._waiting: deque[tuple[int, int]] = deque()
        self.meter = Meter(spec.officers)

    def arrive(self, seq: int) -> None:
        """Lane parcel ``seq`` reached the bench."""
        self._loop.call_at(self._loop.now, self._put, seq, ARRIVAL)

    def _put(self, seq: int) -> None:
        self.meter.arrived(self._loop.now)
        self._waiting.append((seq, self._loop.now))
        self._take()

    def _take(self) -> None:
        if self._idle and self._waiting:
            officer, (seq, arrived_us) = self._idle.popleft(), self._waiting.popleft()
            self.meter.began(self._loop.now, arrived_us)
            due_us = self._loop.now + _opening_us(self._spec, self._seed, seq)
            self._loop.call_at(due_us, self._free, (officer, seq))

    def _free(self, opened: tuple[int, int]) -> None:
        officer, _ = opened
        self.meter.ended(self._loop.now)
        self._loop.call_at(self._loop.now, self._done, opened, OFFICER + officer)
        self._idle.append(officer)
        self._take()

    def _done(self, opened: tuple[int, int]) -> None:
        self._finish(*opened)
