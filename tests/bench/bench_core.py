"""Speed of the bare core: ``python tests/bench/bench_core.py [--parcels N] [--rounds N] [--json FILE]``.

Records a run of the core twin, then replays its inputs through a fresh ``LaneController`` again and again: no plant, no
people, no timers. Prints its conditions. The best round counts, because other load only ever makes a round slower; CPU
time stands beside wall time, and a loop of pure Python is the yardstick of the machine at that moment.
"""

import argparse
import gc
import json
import os
import platform
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lane.codec import encode
from lane.controller.core import LaneController
from lane.inputs import AnyInput
from lane.journal.memory import MemoryJournal, MemoryMode
from lane.model.config import CoreConfig
from sim.scenario import load_scenario
from sim.streams.make import make_stream
from sim.twin import run_core_twin

DAY = Path(__file__).parents[2] / "config" / "scenarios" / "day.toml"
YARDSTICK = 5_000_000


def best(work: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """(wall seconds, CPU seconds) of the round with the least CPU time, the collector off."""
    taken = []
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        try:
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            taken.append((time.process_time() - cpu, time.perf_counter() - wall))
        finally:
            gc.enable()
    cpu, wall = min(taken)
    return wall, cpu


def yardstick() -> int:
    """A loop of pure Python."""
    total = 0
    for number in range(YARDSTICK):
        total += number
    return total


def replay(config: CoreConfig, inputs: list[AnyInput]) -> None:
    """The core alone, with the question for the next deadline that every driver asks."""
    core = LaneController(config)
    handle, next_deadline = core.handle, core.next_deadline
    for item in inputs:
        handle(item)
        next_deadline()


def journalled(config: CoreConfig, inputs: list[AnyInput], mode: MemoryMode) -> MemoryJournal:
    """The same with the journal in memory."""
    core, journal = LaneController(config), MemoryJournal(mode)
    handle, next_deadline, append = core.handle, core.next_deadline, journal.append
    for item in inputs:
        append(item, handle(item).events)
        next_deadline()
    if mode is MemoryMode.SEALED:
        journal.checkpoint()
    return journal


def main() -> None:
    """Record, replay, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    parcels, rounds = options.parcels, options.rounds
    day = load_scenario(DAY)
    stream = make_stream(day.sized(parcels, options.seed))
    settings = replace(day.settings, keep_inputs=True)
    run = run_core_twin(day.config, stream, options.seed, driver="heap", settings=settings)
    inputs = run.inputs
    core = LaneController(day.config)
    events = [event for item in inputs for event in core.handle(item).events]
    records = len(inputs) + len(events)
    yard = YARDSTICK / best(yardstick, 3)[1]
    figures: dict[str, Any] = {
        "conditions": {
            "python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2), "parcels": parcels, "seed": options.seed, "rounds": rounds,
            "yardstick_additions_per_cpu_s": round(yard), "origin": "SYNTHETIC",
        },
        "inputs_per_parcel": round(len(inputs) / parcels, 2),
        "events_per_parcel": round(len(events) / parcels, 2),
        "inputs_by_kind": dict(Counter(type(item).__name__ for item in inputs).most_common()),
        "events_by_kind": dict(Counter(type(event).__name__ for event in events).most_common()),
    }  # fmt: skip
    print("conditions: " + ", ".join(f"{name} {value}" for name, value in figures["conditions"].items()))
    print(f"inputs per parcel {figures['inputs_per_parcel']}, events per parcel {figures['events_per_parcel']}")

    def note(name: str, count: int, work: Callable[[], Any]) -> None:
        wall, cpu = best(work, rounds)
        figures[name] = {
            "us_each": round(cpu / count * 1e6, 3),
            "per_cpu_s": round(count / cpu),
            "parcels_per_cpu_s": round(parcels / cpu),
            "parcels_per_s": round(parcels / wall),
        }
        print(
            f"{name:34} {cpu / count * 1e6:8.3f} us {count / cpu:12,.0f} /s CPU {parcels / cpu:10,.0f} parcels/s CPU",
            flush=True,
        )

    everything = [*inputs, *events]
    note("core alone (inputs)", len(inputs), lambda: replay(day.config, inputs))
    note("core + journal, records (inputs)", len(inputs), lambda: journalled(day.config, inputs, MemoryMode.RECORDS))
    note("core + journal, sealed (inputs)", len(inputs), lambda: journalled(day.config, inputs, MemoryMode.SEALED))
    note("canonical bytes (records)", records, lambda: [encode(item) for item in everything])
    equal = journalled(day.config, inputs, MemoryMode.RECORDS).sha256() == run.figures["journal_sha256"]
    figures["replay_hash_equals_run"] = equal
    print(f"journal of the replay equals the run's: {equal}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
