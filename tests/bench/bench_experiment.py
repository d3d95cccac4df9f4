"""Studies: 200 runs give the same bytes whoever runs them and after being killed; coverage of the intervals.

Prints its conditions and ends with an error when any of it does not hold. ``python tests/bench/bench_experiment.py``.
"""

import hashlib
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sim.experiment.coverage import DELETED, LOAD, REPLICATIONS, SERVED, cover, cover_batches

ROOT = Path(__file__).resolve().parents[2]
RUNS, SCENARIOS, PARCELS = 200, 10, 40
STUDY = f"""schema = "sim-experiment/1"
question = "Are {RUNS} runs the same for everybody?"
base = "{ROOT / "config" / "scenarios" / "day.toml"}"
parcels = {PARCELS}
replications = {RUNS // SCENARIOS}
compare = "1 at the bench"
grid_name = "{{bench.officers}} at the bench"
[grid]
"bench.officers" = {list(range(1, SCENARIOS + 1))}
"""
CODE = "from sim.experiment.cli import experiment; experiment()"


def main() -> None:
    """All of it."""
    print(f"# studies: {platform.python_version()}, {os.cpu_count()} cores, {RUNS} runs of {PARCELS} parcels")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "study.toml").write_text(STUDY, encoding="utf-8")
        hashes = {
            "1 worker": timed("1 worker", folder / "one", "--workers", "1"),
            "2 workers": timed("2 workers", folder / "two", "--workers", "2"),
            "Dask": on_dask(folder),
            "killed and resumed": killed(folder),
        }
    same = len(set(hashes.values())) == 1
    print(f"results.json equal: {same} ({next(iter(hashes.values()))[:16]})")
    held = coverage()
    if not same or not held:
        sys.exit(f"expected equal results and 92..98 % of intervals, was {hashes} and {held}")


def command(out: Path, *more: str) -> list[str]:
    """The study's command line."""
    return [sys.executable, "-c", CODE, str(out.parent / "study.toml"), "--out", str(out), *more]


def timed(label: str, out: Path, *more: str) -> str:
    """Run it; its hash."""
    begun = time.monotonic()
    subprocess.run(command(out, *more), check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(f"{label}: {time.monotonic() - begun:.1f} s")
    return hashlib.sha256((out / "results.json").read_bytes()).hexdigest()


def on_dask(folder: Path) -> str:
    """The same on a local cluster of two processes."""
    from distributed import LocalCluster

    cluster: Any = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)  # type: ignore[no-untyped-call]
    try:
        return timed("Dask, 2 workers", folder / "dask", "--cluster", cluster.scheduler_address)
    finally:
        cluster.close()


def killed(folder: Path) -> str:
    """SIGKILL when half of the runs are done, then again."""
    out = folder / "killed"
    victim = subprocess.Popen(
        command(out, "--workers", "2"), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while victim.poll() is None and len(list(out.glob("runs/*.run"))) < RUNS // 2:
        time.sleep(0.02)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    done = len(list(out.glob("runs/*.run")))
    print(f"killed after {done} of {RUNS} runs, results there: {(out / 'results.json').exists()}")
    return timed("resumed, 2 workers", out, "--workers", "2")


def coverage() -> bool:
    """Share of nominal 95 % intervals that hold the mean wait of M/D/1."""
    covered = cover()
    print(
        f"coverage of the 95 % interval: {100 * covered.share:.1f} % +- {100 * covered.standard_error:.1f} % "
        f"({covered.experiments} experiments of {REPLICATIONS} replications, M/D/1 load {LOAD}, {SERVED} waits after "
        f"{DELETED}, bias {100 * covered.bias:+.2f} %)"
    )
    many = cover(10_000, seed=2)
    print(f"the same of {many.experiments} experiments: {100 * many.share:.2f} % +- {100 * many.standard_error:.2f} %")
    batches = cover_batches()
    print(
        f"batch means of one long run, M/D/1 load 0.8: {100 * batches.share:.0f} % "
        f"+- {100 * batches.standard_error:.0f} % of {batches.experiments}, bias {100 * batches.bias:+.2f} %"
    )
    return 0.92 <= covered.share <= 0.98


if __name__ == "__main__":
    main()
