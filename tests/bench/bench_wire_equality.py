"""How alike wire twin and core twin are: ``python tests/bench/bench_wire_equality.py [--parcels N] [--speed X]``.

Runs a demo lane on real sockets and serial ports, then the core twin on the same stream with the recorded vision
results, and compares every parcel's decisions and the times of the records that devices stamp. Prints its conditions.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # started as a file, `tests` is not on the path

from tests.sim.equalities.wire_traces import compare, core_twin_of, read_wire_run, share


def recorded(folder: Path, parcels: int, seed: int, speed: int) -> tuple[Path, dict[str, Any]]:
    """(run directory, figures) of a fresh demo run."""
    run, figures = folder / "run", folder / "figures.json"
    command = [str(Path(sys.executable).with_name("lane")), "demo", "--no-console", "--parcels", str(parcels)]
    command += ["--seed", str(seed), "--speed", str(speed), "--out", str(run), "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"lane demo ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return run, json.loads(figures.read_text(encoding="utf-8"))


def main() -> None:
    """Run, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--speed", type=int, default=4)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}, {options.parcels} parcels, seed {options.seed}")
    print(f"speed {options.speed}, SYNTHETIC; the wire twin runs in real time ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="wire-equality-") as folder:
        run, told = recorded(Path(folder), options.parcels, options.seed, options.speed)
        wire = read_wire_run(run, run.with_name("run.twin"))
        cycle = told["devices"]["cycle_ms"]
        poll_us = int(cycle["p50"] * 1_000) * options.speed
        both = compare(wire, core_twin_of(wire, options.seed), poll_us)
    times, ways, decisions = both.time_errors_us, both.way_errors_um, both.decision_errors_us
    figures = {
        "parcels": both.parcels,
        "equal": both.equal,
        "within_two_polls": both.narrow,
        "late_by_its_own_record": both.late,
        "different_beyond_two_polls": len(both.differences),
        "poll_cycle_ms": cycle,
        "stamped_records": len(times),
        "stamped_time_error_us": {"p50": share(times, 0.5), "p99": share(times, 0.99), "max": times[-1]},
        "stamped_way_error_um": {"p50": share(ways, 0.5), "p99": share(ways, 0.99), "max": ways[-1]},
        "decision_error_polls": {
            name: round(value / poll_us, 2)
            for name, value in (("p50", share(decisions, 0.5)), ("p99", share(decisions, 0.99)), ("max", decisions[-1]))
        },
        "wire_wall_s": told["wall_s"],
    }
    for name, value in figures.items():
        print(f"{name:28} {value}")
    for seq, (here, there) in both.differences.items():
        print(f"parcel {seq}: wire only {sorted(set(here) - set(there))}, core only {sorted(set(there) - set(here))}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
