"""What ``lane run`` tells a person while the lane runs."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from lane.runtime.watch import ANSWER_S_MAX, LaneWatch
from lane.settings.lane_file import load_lane
from tests.lane.runtime.silent_lane import DEMO, silent_lane, start_lane


@pytest.fixture
def told() -> list[str]:
    """Lines told."""
    return []


def look(watch: LaneWatch, now_s: float, **answers: bool) -> None:
    """One look at devices that answer or not."""
    watch.look_at_devices({"devices": {role: {"answers": yes} for role, yes in answers.items()}}, now_s)


def test_each_change_of_a_link_is_one_line_and_silence_at_the_start_is_told_late(
    tmp_path: Path, told: list[str]
) -> None:
    watch = LaneWatch(tmp_path, load_lane(silent_lane(tmp_path)), tell=told.append)
    look(watch, 10.0, io=True, drive=False)
    assert told == ["io: tcp://127.0.0.1:1 answers"]
    look(watch, 11.0, io=False, drive=False)
    look(watch, 12.0, io=False, drive=False)
    assert told[1:] == ["io: tcp://127.0.0.1:1 does not answer"]
    look(watch, 10.0 + ANSWER_S_MAX, io=True, drive=False)
    assert told[2:] == [
        "io: tcp://127.0.0.1:1 answers",
        f"drive: rtu://{tmp_path}/no-drive?baud=115200 does not answer",
        "detector: tcp://127.0.0.1:4 does not answer",
    ]


def test_the_console_is_named_once_and_one_of_an_earlier_start_never(tmp_path: Path, told: list[str]) -> None:
    path = tmp_path / "console.json"
    path.write_text(json.dumps({"url": "http://127.0.0.1:1", "one_time": ""}))
    os.utime(path, (1, 1))
    watch = LaneWatch(tmp_path, load_lane(DEMO), tell=told.append)
    watch.look_at_console()
    assert told == []
    path.write_text(json.dumps({"url": "http://127.0.0.1:2", "one_time": ""}))
    os.utime(path, (time.time() + 1, time.time() + 1))
    watch.look_at_console()
    watch.look_at_console()
    assert told == ["console: http://127.0.0.1:2"]


def test_a_lane_without_its_devices_says_which_do_not_answer_and_where_the_console_is(tmp_path: Path) -> None:
    lane = start_lane(tmp_path)
    guard = threading.Timer(60, lane.kill)
    guard.start()
    try:
        assert lane.stdout is not None
        said: list[str] = []
        missing = {"console: http://", *(f"{role}: " for role in ("io", "drive", "cabinet", "reader", "detector"))}
        while missing and (line := lane.stdout.readline()):
            said.append(line)
            missing -= {start for start in missing if line.startswith(start)}
        assert not missing, said
        assert "io: tcp://127.0.0.1:1 does not answer\n" in said
        os.killpg(lane.pid, signal.SIGINT)
        lane.communicate()
    finally:
        guard.cancel()
        lane.kill()
    assert lane.returncode == 0
