"""Speed of virtual time without a controller: ``python tests/bench/bench_kernel.py [--json FILE]``.

B1 a single server, B2 eight blocking zones, B3 a lane of eleven events a parcel and one more for each that is opened,
B5 entities that wait again and again; B4, the whole lane with its controller, is ``bench_twin.py``. All rows of a table
run in this one process, so their ratios hold whatever else the machine does; the times are CPU times, the collector
off, the best of ``--best-of``, in B3 and B5 with the making of the draws. Results are checked, not only timed.
"""

import argparse
import gc
import json
import os
import platform
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import simpy

from sim.heap import HeapLoop
from sim.kernel import Kernel
from sim.oracles import paths, vectors
from sim.oracles.models import Belt, Queue, belt_of_processes, queue_of_processes

STEPS_S = (1.0, 0.4, 0.6, 1.0, 1.2, 0.3)
"""From induction to the stored image: induct, barcode, weigh, X-ray in, X-ray out, image."""
DIVERT_S, GATE_S, DISCHARGE_S = 1.2, 0.25, 0.8
BENCH_SHARE, OFFICERS, OPENING_S = 0.075, 4, 60.0
EVENTS_PER_PARCEL = 1 + len(STEPS_S) + 4
"""It arrives; the steps; decision, divert, gate, discharge."""


class Lane:
    """B3 as plain calls: every step of every parcel is one call."""

    def __init__(self, driver: Kernel | HeapLoop, parcels: int) -> None:
        self._driver, self._parcels = driver, parcels
        draw = random.Random(1)
        self._headways = [1.2 + draw.expovariate(1 / 0.6) for _ in range(parcels)]
        self._decisions = [0.1 + draw.expovariate(10.0) for _ in range(parcels)]
        self._to_bench = [draw.random() < BENCH_SHARE for _ in range(parcels)]
        self._openings = [draw.expovariate(1 / OPENING_S) for _ in range(parcels)]
        self._free, self._waiting = OFFICERS, list[int]()
        self._delays = [(*STEPS_S, wait, max(DIVERT_S - wait, 0.0), GATE_S, DISCHARGE_S) for wait in self._decisions]
        self.done = 0
        self.ended_s = 0.0

    def run(self) -> "Lane":
        """Run all parcels to the end."""
        self._driver.call_at(self._headways[0], self._arrive, 0)  # type: ignore[arg-type]  # seconds here
        self._driver.run()
        return self

    def _arrive(self, parcel: int) -> None:
        call_at, now = self._driver.call_at, self._driver.now
        if parcel + 1 < self._parcels:
            call_at(now + self._headways[parcel + 1], self._arrive, parcel + 1)  # type: ignore[arg-type]
        call_at(now + self._delays[parcel][0], self._step, (parcel, 1))  # type: ignore[arg-type]

    def _step(self, place: tuple[int, int]) -> None:
        parcel, step = place
        delays = self._delays[parcel]
        if step < len(delays):
            self._driver.call_at(self._driver.now + delays[step], self._step, (parcel, step + 1))  # type: ignore[arg-type]
        elif not self._to_bench[parcel]:
            self._end(parcel)
        elif self._free:
            self._free -= 1
            self._open(parcel)
        else:
            self._waiting.append(parcel)

    def _open(self, parcel: int) -> None:
        self._driver.call_at(self._driver.now + self._openings[parcel], self._opened, parcel)  # type: ignore[arg-type]

    def _opened(self, parcel: int) -> None:
        self._end(parcel)
        if self._waiting:
            self._open(self._waiting.pop(0))
        else:
            self._free += 1

    def _end(self, parcel: int) -> None:
        self.done += 1
        self.ended_s = float(self._driver.now)


def lane_of_processes(parcels: int) -> float:
    """B3 as public SimPy models are written: a process per parcel, a Resource per station; the time of the end."""
    env, lane = simpy.Environment(), Lane(HeapLoop(), parcels)
    officers = simpy.Resource(env, OFFICERS)

    def parcel(number: int) -> Any:
        for delay in lane._delays[number]:
            yield env.timeout(delay)
        if lane._to_bench[number]:
            with officers.request() as turn:
                yield turn
                yield env.timeout(lane._openings[number])

    def door() -> Any:
        for number in range(parcels):
            yield env.timeout(lane._headways[number])
            env.process(parcel(number))

    env.process(door())
    env.run()
    return float(env.now)


class Waiters:
    """B5: entities that wait a uniform time between 0 and 2 N again and again, until so many waits are over."""

    def __init__(self, driver: Kernel | HeapLoop, entities: int, waits: int) -> None:
        self._driver = driver
        draw = random.Random(1).random
        self._delays = iter([draw() * 2 * entities for _ in range(entities + waits)])
        self._left = waits
        for _ in range(entities):
            driver.call_at(next(self._delays), self._wake)  # type: ignore[arg-type]

    def _wake(self, _: object) -> None:
        if self._left:
            self._left -= 1
            self._driver.call_at(self._driver.now + next(self._delays), self._wake)  # type: ignore[arg-type]


def waiters_of_processes(entities: int, waits: int) -> None:
    """B5 as SimPy processes."""
    env, draw = simpy.Environment(), random.Random(1).random
    delays = iter([draw() * 2 * entities for _ in range(entities + waits)])
    left = [waits]

    def entity() -> Any:
        yield env.timeout(next(delays))
        while left[0]:
            left[0] -= 1
            yield env.timeout(next(delays))

    for _ in range(entities):
        env.process(entity())
    env.run()


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """(CPU seconds, result), the collector off."""
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        result = work()
        return time.process_time() - began, result
    finally:
        gc.enable()


def table(name: str, unit: str, count: int, rows: dict[str, Callable[[], Any]], best_of: int) -> dict[str, Any]:
    """Time all rows in turn, ``best_of`` times; print each with its ratio to the first one."""
    print(f"\n{name}: {count:,} {unit}")
    rounds = [{row: seconds(work) for row, work in rows.items()} for _ in range(best_of)]
    best = {row: min(one[row][0] for one in rounds) for row in rows}
    first = next(iter(best.values()))
    figures: dict[str, Any] = {}
    for row, took in best.items():
        result = rounds[0][row][1]
        figures[row] = {"per_cpu_s": round(count / took), "ratio": round(first / took, 3), "result": result}
        shown = f"{result:.6f}" if isinstance(result, float) else ""
        print(f"  {row:34} {count / took:12,.0f} /s   x {first / took:6.3f}   {shown}", flush=True)
    results = {round(one["result"], 6) for one in figures.values() if isinstance(one["result"], float)}
    if len(results) > 1:
        raise SystemExit(f"{name}: expected one result on every driver, were {sorted(results)}")
    return figures


def mean(values: list[float]) -> float:
    """Arithmetic mean."""
    return sum(values) / len(values)


def main() -> None:
    """All tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--best-of", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    best_of = options.best_of
    figures: dict[str, Any] = {"python": platform.python_version(), "machine": platform.machine()}
    print(f"Python {platform.python_version()}, {platform.machine()}, simpy {simpy.__version__}, CPU time, one process,"
          f" best of {best_of}, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    gaps, services = vectors.single_server(30_000)
    figures["B1"] = table(
        "B1 single server", "customers", 30_000,
        {
            "bare heap loop": lambda: mean(Queue(HeapLoop(), gaps, services).run().waits),
            "kernel, plain calls": lambda: mean(Queue(Kernel(), gaps, services).run().waits),
            "SimPy process and Resource": lambda: mean(queue_of_processes(simpy.Environment(), gaps, services)),
            "the same on the kernel": lambda: mean(queue_of_processes(Kernel(), gaps, services)),
            "Lindley's recursion": lambda: mean(paths.lindley(gaps, services)),
        }, best_of,
    )  # fmt: skip
    arrivals, zones = vectors.tandem(10_000)
    came = mean(arrivals)
    figures["B2"] = table(
        "B2 eight blocking zones", "parcels", 10_000,
        {
            "bare heap loop": lambda: mean([own[-1] for own in Belt(HeapLoop(), arrivals, zones).run().left]) - came,
            "kernel, plain calls": lambda: mean([own[-1] for own in Belt(Kernel(), arrivals, zones).run().left]) - came,
            "SimPy process and Resource": lambda: mean(belt_of_processes(simpy.Environment(), arrivals, zones)) - came,
            "recursion": lambda: mean([own[-1] for own in paths.zones(arrivals, zones)]) - came,
        }, best_of,
    )  # fmt: skip
    figures["B3"] = table(
        f"B3 lane without controller, {EVENTS_PER_PARCEL} events each (opened ones 1 more)", "parcels", 20_000,
        {
            "bare heap loop": lambda: Lane(HeapLoop(), 20_000).run().ended_s,
            "kernel, plain calls": lambda: Lane(Kernel(), 20_000).run().ended_s,
            "SimPy process per parcel": lambda: lane_of_processes(20_000),
        }, best_of,
    )  # fmt: skip
    for entities in (100, 10_000, 100_000):
        figures[f"B5 {entities}"] = table(
            f"B5 {entities:,} entities", "events", 200_000,
            {
                "bare heap loop": lambda n=entities: run_waiters(HeapLoop(), n),  # type: ignore[misc]
                "kernel, plain calls": lambda n=entities: run_waiters(Kernel(), n),  # type: ignore[misc]
                "SimPy processes": lambda n=entities: waiters_of_processes(n, 200_000 - n),  # type: ignore[misc]
            }, best_of,
        )  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def run_waiters(driver: Kernel | HeapLoop, entities: int) -> None:
    """B5 on a driver: 200,000 events in all."""
    Waiters(driver, entities, 200_000 - entities)
    driver.run()


if __name__ == "__main__":
    main()
