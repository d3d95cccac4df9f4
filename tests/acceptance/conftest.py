"""One finished demo run for all acceptance tests, also when several test processes share the work."""

import fcntl
import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command import LANE, WAIT_S, environment

PARCELS, SEED, SPEED = 8, 5, 4
MARKER = "PERSONAL-7f3a-王小明"
LOADED = Path(__file__).parent / "loaded"
LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A demo run that ended, and everything around it. All tests only read it."""

    root: Path
    """Holds the run, its keys, the twin's folder and the homes of the processes."""
    loaded: Path
    """What each process had loaded: by its own word at its end, and by its memory map while it ran."""
    status: int
    said: str

    @property
    def run(self) -> Path:
        """The run directory."""
        return self.root / "run"

    @property
    def twin(self) -> Path:
        """What only plant and referee knew; ``declared/`` holds the input files."""
        return self.root / "run.twin"

    @property
    def keys(self) -> Path:
        """Keys of the lane."""
        return self.root / "run.keys"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """The run, made by whichever test process comes first."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "acc"
    with (shared / "acc.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ended.json").exists():
            _make(folder)
    ended = json.loads((folder / "ended.json").read_text(encoding="utf-8"))
    made = FinishedRun(root=folder / "w", loaded=folder / "loaded", status=ended["status"], said=ended["said"])
    assert made.status == 0, made.said
    return made


def _make(folder: Path) -> None:
    root, loaded = folder / "w", folder / "loaded"
    for path in (root / "home", root / "tmp", loaded):
        path.mkdir(parents=True)
    words = ["demo", "--parcels", PARCELS, "--seed", SEED, "--speed", SPEED, "--no-console", "--out", root / "run"]
    words += ["--json", root / "figures.json", "--personal-marker", MARKER]
    more = {"HOME": str(root / "home"), "XDG_DATA_HOME": str(root / "home"), "TMPDIR": str(root / "tmp")}
    more |= {"PYTHONPATH": str(LOADED), "LANE_TEST_LOADED": str(loaded)}
    output = folder / "output.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [str(LANE), *map(str, words)], stdout=stream, stderr=subprocess.STDOUT, env=environment(**more)
        )
        maps: dict[str, set[str]] = {}
        end = time.monotonic() + WAIT_S
        while process.poll() is None and time.monotonic() < end:
            _look(str(root / "run"), maps)
            time.sleep(LOOK_S)
        if process.poll() is None:
            process.terminate()
            process.wait()
    (loaded / "maps.json").write_text(json.dumps({name: sorted(files) for name, files in maps.items()}))
    said: dict[str, Any] = {"status": process.returncode, "said": output.read_text(encoding="utf-8", errors="replace")}
    (folder / "ended.json").write_text(json.dumps(said), encoding="utf-8")


def _look(run: str, maps: dict[str, set[str]]) -> None:
    """Add the mapped files of this run's processes, by command line."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_text().split("\0")
            if not any(word.startswith(run) for word in words) and "vision.worker" not in words:
                continue
            lines = (entry / "maps").read_text().splitlines()
        except OSError:
            continue  # it ended between the listing and the look
        files = {line.split(maxsplit=5)[5] for line in lines if "/" in line}
        maps.setdefault(" ".join(words[1:]).strip(), set()).update(files)
