"""Breakdowns and planned maintenance, counted as JaamSim's DowntimeEntity counts them.

When a downtime falls due and how long it lasts are two laws, each counted in calendar time or in the working time of
something (the lane, the bench, the fitters): the time during which that does not work does not count. A breakdown
takes its device down at once and waits for a fitter; maintenance waits for one first and then takes it down. The next
interval begins when a downtime falls due; what falls due meanwhile waits in a backlog, or lasts at the same time.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import simpy

from sim.kernel import Kernel
from sim.streams.durations import Duration
from sim.streams.randoms import Keyed

PENDING_MAX = 1_000


class Counted(StrEnum):
    """Whose time counts."""

    CALENDAR = "CALENDAR"  # all time
    LANE = "LANE"  # while the lane executes
    BENCH = "BENCH"  # while somebody opens parcels
    FITTERS = "FITTERS"  # while fitters are on duty


class Nature(StrEnum):
    """What a downtime does to its device before a fitter comes."""

    BREAKDOWN = "BREAKDOWN"  # it is down from the first moment
    MAINTENANCE = "MAINTENANCE"  # it works until a fitter takes it down


@dataclass(frozen=True, slots=True, kw_only=True)
class Downtime:
    """One kind of downtime of one device.

    ``first``: of the first one, from the start of the run (absent: an interval). ``concurrent``: several of this kind
    may last at the same time; else one after another. ``pending_max``: downtimes of this kind that wait or last at
    one time; further ones are dropped and counted. ``limit_us``: from falling due to the end; longer ones
    are counted as missed (0: no limit). ``fitters``: needed at the same time (0: it passes by itself).
    """

    name: str
    device: str
    interval: Duration
    duration: Duration
    first: Duration | None = None
    nature: Nature = Nature.BREAKDOWN
    interval_in: Counted = Counted.CALENDAR
    duration_in: Counted = Counted.CALENDAR
    concurrent: bool = False
    pending_max: int = PENDING_MAX
    limit_us: int = 0
    fitters: int = 0


class WorkClock:
    """Tells whether something works, and counts time only while it does."""

    def __init__(self, kernel: Kernel, working: bool) -> None:
        self._kernel = kernel
        self._changed = kernel.event()
        self.working = working

    def set(self, working: bool) -> None:
        """It works from now on, or stands."""
        if working != self.working:
            self.working = working
            changed, self._changed = self._changed, self._kernel.event()
            changed.succeed()

    def spend(self, amount_us: int) -> Generator[simpy.Event, Any, None]:
        """Wait until it has worked for so long."""
        kernel = self._kernel
        while amount_us > 0:
            if not self.working:
                yield self._changed
                continue
            began_us = kernel.now
            yield kernel.timeout(amount_us) | self._changed
            amount_us -= kernel.now - began_us


class DowntimeProcess:
    """Lets one kind of downtime happen. ``switch(device, down)`` is called at its beginning and its end."""

    def __init__(
        self,
        kernel: Kernel,
        spec: Downtime,
        seed: int,
        clocks: dict[Counted, WorkClock],
        fitters: simpy.Resource,
        switch: Callable[[str, bool], object],
    ) -> None:
        self.spec = spec
        self._kernel = kernel
        self._luck = Keyed(seed, "downtime", spec.name)
        self._clocks = clocks
        self._fitters = fitters
        self._one = simpy.Resource(kernel, capacity=PENDING_MAX if spec.concurrent else 1)
        self._switch = switch
        self._down = 0
        self._since_us = 0
        self._pending = 0
        self._due_us, self._done_us = array("q"), array("q")
        self._dropped_us, self._missed_us = array("q"), array("q")
        self._down_spans: list[tuple[int, int]] = []
        self._wait_spans: list[tuple[int, int]] = []
        kernel.process(self._fall_due())

    def _fall_due(self) -> Generator[simpy.Event, Any, None]:
        spec, clock = self.spec, self._clocks[self.spec.interval_in]
        yield from clock.spend((spec.first or spec.interval).us(self._luck.uniform()))
        while True:
            self._due_us.append(self._kernel.now)
            duration_us = spec.duration.us(self._luck.uniform())  # drawn in order of falling due, dropped or not
            if self._pending >= spec.pending_max:
                self._dropped_us.append(self._kernel.now)
            else:
                self._kernel.process(self._last(duration_us))
            yield from clock.spend(max(1, spec.interval.us(self._luck.uniform())))

    def _last(self, duration_us: int) -> Generator[simpy.Event, Any, None]:
        kernel, spec = self._kernel, self.spec
        due_us = kernel.now
        self._pending += 1
        turn = self._one.request()
        yield turn
        begun_us = kernel.now
        if spec.nature is Nature.BREAKDOWN:
            self._set(1)
        # asked for together: two downtimes that each held one fitter and waited for another would wait for ever
        taken = [self._fitters.request() for _ in range(spec.fitters)]
        for request in taken:
            yield request
        self._wait_spans.append((begun_us, kernel.now))
        if spec.nature is Nature.MAINTENANCE:
            self._set(1)
        yield from self._clocks[spec.duration_in].spend(duration_us)
        self._set(-1)
        for request in taken:
            self._fitters.release(request)
        self._one.release(turn)
        self._pending -= 1
        self._done_us.append(kernel.now)
        if spec.limit_us and kernel.now - due_us > spec.limit_us:
            self._missed_us.append(kernel.now)

    def _set(self, change: int) -> None:
        """One more, or one less, keeps the device down."""
        was, self._down = self._down, self._down + change
        if not was:
            self._since_us = self._kernel.now
            self._switch(self.spec.device, True)
        elif not self._down:
            self._down_spans.append((self._since_us, self._kernel.now))
            self._switch(self.spec.device, False)

    def figures(self, until_us: int) -> dict[str, Any]:
        """Counts, and availability as the laws promise it and as it was (JaamSim's two outputs), in percent.

        Of the time up to ``until_us``, also when more has happened since. A wait for fitters counts once it is over.
        """
        spec = self.spec
        down_us = _until(self._down_spans, until_us) + (max(0, until_us - self._since_us) if self._down else 0)
        interval_us, duration_us = spec.interval.whole_mean_us, spec.duration.whole_mean_us
        return {
            "name": spec.name,
            "device": spec.device,
            "due": bisect_right(self._due_us, until_us),
            "done": bisect_right(self._done_us, until_us),
            "dropped": bisect_right(self._dropped_us, until_us),
            "missed": bisect_right(self._missed_us, until_us),
            "down_s": round(down_us / 1e6, 3),
            "waited_for_fitters_s": round(_until(self._wait_spans, until_us) / 1e6, 3),
            "calculated_available_percent": round(max(0.0, 100 - 100 * duration_us / max(1, interval_us)), 3),
            "available_percent": round(100 - 100 * down_us / max(1, until_us), 3),
        }


def _until(spans: list[tuple[int, int]], until_us: int) -> int:
    """Microseconds of these spans that had passed by then."""
    return sum(max(0, min(end, until_us) - begin) for begin, end in spans)
