"""How alike wire twin and core twin are: ``python tests/bench/bench_wire_equality.py [--parcels N] [--speed X]``.

Runs a demo lane on real sockets and serial ports, then the core twin on the same stream with the recorded vision
results, and compares every parcel's decisions and the times of the records that devices stamp. Prints its conditions.

``--boxes``: without rendering and counting (``tests/sim/equalities/boxes.py``), which are most of a wire run's work and
no part of this equality; then ``--runs`` runs with seeds one after the other and ``--rate`` parcels an hour come to
many parcels in minutes. ``--speed`` up to 8, where a poll of 20 ms takes 160 ms of lane time; from 12 on (240 ms) it
takes more than the gate's command time and margin allow (80 ms and 30 mm), and a permit in a close gap gets to the
device in one twin and not in the other. Parcels of which the lane itself recorded that something came too late are
counted apart: that is the machine's matter, not the equality's.
"""

import argparse
import io
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # started as a file, `tests` is not on the path

from rich.console import Console

from sim.demo import session as demo_session
from sim.demo.live import Screen
from sim.demo.session import Session
from sim.demo.setup import DemoPlan, make_files
from sim.streams.make import StreamSpec, make_stream
from sim.streams.truth import ParcelTruth
from tests.sim.equalities.boxes import environment
from tests.sim.equalities.wire_traces import Comparison, compare, core_twin_of, late_grounds, read_wire_run, share

QUIET_S = 0.5


@dataclass(slots=True)
class Total:
    """Counts and errors of all runs."""

    parcels: int = 0
    equal: int = 0
    narrow: int = 0
    narrow_equal: int = 0
    late: int = 0
    late_equal: int = 0
    uncompared: int = 0
    late_by: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)
    times_us: list[int] = field(default_factory=list)
    ways_um: list[int] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)
    """In polls."""
    cycles_ms: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    lags: int = 0

    def add(self, seed: int, both: Comparison, told: dict[str, Any], poll_us: int, late_by: Counter[str]) -> None:
        """One run more."""
        self.parcels += both.parcels
        self.equal += both.equal
        self.narrow += both.narrow
        self.narrow_equal += both.narrow_equal
        self.late += both.late
        self.late_equal += both.late_equal
        self.uncompared += both.uncompared
        self.late_by += late_by
        for seq, (here, there) in both.differences.items():
            only = f"wire only {sorted(set(here) - set(there))}, core only {sorted(set(there) - set(here))}"
            self.different.append(f"seed {seed}, parcel {seq}: {only}")
        self.times_us += both.time_errors_us
        self.ways_um += both.way_errors_um
        self.decisions += [value / poll_us for value in both.decision_errors_us]
        self.cycles_ms.append(told["devices"]["cycle_ms"]["p50"])
        self.wall_s += told["wall_s"]
        self.lags += told["plant"]["lags"] or 0

    def figures(self) -> dict[str, Any]:
        """Ready for JSON."""
        on_time = self.parcels - self.late
        equal_on_time = self.equal - self.late_equal
        return {
            "parcels_compared": self.parcels,
            "not_compared_after_a_lost_body": self.uncompared,
            "equal": self.equal,
            "late_by_its_own_record": self.late,
            "of_these_equal_all_the_same": self.late_equal,
            "why_late": dict(self.late_by.most_common()),
            "on_time": on_time,
            "on_time_equal": equal_on_time,
            "on_time_equal_percent": round(100 * equal_on_time / max(1, on_time), 3),
            "on_time_within_two_polls": self.narrow,
            "of_these_equal": self.narrow_equal,
            "different_beyond_two_polls": len(self.different),
            "poll_cycle_ms_p50": self.cycles_ms,
            "late_steps_of_the_plant": self.lags,
            "stamped_records": len(self.times_us),
            "stamped_time_error_us": _spread(sorted(self.times_us)),
            "stamped_way_error_um": _spread(sorted(self.ways_um)),
            "decision_error_polls": {name: round(v, 2) for name, v in _spread(sorted(self.decisions)).items()},
            "wire_wall_s": round(self.wall_s, 1),
            "processor_s_per_parcel": round(self.cpu_s / max(1, self.parcels), 4),
        }


def _spread(ascending: list[Any]) -> dict[str, Any]:
    if not ascending:
        return {}
    return {"p50": share(ascending, 0.5), "p99": share(ascending, 0.99), "max": ascending[-1]}


def wire_run(folder: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Figures of a fresh wire run in ``folder / "run"``. Raises ``ProcessFailed``."""
    plan = DemoPlan(parcels=options.parcels, seed=seed, speed=options.speed, console=False)
    files = make_files(folder / "run")
    extra = environment(files.stream, seed, options.speed) if options.boxes else {}

    def parcels(plan: DemoPlan) -> list[ParcelTruth]:
        return make_stream(StreamSpec(seed=plan.seed, parcels=plan.parcels, rate_per_hour=options.rate))

    quiet = Console(file=io.StringIO())
    with patch.dict(os.environ, extra), patch.object(demo_session, "make_parcels", parcels):
        session = Session(plan=plan, files=files, console=quiet)
        with session, Screen(quiet, plan.parcels, plan.speed) as screen:
            session.run(screen)
            session.finish(screen)
            return session.figures()


def one(options: argparse.Namespace, seed: int, total: Total) -> None:
    """Run, compare, add."""
    with tempfile.TemporaryDirectory(prefix="wire-equality-", ignore_cleanup_errors=True) as folder:
        before = os.times()
        told = wire_run(Path(folder), options, seed)
        time.sleep(QUIET_S)  # children are reaped: their processor time is known
        after = os.times()
        total.cpu_s += after.children_user + after.children_system - before.children_user - before.children_system
        wire = read_wire_run(Path(folder) / "run", Path(folder) / "run.twin")
    poll_us = int(told["devices"]["cycle_ms"]["p50"] * 1_000) * options.speed
    both = compare(wire, core_twin_of(wire, seed), poll_us)
    total.add(seed, both, told, poll_us, late_grounds(wire.records))
    print(
        f"seed {seed}: {both.parcels} parcels, {both.equal} equal, {both.late} late, {both.uncompared} not compared, "
        f"{both.narrow} within two polls, "
        f"{len(both.differences)} different beyond; {told['wall_s']:.0f} s, poll {told['devices']['cycle_ms']['p50']} "
        f"ms; states {len(told['states'])}, alarms {len(told['alarms'])}",
        flush=True,
    )


def main() -> None:
    """Run, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=40, help="of one run")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7, help="of the first run")
    parser.add_argument("--speed", type=int, default=4)
    parser.add_argument("--rate", type=int, default=1_200, help="parcels an hour of lane time")
    parser.add_argument("--boxes", action="store_true", help="boxes and a verdict model instead of pictures")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors, load "
          f"{os.getloadavg()[0]:.1f}; {options.runs} runs of {options.parcels} parcels from seed {options.seed}, "
          f"{options.rate} an hour")  # fmt: skip
    what = "boxes and a verdict model instead of pictures" if options.boxes else "rendered pictures, counted"
    print(f"speed {options.speed}, {what}, SYNTHETIC; the wire twin runs in real time ...", flush=True)
    total = Total()
    for seed in range(options.seed, options.seed + options.runs):
        one(options, seed, total)
    figures = total.figures()
    for name, value in figures.items():
        print(f"{name:28} {value}")
    for text in total.different:
        print(text)
    if options.json:
        conditions = {name: getattr(options, name) for name in ("parcels", "runs", "seed", "speed", "rate", "boxes")}
        options.json.write_text(json.dumps(conditions | figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
