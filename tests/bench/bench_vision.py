"""Time and memory of renderer, pipeline and worker process: ``python tests/bench/bench_vision.py [--parcels N]``.

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
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import skimage

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


def quantiles(milliseconds: Sequence[float]) -> str:
    """p50, p99 and the worst, in ms."""
    p50, p99 = np.quantile(milliseconds, [0.5, 0.99])
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {max(milliseconds):.1f} ms"


def main() -> None:
    """Render parcels of the standard mix, count them in this process, then through one worker process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=200)
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()},"
        f" numpy {np.__version__}, scikit-image {skimage.__version__}; {options.parcels} parcels of seed {BENCH_SEED}"
    )
    spec = StreamSpec(seed=BENCH_SEED, parcels=options.parcels, no_declaration_permille=0)
    pipeline = Pipeline.load(SIGNATURES)
    rendering: list[float] = []
    counting: list[float] = []
    stages: dict[str, list[float]] = {}
    answering: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        requests = []
        for parcel in make_stream(spec):
            assert parcel.declared is not None
            start = time.perf_counter()
            scan = render(parcel.contents, parcel.carton_mm, parcel.seed)
            rendering.append(1000 * (time.perf_counter() - start))
            data, lines = picture(scan), expected_lines(parcel)
            scales = Scales(scale_mg=parcel.weight_mg, error_mg=SCALE_ERROR_MG, gross_mg=parcel.declared.gross_mg)
            start = time.perf_counter()
            count, _, _ = pipeline.count(frame_of(unpack(data)), lines, scales, "")
            counting.append(1000 * (time.perf_counter() - start))
            for stage, spent in count.timings:
                stages.setdefault(stage, []).append(spent / 1000)
            path = Path(folder) / f"{parcel.number}.lxi"
            path.write_bytes(data)
            requests.append({
                "image": str(path), "sha256": hashlib.sha256(data).hexdigest(), "lines": [asdict(line) for line in lines],
                "scale_mg": scales.scale_mg, "scale_error_mg": scales.error_mg, "gross_mg": scales.gross_mg,
            })  # fmt: skip
        command = [sys.executable, "-m", "vision.worker", "--signatures", str(SIGNATURES)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            start = time.perf_counter()
            worker.stdout.readline()
            ready_s = time.perf_counter() - start
            for request in requests:
                start = time.perf_counter()
                worker.stdin.write(json.dumps(request) + "\n")
                worker.stdin.flush()
                worker.stdout.readline()
                answering.append(1000 * (time.perf_counter() - start))
            memory = Path(f"/proc/{worker.pid}/status").read_text(encoding="utf-8")
            worker.stdin.close()
    print(f"rendering one parcel: {quantiles(rendering)}")
    print(f"pipeline in process:  {quantiles(counting)}")
    for stage, spent_ms in stages.items():
        print(f"  {stage:10s} {quantiles(spent_ms)}")
    print(f"request to answer of a worker process: {quantiles(answering)}; ready after {ready_s:.1f} s")
    for line in memory.splitlines():
        if line.startswith(("VmHWM", "VmPeak")):
            print(f"worker {' '.join(line.split())}")


if __name__ == "__main__":
    main()
