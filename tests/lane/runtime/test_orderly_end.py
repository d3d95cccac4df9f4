"""Ctrl-C and a signal to the whole process group: the lane ends in order, its journal signed and closed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from lane.cli.main import main
from lane.runtime.run_directory import RunDirectory
from lane.runtime.supervisor import EXIT_REFUSED
from lane.settings.lane_file import load_lane
from tests.lane.runtime.silent_lane import ROOT, silent_lane, start_lane, wait_for_core


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_process_group_ends_the_lane_in_order(tmp_path: Path, number: signal.Signals) -> None:
    lane = start_lane(tmp_path, "--no-console")
    try:
        wait_for_core(tmp_path)
        os.killpg(lane.pid, number)
        said, _ = lane.communicate(timeout=60)
    finally:
        lane.kill()
    assert lane.returncode == 0, said
    core = (tmp_path / "run" / "logs" / "core.log").read_text()
    assert "KeyboardInterrupt" not in core
    result = CliRunner().invoke(main, ["verify", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "UNVERIFIABLE" not in result.output


def test_a_signal_to_every_process_of_the_lane_ends_it_in_order_too(tmp_path: Path) -> None:
    lane = start_lane(tmp_path, "--no-console")
    try:
        wait_for_core(tmp_path)
        for pid in family(lane.pid):
            os.kill(pid, signal.SIGTERM)
        said, _ = lane.communicate(timeout=60)
    finally:
        lane.kill()
    assert lane.returncode == 0, said
    result = CliRunner().invoke(main, ["verify", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output


def family(pid: int) -> list[int]:
    """A process and everything below it, the youngest first: supervisor, core, sender, scan receiver, worker."""
    end = time.monotonic() + 30.0
    while True:
        found = [pid]
        for one in found:
            found += [int(word) for word in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
        if len(found) >= 5:
            return found[::-1]
        assert time.monotonic() < end, found
        time.sleep(0.1)


def test_a_core_without_a_supervisor_ends_in_order_when_asked_to(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.prepare(load_lane(silent_lane(tmp_path), for_run=True), speed=1, seed=1)
    with (run.logs / "core.log").open("ab") as log:
        core = subprocess.Popen(
            [sys.executable, "-m", "lane.station", str(run.path)], cwd=ROOT, stdin=subprocess.PIPE, stderr=log
        )
    try:
        wait_for_core(tmp_path)
        core.terminate()
        assert core.wait(60) == 0
    finally:
        core.kill()
    result = CliRunner().invoke(main, ["verify", str(run.path)])
    assert result.exit_code == 0, result.output


def test_a_core_whose_input_can_never_close_refuses_to_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lane.station", str(tmp_path / "run")]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == EXIT_REFUSED
    assert "expected a pipe" in ended.stderr
