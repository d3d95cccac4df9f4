"""Import of synthetic lists, half CEB621 XML and half CSV: lists per second, memory, look-ups while importing.

    python tests/bench/bench_declarations.py --lists 1000000 --json FILE

Files are written to a temporary folder in portions and deleted after their import, so that disk use stays small;
writing them is not timed. Look-ups run in a process of their own, paced, each the whole answer for a random waybill.
"""

import argparse
import json
import multiprocessing
import os
import platform
import random
import resource
import sqlite3
import sys
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.progress import Progress

from lane.declarations.store import DeclarationStore
from lane.interfaces.importer import import_paths
from tests.bench.lists import waybill, write_csv_lists, write_xml_lists

PORTION = 20_000
LOOKUPS_PER_S = 200


def main() -> None:
    """Run, print conditions and figures, write them as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where files and store go (default: a temporary folder)")
    parser.add_argument("--json", type=Path, dest="json_file")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
        figures = measure(Path(folder), wanted.lists, wanted.seed)
    print(json.dumps(figures, indent=1))
    if wanted.json_file:
        wanted.json_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def measure(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Import ``count`` lists in portions, XML and CSV in turn."""
    data = folder / "data"
    DeclarationStore.open(data).close()
    stop, imported = multiprocessing.Event(), multiprocessing.Value("q", 0)
    answers: multiprocessing.Queue[list[tuple[float, bool]]] = multiprocessing.Queue()
    reader = multiprocessing.Process(target=look_up, args=(data, stop, imported, answers, count), daemon=True)
    reader.start()
    draw = random.Random(seed)
    spent = {kind: {"lists": 0, "bytes": 0, "wall_s": 0.0, "cpu_s": 0.0} for kind in ("xml", "csv")}
    memory_mb: list[float] = []
    load_before = os.getloadavg()
    with DeclarationStore.open(data) as store, Progress(transient=True) as progress:
        task = progress.add_task("importing", total=count)
        for first in range(0, count, 2 * PORTION):
            half = min(PORTION, (count - first) // 2)
            for kind, write, start in (("xml", write_xml_lists, first), ("csv", write_csv_lists, first + half)):
                files = [written.path for written in write(folder, start, half, draw)]
                wall, cpu = time.perf_counter(), time.process_time()
                report = import_paths(store, files)
                sums = spent[kind]
                sums["wall_s"] += time.perf_counter() - wall
                sums["cpu_s"] += time.process_time() - cpu
                sums["lists"] += report.lists
                sums["bytes"] += report.bytes_read
                assert report.clean, report.problems[:1]
                assert report.lists == half, (report.lists, half)
                for file in files:
                    file.unlink()
                progress.advance(task, half)
            imported.value = first + 2 * half
            memory_mb.append(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1))
        stop.set()
        times = answers.get(timeout=60)
        reader.join()
        stored = store.stats()
    return {
        "conditions": conditions(count, seed, load_before),
        "import": {kind: rates(sums) for kind, sums in spent.items()},
        "peak_rss_mb": {"after_first_portion": memory_mb[0], "at_half": memory_mb[len(memory_mb) // 2],
                        "at_end": memory_mb[-1]},
        "look_up_while_importing_ms": spread([ms for ms, _ in times]) | {"found": sum(found for _, found in times)},
        "store": {"lists": stored.lists, "receipts": stored.receipts, "mib_on_disk": stored.bytes_on_disk >> 20},
    }  # fmt: skip


def look_up(data: Path, stop: Event, imported: Any, answers: Any, count: int) -> None:
    """Ask for random waybills at a steady pace until told to stop; send (ms, found) of each."""
    draw = random.Random(7)
    times: list[tuple[float, bool]] = []
    with DeclarationStore.open(data) as store:
        while not stop.is_set():
            number = draw.randrange(imported.value or count)
            started = time.perf_counter()
            answer = store.answer(1, waybill(number), at_us=0, belt_um=0, now_wall=time.time())
            times.append(((time.perf_counter() - started) * 1000, answer.found))
            time.sleep(1 / LOOKUPS_PER_S)
    answers.put(times)


def rates(sums: dict[str, Any]) -> dict[str, Any]:
    """Lists per second of wall and of CPU time, and bytes per list."""
    return {
        "lists": sums["lists"],
        "lists_per_s_wall": round(sums["lists"] / sums["wall_s"]),
        "lists_per_s_cpu": round(sums["lists"] / sums["cpu_s"]),
        "wall_s": round(sums["wall_s"], 1),
        "bytes_per_list": round(sums["bytes"] / sums["lists"]),
    }


def spread(values: list[float]) -> dict[str, Any]:
    """Count and percentiles."""
    ordered = sorted(values) or [0.0]
    at = {f"p{name}": round(ordered[int(len(ordered) * share)], 3) for name, share in (("50", 0.5), ("99", 0.99))}
    return {"n": len(values), **at, "max": round(ordered[-1], 3)}


def conditions(count: int, seed: int, load_before: tuple[float, float, float]) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "lists": count, "seed": seed, "look_ups_per_s": LOOKUPS_PER_S, "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version, "cpus": os.cpu_count(), "machine": platform.machine(),
        "load_average_before": [round(load, 2) for load in load_before],
        "load_average_after": [round(load, 2) for load in os.getloadavg()],
        "waybills": "spread over the number range in no order", "journal_mode": "WAL", "synchronous": "NORMAL",
        "one_importing_process": True,
    }  # fmt: skip


if __name__ == "__main__":
    main()
