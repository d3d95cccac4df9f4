"""Processes of a demo: the plant and the lane, each with its log; their memory; their orderly end."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sim.demo.setup import DemoFiles, DemoPlan

STOP_S_MAX = 20.0
"""An orderly end writes a snapshot, reveals the epoch and closes the journal; longer means that it hangs."""
START_S_MAX = 60.0
"""Imports of a cold machine; a process that is not up by then never will be."""
LOG_TAIL_LINES = 15
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class ProcessFailed(RuntimeError):
    """A process of the demo ended or did not come up; the text ends with the last lines of its log."""


class Child:
    """One process in a session of its own (Ctrl-C reaches only the demo, which then ends the others in order).

    When we die, however we die, the kernel asks it to end (SIGTERM), and its standard input closes.
    """

    def __init__(self, name: str, arguments: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        self._log_file = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=self._log_file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )

    def check(self) -> None:
        """Raise ``ProcessFailed`` when it has ended."""
        if self.process.poll() is not None:
            raise ProcessFailed(f"{self.name} ended with status {self.process.returncode}; {self.last_words()}")

    def last_words(self) -> str:
        """Where its log is, and the end of it."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n".join([f"end of {self.log}:", *lines])

    def stop(self) -> int:
        """Ask it to end (SIGTERM), then end it; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
        status = self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._log_file.close()
        return status


def _end_with_parent() -> None:
    """In the new process: be told when the parent is gone (Linux, prctl(2))."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start_plant(plan: DemoPlan, files: DemoFiles) -> Child:
    """Start plant and devices, and wait until all ports are open."""
    arguments = ["-m", "sim.wire", "--stream", str(files.stream), "--seed", str(plan.seed)]
    arguments += ["--speed", str(plan.speed), "--lane", str(plan.lane_file), "--addresses", str(files.addresses)]
    arguments += ["--truth", str(files.truth), "--control", str(files.control), "--leashed"]
    plant = Child("plant", arguments, files.twin / "plant.log")
    wait_until(files.addresses.exists, plant)
    return plant


def start_lane(plan: DemoPlan, files: DemoFiles, environment: dict[str, str] | None = None) -> Child:
    """Start ``lane run``."""
    arguments = ["-m", "lane", "run", str(files.lane_file), "--run", str(files.run), "--speed", str(plan.speed)]
    arguments += ["--seed", str(plan.seed), "--leashed"]
    if not plan.console:
        arguments.append("--no-console")
    return Child("lane run", arguments, files.twin / "lane.log", environment)


def wait_until(done: Callable[[], bool], *children: Child, seconds: float = START_S_MAX) -> None:
    """Wait for a condition while these processes live. Raises ``ProcessFailed``."""
    end = time.monotonic() + seconds
    while not done():
        for child in children:
            child.check()
        if time.monotonic() > end:
            names = " and ".join(child.name for child in children)
            raise ProcessFailed(f"{names} not ready within {seconds:.0f} s; {children[-1].last_words()}")
        time.sleep(0.02)


class Memory:
    """Peak resident memory of the demo's processes, by what they run."""

    def __init__(self, *children: Child) -> None:
        self._children = children
        self.peak_mb = 0.0
        self.peak_mb_by_process: dict[str, float] = {}

    def look(self) -> None:
        """Take a sample."""
        total = 0.0
        parents = _parents()
        for child in self._children:
            for pid in _descendants(child.process.pid, parents):
                mb = _resident_mb(pid)
                total += mb
                name = _label(pid, child.name)
                self.peak_mb_by_process[name] = max(self.peak_mb_by_process.get(name, 0.0), mb)
        self.peak_mb = max(self.peak_mb, total)


def _parents() -> dict[int, int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _read(entry / "stat").rpartition(")")[2].split()
            if len(fields) > 1:
                parents[int(entry.name)] = int(fields[1])
    return parents


def _descendants(pid: int, parents: dict[int, int]) -> list[int]:
    found = [pid]
    for ancestor in found:
        found += [child for child, parent in parents.items() if parent == ancestor]
    return found


def descendants(pid: int) -> dict[int, str]:
    """All processes below (and with) this one, with their labels."""
    return {child: _label(child, "") for child in _descendants(pid, _parents())}


def _resident_mb(pid: int) -> float:
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _label(pid: int, default: str) -> str:
    """The module a Python process runs (``-m``), or what it was started for."""
    words = _read(Path(f"/proc/{pid}/cmdline")).split("\0")
    if "-m" in words:
        place = words.index("-m")
        return " ".join(words[place + 1 : place + 3]) if words[place + 1] == "lane" else words[place + 1]
    return "renderer" if any("spawn_main" in word for word in words) else default or "other"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # the process ended between the listing and the look
