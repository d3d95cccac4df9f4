"""The whole lane on simulated devices: memory of its processes, latencies, journal and devices, in one run.

Prints its conditions; ``--json FILE`` keeps the figures. Not a test: nothing here passes or fails.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

WANTED = (
    ("core's memory, MB", ("peak_rss_mb_by_process", "lane.station"), "at most 150"),
    ("largest counting worker's memory, MB", ("peak_rss_mb_by_process", "vision.worker"), ""),
    ("all processes' memory, peak MB", ("peak_rss_mb",), ""),
    ("image to disposition p50, ms", ("latency_ms", "image_to_disposition", "p50"), ""),
    ("image to disposition p99, ms", ("latency_ms", "image_to_disposition", "p99"), "at most 300"),
    ("exit eye to release message p99, ms", ("latency_ms", "exit_to_release_message", "p99"), ""),
    ("I/O cycle p50, ms", ("devices", "cycle_ms", "p50"), ""),
    ("I/O cycle p99, ms", ("devices", "cycle_ms", "p99"), ""),
    ("requests", ("devices", "requests"), ""),
    ("failures", ("devices", "failures"), ""),
    ("parcels per hour of plant time", ("throughput_per_hour",), ""),
)


def main() -> None:
    """Run the demo once and print what the lane cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--speed", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "demo.json"
        size = ["--parcels", str(arguments.parcels), "--seed", str(arguments.seed), "--speed", str(arguments.speed)]
        command = [sys.executable, "-m", "lane", "demo", "--no-console", *size, "--out", f"{folder}/run"]
        before = os.getloadavg()[0]
        subprocess.run([*command, "--json", str(answer)], check=True, stdout=subprocess.DEVNULL)
        figures = json.loads(answer.read_text(encoding="utf-8"))
    conditions = {
        "parcels": arguments.parcels,
        "seed": arguments.seed,
        "speed": arguments.speed,
        "cores": os.cpu_count(),
        "load_before": round(before, 2),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    print("conditions: " + ", ".join(f"{name} {value}" for name, value in conditions.items()))
    kept: dict[str, Any] = {}
    for title, path, target in WANTED:
        value: Any = figures
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        kept[".".join(path)] = value
        print(
            f"{title:42}{value if value is not None else 'not measured':>14}   {f'(target {target})' if target else ''}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({"conditions": conditions, "figures": kept}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
