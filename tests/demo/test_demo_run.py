"""The whole demo as a user starts it: real processes, real sockets, real serial ports."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lane.mailbox import MailboxDown
from lane.model.words import Role
from sim.demo.people import ORDER_EVERY_S, Desk

PARCELS = 6


def start(run: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "lane", "demo", "--no-console", "--speed", "4", "--out", str(run)]
    return subprocess.Popen(
        [*command, "--json", str(run) + ".json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
    )


def wait_for_the_journal(run: Path, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + 60
    while not (run / "journal.db").exists():
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        assert time.monotonic() < end
        time.sleep(0.1)


def figures(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(str(run) + ".json").read_text(encoding="utf-8"))
    return loaded


@pytest.mark.slow
def test_demo_brings_every_parcel_to_a_proven_end(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start(run, "--parcels", str(PARCELS), "--seed", "5")
    output, _ = process.communicate(timeout=110)
    assert process.returncode == 0, output
    found = figures(run)
    parcels, judged = found["parcels"], found["referee"]
    assert parcels["inducted"] == PARCELS == parcels["released"] + parcels["inspected"] + judged["custody_unproven"]
    assert judged["rule_violating_releases"] == judged["unaccounted"] == 0
    assert judged["release_messages"] == judged["released_parcels"]
    assert found["draw"]["n"] == PARCELS
    assert found["epochs_revealed"] == 1
    assert found["messages_waiting"] == 0
    assert {"p50", "p99"} <= found["latency_ms"]["image_to_disposition"].keys()
    assert {"p50", "p99"} <= found["devices"]["cycle_ms"].keys()
    assert found["devices"]["requests"] > 0
    assert "Where to look next" in output
    verified = subprocess.run(
        [sys.executable, "-m", "lane", "verify", str(run)], capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    replayed = subprocess.run(
        [sys.executable, "-m", "lane", "replay", str(run)], capture_output=True, text=True, check=False
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert found["journal_sha256"] in replayed.stdout


@pytest.mark.slow
def test_interrupted_demo_ends_in_order_and_leaves_no_process(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start(run, "--parcels", "50", "--seed", "5")
    wait_for_the_journal(run, process)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=110)
    assert "stopping in order" in output
    assert "interrupted: the lane was stopped in order" in output
    assert process.returncode == 130
    assert figures(run)["interrupted"] is True
    assert figures(run)["referee"]["rule_violating_releases"] == 0
    left = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(run) not in left


@pytest.mark.slow
def test_killed_demo_takes_its_processes_with_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start(run, "--parcels", "50", "--seed", "5")
    end = time.monotonic() + 60
    wait_for_the_journal(run, process)
    process.kill()
    process.wait()
    while str(run) in subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout:
        assert time.monotonic() < end, "processes of a killed demo go on"
        time.sleep(0.2)


@pytest.mark.slow
def test_without_officers_a_held_lane_stays_held_until_a_person_comes(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [
        sys.executable,
        "-m",
        "lane",
        "demo",
        "--no-officers",
        "--speed",
        "4",
        "--parcels",
        "50",
        "--out",
        str(run),
    ]
    process = subprocess.Popen(
        [*command, "--json", f"{run}.json"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    desk, end = Desk(run), time.monotonic() + 60

    def wait_for(state: str) -> None:
        while live_state(desk) != state:
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            assert time.monotonic() < end
            time.sleep(0.1)

    wait_for("EXECUTE")
    assert desk.give("Hold", "twin-visitor", Role.OFFICER)
    wait_for("HELD")
    time.sleep(2 * ORDER_EVERY_S)
    assert live_state(desk) == "HELD"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "interrupted: the lane was stopped in order" in output
    assert not any("UNHOLDING" in state for state in figures(run)["states"])


def live_state(desk: Desk) -> str:
    try:
        return str(desk.state()["state"])
    except MailboxDown:
        return ""
