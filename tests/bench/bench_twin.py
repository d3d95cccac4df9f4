"""Speed of the core twin and of its parts: ``python tests/bench/bench_twin.py [--parcels N] [--json FILE]``.

Every figure is the best of ``--rounds`` in processor time, with the wall time of that round; what is compared is run
in turns within this one process. The yardstick is a loop of pure Python: how fast this machine was at that moment.
"""

import argparse
import gc
import json
import os
import platform
import random
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import simpy

from lane.controller.core import LaneController
from sim.heap import HeapLoop
from sim.kernel import Kernel
from sim.plant.plant import Plant
from sim.scenario import Scenario, load_scenario
from sim.streams.make import make_stream
from sim.streams.truth import ParcelTruth
from sim.twin import run_core_twin

DAY = Path(__file__).parents[2] / "config" / "scenarios" / "day.toml"
YARDSTICK = 5_000_000
CUSTOMERS = 50_000

Work = Callable[[], Any]
Timing = tuple[float, float, Any]
"""(processor seconds, wall seconds, result)."""


def timed(work: Work) -> Timing:
    """One run of ``work``, the collector off."""
    gc.collect()
    gc.disable()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        return time.process_time() - cpu, time.perf_counter() - wall, result
    finally:
        gc.enable()


def in_turns(works: Mapping[str, Work], rounds: int) -> dict[str, Timing]:
    """Best round of each, run one after the other, every second round backwards."""
    best: dict[str, Timing] = {}
    for number in range(rounds):
        names = list(works) if number % 2 == 0 else list(works)[::-1]
        for name in names:
            timing = timed(works[name])
            if name not in best or timing[0] < best[name][0]:
                best[name] = timing
    return best


def yardstick() -> int:
    """A loop of pure Python."""
    total = 0
    for number in range(YARDSTICK):
        total += number
    return total


def plant_alone(day: Scenario, stream: list[ParcelTruth]) -> int:
    """The plant with everything going to INSPECT; returns the number of happenings."""
    plant = Plant(day.config.layout, day.config.gate.travel_us, stream, seed=1)
    plant.set_belt(0, day.config.speed_um_s)
    plant.allow_induction(0, True)
    happened = 0
    while (at_us := plant.next_at()) is not None:
        happened += len(plant.advance(at_us))
    return happened


def queue_by_calls(driver: Kernel | HeapLoop, customers: int) -> None:
    """A single server as plain calls: table B1 of ``bench_kernel`` in integer microseconds."""
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


class Bench:
    """Notes figures and prints them as they come."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.figures: dict[str, Any] = {}

    def note(self, name: str, count: int, timing: Timing) -> float:
        """``count`` things were done in this time; returns them per processor second."""
        cpu, wall, _ = timing
        self.figures[name] = {"per_cpu_s": round(count / cpu), "per_s": round(count / wall)}
        print(f"{name:44} {count / cpu:12,.0f} /s CPU {count / wall:12,.0f} /s wall", flush=True)
        return count / cpu

    def ratio(self, name: str, slower: float, faster: float) -> None:
        """How much more time per thing the first needs than the second."""
        self.figures[name] = round(faster / slower - 1, 4)
        print(f"{name:44} {100 * (faster / slower - 1):+11.1f} %", flush=True)


def twin(bench: Bench, day: Scenario, stream: list[ParcelTruth]) -> None:
    """The whole twin: both journal modes, with and without referee, and both drivers in turns."""
    works: dict[str, Work] = {
        f"twin, {driver}, {mode}, referee {'on' if judging else 'off'}": (
            lambda d=driver, m=mode, j=judging: run_core_twin(  # type: ignore[misc]
                day.config, stream, 1, m, d, day.settings, judging=j
            ).figures
        )
        for driver, mode, judging in (
            ("heap", "records", False), ("simpy", "records", False), ("simpy", "records", True),
            ("simpy", "sealed", True),
        )
    }  # fmt: skip
    best = in_turns(works, bench.rounds)
    speeds = {}
    for name, (_, _, figures) in best.items():
        span: Timing = (figures["cpu_s"], figures["wall_s"], None)  # without the canonicalising that records puts off
        speeds[name] = bench.note(f"{name} (parcels)", len(stream), span)
        bench.figures[f"{name} (parcels)"]["times_real_time"] = round(figures["lane_s"] / figures["cpu_s"])
        print(f"{'':44} {figures['lane_s'] / figures['cpu_s']:12,.0f} times real time (CPU)")
    kernel, heap = speeds["twin, simpy, records, referee off"], speeds["twin, heap, records, referee off"]
    bench.ratio("kernel over bare heap, whole twin", kernel, heap)
    bench.figures["journal_hashes_equal"] = len({figures["journal_sha256"] for _, _, figures in best.values()}) == 1
    print(f"journal hashes equal: {bench.figures['journal_hashes_equal']}")


def parts(bench: Bench, day: Scenario, stream: list[ParcelTruth]) -> None:
    """The core alone on the recorded inputs, and the plant alone."""
    inputs = run_core_twin(
        day.config, stream, 1, "records", "heap", replace(day.settings, keep_inputs=True), judging=False
    ).inputs  # fmt: skip

    def replayed() -> None:
        core = LaneController(day.config)
        for item in inputs:
            core.handle(item)
            core.next_deadline()

    best = in_turns({"core": replayed, "plant": lambda: plant_alone(day, stream)}, bench.rounds)
    bench.note("core alone, replay (inputs)", len(inputs), best["core"])
    bench.note("core alone, replay (parcels)", len(stream), best["core"])
    bench.note("plant alone, asked step by step (parcels)", len(stream), best["plant"])
    bench.figures["inputs_per_parcel"] = round(len(inputs) / len(stream), 1)
    print(f"inputs per parcel {bench.figures['inputs_per_parcel']}")


def queues(bench: Bench) -> None:
    """A queue whose handlers do next to nothing: the dearest case for the kernel."""
    best = in_turns(
        {
            "heap": lambda: queue_by_calls(HeapLoop(), CUSTOMERS),
            "kernel": lambda: queue_by_calls(Kernel(integer_time=True), CUSTOMERS),
            "processes": lambda: queue_by_processes(CUSTOMERS),
        },
        bench.rounds,
    )
    heap = bench.note("queue, bare heap (customers)", CUSTOMERS, best["heap"])
    kernel = bench.note("queue, kernel calls (customers)", CUSTOMERS, best["kernel"])
    bench.note("queue, SimPy processes (customers)", CUSTOMERS, best["processes"])
    bench.ratio("kernel over bare heap, empty handlers", kernel, heap)


def main() -> None:
    """Run everything and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=2_000, help="parcels in the stream of config/scenarios/day.toml")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the best counts")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    bench = Bench(options.rounds)
    cpu, _, _ = min((timed(yardstick) for _ in range(3)), key=lambda timing: timing[0])
    bench.figures["conditions"] = {
        "python": platform.python_version(), "machine": platform.machine(), "parcels": options.parcels, "seed": 1,
        "rounds": options.rounds, "load_average": round(os.getloadavg()[0], 1), "scenario": DAY.name,
        "yardstick_additions_per_cpu_s": round(YARDSTICK / cpu), "origin": "SYNTHETIC",
    }  # fmt: skip
    print(", ".join(f"{name} {value}" for name, value in bench.figures["conditions"].items()))
    day = load_scenario(DAY)
    stream_time = timed(lambda: make_stream(day.sized(options.parcels, 1)))
    bench.note("stream (parcels)", options.parcels, stream_time)
    twin(bench, day, stream_time[2])
    parts(bench, day, stream_time[2])
    queues(bench)
    bench.figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if options.json:
        options.json.write_text(json.dumps(bench.figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
