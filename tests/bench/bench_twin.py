"""Speed of the core twin and of its parts: ``python tests/bench/bench_twin.py [--parcels N] [--json FILE]``.

Prints its conditions. Wall times suffer from other load on the machine, so CPU time is given beside them, and a loop of
pure Python as a yardstick of the machine at that moment.
"""

import argparse
import gc
import json
import platform
import random
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import simpy

from lane.controller.core import LaneController
from sim.heap import HeapLoop
from sim.kernel import Kernel
from sim.plant.plant import Plant
from sim.scenario import load_scenario
from sim.streams.make import make_stream
from sim.twin import run_core_twin

DAY = Path(__file__).parents[2] / "config" / "scenarios" / "day.toml"
YARDSTICK = 5_000_000


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """(wall seconds, CPU seconds, result), the collector off."""
    gc.collect()
    gc.disable()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        return time.perf_counter() - wall, time.process_time() - cpu, result
    finally:
        gc.enable()


def yardstick() -> int:
    """A loop of pure Python."""
    total = 0
    for number in range(YARDSTICK):
        total += number
    return total


def plant_alone(parcels: int) -> int:
    """The plant with everything going to INSPECT; returns the number of happenings."""
    day = load_scenario(DAY)
    plant = Plant(day.config.layout, day.config.gate.travel_us, make_stream(day.sized(parcels, 1)), seed=1)
    plant.set_belt(0, day.config.speed_um_s)
    plant.allow_induction(0, True)
    happened = 0
    while (at_us := plant.next_at()) is not None:
        happened += len(plant.happen(at_us))
    return happened


def queue_by_calls(driver: Kernel | HeapLoop, customers: int) -> None:
    """A single server as plain calls (5-simulation B1, integer microseconds)."""
    source = random.Random(1)
    arrivals = [int(source.expovariate(0.8) * 1e6) for _ in range(customers)]
    services = [int(source.expovariate(1.0) * 1e6) for _ in range(customers)]
    state = [0, 0]  # customer to come, time at which the server is free

    def arrive(_: object) -> None:
        number = state[0]
        state[1] = max(state[1], int(driver.now)) + services[number]
        driver.call_at(state[1], depart)
        state[0] = number + 1
        if state[0] < customers:
            driver.call_at(int(driver.now) + arrivals[state[0]], arrive)

    def depart(_: object) -> None:
        return None

    driver.call_at(arrivals[0], arrive)
    driver.run()


def queue_by_processes(customers: int) -> None:
    """The same with a process per customer and a Resource on stock SimPy, as public models are written."""
    source = random.Random(1)
    arrivals = [int(source.expovariate(0.8) * 1e6) for _ in range(customers)]
    services = [int(source.expovariate(1.0) * 1e6) for _ in range(customers)]
    env = simpy.Environment()
    server = simpy.Resource(env)

    def customer(number: int) -> Any:
        with server.request() as request:
            yield request
            yield env.timeout(services[number])

    def source_of_customers() -> Any:
        for number in range(customers):
            yield env.timeout(arrivals[number])
            env.process(customer(number))

    env.process(source_of_customers())
    env.run()


def main() -> None:
    """Run everything once and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=5_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    parcels, figures = options.parcels, {"python": platform.python_version(), "parcels": options.parcels}
    wall, cpu, _ = timed(yardstick)
    figures["yardstick_additions_per_cpu_s"] = round(YARDSTICK / cpu)

    def note(name: str, count: int, wall: float, cpu: float) -> None:
        figures[name] = {"per_s": round(count / wall), "per_cpu_s": round(count / cpu)}
        print(f"{name:34} {count / wall:12,.0f} /s wall {count / cpu:12,.0f} /s CPU", flush=True)

    print(f"Python {platform.python_version()}, {platform.machine()}, {parcels} parcels, seed 1, SYNTHETIC")
    print(f"yardstick {YARDSTICK / cpu:,.0f} additions per CPU second")
    for name, work in (
        ("queue, bare heap", lambda: queue_by_calls(HeapLoop(), 50_000)),
        ("queue, kernel calls", lambda: queue_by_calls(Kernel(integer_time=True), 50_000)),
        ("queue, SimPy processes", lambda: queue_by_processes(50_000)),
    ):
        note(f"{name} (customers)", 50_000, *timed(work)[:2])
    wall, cpu, stream = timed(lambda: make_stream(load_scenario(DAY).sized(parcels, 1)))
    note("stream (parcels)", parcels, wall, cpu)
    note("stream + plant alone (parcels)", parcels, *timed(lambda: plant_alone(parcels))[:2])
    day = load_scenario(DAY)
    hashes: set[str] = set()
    inputs: list[Any] = []
    for driver, mode in (("heap", "records"), ("simpy", "records"), ("simpy", "sealed")):
        settings = replace(day.settings, keep_inputs=driver == "heap")
        wall, cpu, result = timed(
            lambda d=driver, m=mode, s=settings: run_core_twin(day.config, stream, 1, m, d, s)  # type: ignore[misc]
        )
        inputs = result.inputs or inputs
        hashes.add(result.figures["journal_sha256"])
        note(f"twin, {driver}, {mode} (parcels)", parcels, result.figures["wall_s"], cpu)
    core = LaneController(day.config)
    wall, cpu, _ = timed(lambda: [core.handle(item) for item in inputs])
    note("core alone, replay (inputs)", len(inputs), wall, cpu)
    note("core alone, replay (parcels)", parcels, wall, cpu)
    figures["inputs_per_parcel"] = round(len(inputs) / parcels, 1)
    figures["journal_hashes_equal"] = len(hashes) == 1
    figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"inputs per parcel {figures['inputs_per_parcel']}, journal hashes equal: {figures['journal_hashes_equal']}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
