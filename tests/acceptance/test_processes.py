"""Nothing that a demo started outlives it, however it ends."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.acceptance.command import LANE, environment

START_S_MAX, END_S_MAX = 60.0, 40.0


def processes_of(run: Path) -> list[str]:
    """Command lines that name a run."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(run) in line]


def until(seconds: float, run: Path, *, running: bool) -> list[str]:
    """Wait for the core of a run to be there, or for all processes of the run to be gone; what is there then."""
    end = time.monotonic() + seconds
    while True:
        found = processes_of(run)
        there = any("lane.station" in line for line in found) and (run / "mailbox.sock").exists()
        if (there if running else not found) or time.monotonic() > end:
            return found
        time.sleep(0.2)


@pytest.mark.slow
def test_a_killed_demo_takes_its_lane_with_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [str(LANE), "demo", "--parcels", "50", "--seed", "5", "--no-console", "--out", str(run)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()) as process:
        started = until(START_S_MAX, run, running=True)
        process.kill()
    assert any("lane.station" in line for line in started), started
    assert until(END_S_MAX, run, running=False) == []
    assert (run / "checkpoints" / "container.json").exists(), "expected a journal that was closed in order"
