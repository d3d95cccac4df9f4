"""Time and memory of renderer, pipeline and worker: ``python tests/bench/bench_vision.py [--parcels N] [--json FILE]``.

Prints its conditions. Nothing is asserted: the figures depend on the machine.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import asdict

from sim.learning.bound import SCALE_ERROR_MG, expected_lines
from sim.streams.make import StreamSpec, make_stream
from sim.xray.frames import picture
from sim.xray.render import render
from vision.frame import frame_of
from vision.image_file import unpack
from vision.pipeline import Pipeline, Scales

ROOT = Path(__file__).resolve().parents[2]
SIGNATURES = ROOT / "config" / "models" / "signatures.json"
BENCH_SEED = 7001


def summarise(milliseconds: Sequence[float]) -> dict[str, float]:
    """p50, p99 and the worst."""
    p50, p99 = np.quantile(milliseconds, [0.5, 0.99]).tolist()
    return {"p50": round(p50, 2), "p99": round(p99, 2), "worst": round(max(milliseconds), 2)}


def prepare(parcels: int, folder: Path, figures: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Render and count in this process; the pictures and requests for the worker."""
    spec = StreamSpec(seed=BENCH_SEED, parcels=parcels, no_declaration_permille=0)
    pipeline = Pipeline.load(SIGNATURES)
    requests = []
    for parcel in make_stream(spec):
        assert parcel.declared is not None
        start = time.perf_counter()
        scan = render(parcel.contents, parcel.carton_mm, parcel.seed)
        figures["render"].append(1000 * (time.perf_counter() - start))
        data, lines = picture(scan), expected_lines(parcel)
        scales = Scales(scale_mg=parcel.weight_mg, error_mg=SCALE_ERROR_MG, gross_mg=parcel.declared.gross_mg)
        start = time.perf_counter()
        count, _, _ = pipeline.count(frame_of(unpack(data)), lines, scales, "")
        figures["pipeline"].append(1000 * (time.perf_counter() - start))
        for stage, spent in count.timings:
            figures[f"  {stage}"].append(spent / 1000)
        path = folder / f"{parcel.number}.lxi"
        path.write_bytes(data)
        requests.append({
            "image": str(path), "sha256": hashlib.sha256(data).hexdigest(),
            "lines": [asdict(line) for line in lines], "scale_mg": scales.scale_mg,
            "scale_error_mg": scales.error_mg, "gross_mg": scales.gross_mg,
        })  # fmt: skip
    return requests


def ask_worker(requests: list[dict[str, Any]], figures: dict[str, list[float]]) -> dict[str, int]:
    """Send all requests through one worker process; its memory in KiB."""
    command = [sys.executable, "-m", "vision.worker", "--signatures", str(SIGNATURES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        start = time.perf_counter()
        worker.stdout.readline()
        figures["worker ready"].append(1000 * (time.perf_counter() - start))
        for request in requests:
            start = time.perf_counter()
            worker.stdin.write(json.dumps(request) + "\n")
            worker.stdin.flush()
            worker.stdout.readline()
            figures["request to answer"].append(1000 * (time.perf_counter() - start))
        status = Path(f"/proc/{worker.pid}/status").read_text(encoding="utf-8")
        worker.stdin.close()
    words = (line.split() for line in status.splitlines() if line.startswith(("VmHWM", "VmPeak")))
    return {name.rstrip(":"): int(value) for name, value, *_ in words}


def main() -> None:
    """Render parcels of the standard mix, count them in this process, then through one worker process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    conditions = (
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python"
        f" {platform.python_version()}, numpy {np.__version__}, scikit-image {version('scikit-image')};"
        f" {options.parcels} parcels of seed {BENCH_SEED}"
    )
    print(conditions)
    figures: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        memory = ask_worker(prepare(options.parcels, Path(folder), figures), figures)
    summary = {name: summarise(values) for name, values in figures.items()}
    for name, found in summary.items():
        print(f"{name:18s} p50 {found['p50']:7.1f} ms   p99 {found['p99']:7.1f} ms   worst {found['worst']:7.1f} ms")
    for name, kibibytes in memory.items():
        print(f"worker {name:11s} {kibibytes / 1024:7.1f} MiB")
    if options.json:
        report = {"conditions": conditions, "milliseconds": summary, "worker_kib": memory}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
