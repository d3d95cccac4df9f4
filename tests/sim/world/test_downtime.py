"""Breakdowns: whose time counts, who repairs, what is dropped or missed, and availability by law and in fact."""

from collections.abc import Callable
from typing import Any

import pytest
import simpy

from sim.kernel import Kernel
from sim.streams.durations import Duration
from sim.world.downtime import Counted, Downtime, DowntimeProcess, Nature, WorkClock

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000


def _always(minutes: float) -> Duration:
    return Duration(constant_us=int(minutes * MINUTE_US))


class Bed:
    """A kernel with clocks and fitters, and a log of what was switched when (in minutes)."""

    def __init__(self, fitters: int = 1) -> None:
        self.kernel = Kernel(integer_time=True)
        self.clocks = {counted: WorkClock(self.kernel, working=True) for counted in Counted}
        self.fitters = simpy.Resource(self.kernel, capacity=fitters)
        self.log: list[tuple[float, str, bool]] = []

    def start(self, **fields: Any) -> DowntimeProcess:
        spec = Downtime(**{"name": "one", "device": "DRIVE", **fields})
        return DowntimeProcess(self.kernel, spec, 1, self.clocks, self.fitters, self._switch)

    def _switch(self, device: str, down: bool) -> None:
        self.log.append((self.kernel.now / MINUTE_US, device, down))

    def run(self, minutes: float) -> int:
        until_us = int(minutes * MINUTE_US)
        self.kernel.run(until_us)
        return until_us


def test_what_falls_due_meanwhile_comes_after_it() -> None:
    bed = Bed()
    process = bed.start(interval=_always(10), duration=_always(15))
    figures = process.figures(bed.run(41))
    assert [at for at, _, _ in bed.log] == [10, 25, 25, 40, 40]
    assert (figures["due"], figures["done"]) == (4, 2)


def test_figures_of_an_earlier_time_leave_out_what_came_after_it() -> None:
    bed = Bed()
    process = bed.start(interval=_always(10), duration=_always(4), limit_us=3 * MINUTE_US)
    bed.run(100)
    figures = process.figures(12 * MINUTE_US)
    assert (figures["due"], figures["done"], figures["missed"], figures["down_s"]) == (1, 0, 0, 120)
    assert figures["available_percent"] == pytest.approx(100 - 100 * 2 / 12, abs=0.001)


def test_concurrent_downtimes_keep_the_device_down_until_the_last_is_over() -> None:
    bed = Bed()
    process = bed.start(interval=_always(10), duration=_always(15), concurrent=True)
    figures = process.figures(bed.run(44))
    assert ([at for at, _, _ in bed.log], figures["due"], figures["done"]) == ([10], 4, 2)


def test_first_downtime_has_a_law_of_its_own() -> None:
    bed = Bed()
    bed.start(interval=_always(10), duration=_always(1), first=_always(3))
    bed.run(15)
    assert [at for at, _, _ in bed.log] == [3, 4, 13, 14]


def test_working_time_stands_still_while_the_lane_does() -> None:
    bed = Bed()
    lane = bed.clocks[Counted.LANE]
    bed.start(interval=_always(10), duration=_always(4), interval_in=Counted.LANE, duration_in=Counted.FITTERS)
    switch: Callable[[WorkClock, bool], Callable[[None], None]] = lambda clock, on: lambda _: clock.set(on)  # noqa: E731
    for minute, clock, on in (
        (4, lane, False), (9, lane, True),
        (17, bed.clocks[Counted.FITTERS], False), (27, bed.clocks[Counted.FITTERS], True),
    ):  # fmt: skip
        bed.kernel.call_at(minute * MINUTE_US, switch(clock, on))
    bed.run(40)
    assert bed.log[:2] == [(15, "DRIVE", True), (29, "DRIVE", False)]


def test_a_breakdown_is_down_while_it_waits_for_a_fitter_and_maintenance_is_not() -> None:
    for nature, begins in ((Nature.BREAKDOWN, 5), (Nature.MAINTENANCE, 20)):
        bed = Bed()
        bed.start(
            name="long", device="BELT", first=_always(0.1), interval=_always(900), duration=_always(19.9), fitters=1
        )
        other = bed.start(first=_always(5), interval=_always(900), duration=_always(2), nature=nature, fitters=1)
        until_us = bed.run(60)
        assert [entry for entry in bed.log if entry[1] == "DRIVE"] == [(begins, "DRIVE", True), (22, "DRIVE", False)]
        assert other.figures(until_us)["waited_for_fitters_s"] == 15 * 60


def test_downtimes_that_wait_for_two_fitters_each_are_repaired_one_after_another() -> None:
    bed = Bed(fitters=2)
    for minute in (1, 2, 3):
        bed.start(
            name=f"{minute}", device=f"{minute}", first=_always(minute), interval=_always(900), duration=_always(10),
            fitters=2,
        )  # fmt: skip
    bed.run(60)
    ends = [(at, device) for at, device, down in bed.log if not down]
    assert ends == [(11, "1"), (21, "2"), (31, "3")]


def test_what_exceeds_the_backlog_is_dropped_and_what_lasts_too_long_is_missed() -> None:
    bed = Bed()
    process = bed.start(
        interval=_always(10), duration=_always(35), concurrent=True, pending_max=2, limit_us=40 * MINUTE_US, fitters=1
    )
    figures = process.figures(bed.run(101))
    assert (figures["due"], figures["dropped"], figures["done"], figures["missed"]) == (10, 6, 2, 1)


def test_availability_is_what_the_laws_promise_in_the_long_run() -> None:
    bed = Bed()
    process = bed.start(interval=Duration(mean_us=8 * HOUR_US), duration=Duration(mean_us=2 * HOUR_US))
    figures = process.figures(bed.run(60 * 50_000))
    assert figures["calculated_available_percent"] == 75.0
    assert figures["available_percent"] == pytest.approx(75.0, abs=1.5)


def test_a_downtime_that_lasts_at_the_end_counts_up_to_there() -> None:
    bed = Bed()
    process = bed.start(interval=_always(10), duration=_always(100))
    assert process.figures(bed.run(40))["available_percent"] == 25.0
