"""Priorities: what the core takes, its children give back."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CHILD = "import os; print(os.sched_getscheduler(0) == os.SCHED_OTHER, os.getpriority(os.PRIO_PROCESS, 0))"
PARENT = (
    "import subprocess, sys; from lane.runtime.priority import raise_priority\n"
    "print(raise_priority(real_time=True), flush=True)\n"
    f"subprocess.run([sys.executable, '-m', 'lane.runtime.limited', '10', '512', sys.executable, '-c', {CHILD!r}])"
)


def test_children_of_a_raised_core_run_at_low_ordinary_priority() -> None:
    answer = subprocess.run([sys.executable, "-c", PARENT], cwd=ROOT, capture_output=True, text=True, check=True)
    taken, child = answer.stdout.strip().splitlines()
    assert taken.split(",")[0] in ("SCHED_FIFO 50", "nice -5", "ordinary priority")
    assert child == f"True {min(19, 10 + max(0, os.getpriority(os.PRIO_PROCESS, 0)))}"


def test_a_limit_of_memory_holds_in_the_child() -> None:
    code = "x = bytearray(1 << 30)"
    program = [sys.executable, "-m", "lane.runtime.limited", "0", "256", sys.executable, "-c", code]
    assert b"MemoryError" in subprocess.run(program, cwd=ROOT, capture_output=True, check=False).stderr
