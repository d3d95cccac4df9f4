"""FB1 campaign: link actor and plain pymodbus client on fault buses of the same seeds, in the same run.

    python tests/bench/bench_fault_bus.py --requests 20000 --json FILE

The requests are spread over four ptys in parallel, each with a slave and a caller of its own seed; a plain client works
on four more ptys with the same seeds. Ends with exit code 1 when the actor was silently wrong once, 2 when the injector
left its declared window (the run is void).
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pymodbus

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.devices.fault_bus import (
    LATE_WINDOW_SLACK_MS,
    FaultySlave,
    Tally,
    actor_run,
    plain_run,
)

BUSES = 4


def summary(runs: list[tuple[Tally, FaultySlave]], wall_s: float) -> dict[str, Any]:
    """Sums over the buses."""
    tallies = [tally for tally, _ in runs]
    overdue = [ms for _, slave in runs for ms in slave.overdue_ms]
    return {
        "requests": sum(t.requests for t in tallies),
        "answered": sum(t.answered for t in tallies),
        "failed": sum(t.failed for t in tallies),
        "gave_up": sum(t.gave_up for t in tallies),
        "silently_wrong": sum(len(t.wrong) for t in tallies),
        "injected": {
            "late": sum(s.late for _, s in runs),
            "lost": sum(s.lost for _, s in runs),
            "damaged": sum(s.damaged for _, s in runs),
        },
        "injector_late_ms_max": round(max(overdue, default=0.0), 2),
        "wall_s": round(wall_s, 1),
        "first_wrong": [wrong for t in tallies for wrong in t.wrong][:3],
    }


async def campaign(requests: int, folder: Path) -> dict[str, Any]:
    """Actor and plain client, four buses each, all at once."""
    share = [requests // BUSES + (i < requests % BUSES) for i in range(BUSES)]
    start = time.monotonic()
    progress = asyncio.create_task(_progress(start))
    runs = await asyncio.gather(
        *(actor_run(str(folder / f"a{i}"), n, seed=3 + i, slave_seed=7 + i) for i, n in enumerate(share)),
        *(plain_run(str(folder / f"p{i}"), n, seed=3 + i, slave_seed=7 + i) for i, n in enumerate(share)),
    )
    progress.cancel()
    wall_s = time.monotonic() - start
    return {
        "conditions": {
            "python": platform.python_version(),
            "pymodbus": pymodbus.__version__,
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
            "buses": BUSES,
            "line": "pty pairs, raw, unpaced, 115200",
        },
        "actor": summary(list(runs[:BUSES]), wall_s),
        "plain_client": summary(list(runs[BUSES:]), wall_s),
    }


async def _progress(start: float) -> None:
    while True:
        await asyncio.sleep(10)
        print(f"  {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def main() -> None:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(campaign(arguments.requests, Path(folder)))
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    if figures["actor"]["silently_wrong"]:
        raise SystemExit(1)
    if figures["actor"]["injector_late_ms_max"] > LATE_WINDOW_SLACK_MS:
        raise SystemExit(2)


if __name__ == "__main__":
    main()
