"""The parent of the lane's processes: restarts, limits, an end together."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lane.runtime import supervisor as module
from lane.runtime.supervisor import EXIT_REFUSED, Child, Supervisor

LOYAL = "import sys; print('up', flush=True); sys.stdin.read()"


def child(name: str, code: str, *, needed: bool = False) -> Child:
    """A child that runs some code."""
    return Child(name=name, arguments=("-c", code), needed=needed)


def run(tmp_path: Path, *children: Child, stop_after_s: float = 60.0) -> tuple[int, list[str], Supervisor]:
    """Run children until they end, or stop them after a while."""
    told: list[str] = []
    supervisor = Supervisor(children, tmp_path / "logs", tell=told.append)

    async def session() -> int:
        asyncio.get_running_loop().call_later(stop_after_s, supervisor.stop)
        return await supervisor.run()

    return asyncio.run(session()), told, supervisor


def test_children_end_by_the_closing_of_their_input(tmp_path: Path) -> None:
    began = time.monotonic()
    code, told, _ = run(tmp_path, child("core", LOYAL, needed=True), child("sender", LOYAL), stop_after_s=0.5)
    assert (code, told) == (0, [])
    assert time.monotonic() - began < 15
    assert (tmp_path / "logs" / "core.log").read_text() == "up\n"


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    twice = f"import os,sys; p={str(mark)!r}; e=os.path.exists(p); open(p,'w'); e and sys.stdin.read(); os.kill(os.getpid(), 9)"  # noqa: E501
    code, told, supervisor = run(tmp_path, child("core", twice, needed=True), stop_after_s=2.0)
    assert code == 0
    assert supervisor.restarts == {"core": 1}
    assert told[0].startswith("core ended with code -9")


def test_a_core_that_refuses_to_start_ends_the_lane_with_its_reason(tmp_path: Path) -> None:
    refuses = f"import sys; print('keys: wrong mode'); sys.exit({EXIT_REFUSED})"
    code, told, _ = run(tmp_path, child("core", refuses, needed=True), child("sender", LOYAL))
    assert code == 1
    assert told == ["core refused to start:\nkeys: wrong mode"]


def test_a_core_that_can_not_stay_up_ends_the_lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTARTS_MAX", 3)
    monkeypatch.setattr(module, "BACK_OFF_S_MAX", 0.01)
    code, told, _ = run(tmp_path, child("core", "raise SystemExit(5)", needed=True))
    assert code == 1
    assert "ended 4 times in ten minutes" in told[-1]


def test_a_helper_that_can_not_stay_up_leaves_the_lane_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTARTS_MAX", 2)
    monkeypatch.setattr(module, "BACK_OFF_S_MAX", 0.01)
    code, told, _ = run(
        tmp_path, child("core", LOYAL, needed=True), child("console", "raise SystemExit(5)"), stop_after_s=4.0
    )
    assert code == 0
    assert told[-1].startswith("console stays down")


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    loyal = f"import os,sys; open({str(pid_file)!r},'w').write(str(os.getpid())); sys.stdin.read()"
    parent = (
        "import asyncio; from pathlib import Path; from lane.runtime.supervisor import Child, Supervisor\n"
        f"child = Child(name='core', arguments=('-c', {loyal!r}), needed=True)\n"
        f"asyncio.run(Supervisor((child,), Path({str(tmp_path)!r}), tell=print).run())"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], cwd=Path(__file__).resolve().parents[3])
    for _ in range(200):
        if pid_file.exists() and pid_file.read_text():
            break
        time.sleep(0.05)
    pid = int(pid_file.read_text())
    process.kill()
    process.wait()
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists() or _is_zombie(pid):
            return
        time.sleep(0.05)
    os.kill(pid, 9)
    pytest.fail("the child outlived its parent")


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
