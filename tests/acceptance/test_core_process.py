"""What the real core process of a run loads: by its own word at its end, and by the kernel's while it ran."""

import json
from pathlib import Path

import pytest

from tests.acceptance.conftest import FinishedRun

HEAVY = ("numpy", "scipy", "skimage", "onnxruntime", "PIL")


def told(finished: FinishedRun, word: str) -> list[set[str]]:
    """Modules of every process with this word in its command line."""
    found = []
    for path in finished.loaded.glob("[0-9]*.json"):
        plain = json.loads(path.read_text(encoding="utf-8"))
        if word in plain["command"].split():
            found.append(set(plain["modules"]))
    return found


def mapped(finished: FinishedRun, word: str) -> set[str]:
    """Files mapped into memory by the processes with this word in their command line."""
    maps = json.loads((finished.loaded / "maps.json").read_text(encoding="utf-8"))
    return {name for command, files in maps.items() if word in command.split() for name in files}


def packages(files: set[str]) -> set[str]:
    """Installed packages that these files belong to."""
    return {part for name in files if "site-packages" in name for part in Path(name).parts}


@pytest.mark.slow
def test_the_core_of_a_real_run_never_loads_image_work(finished: FinishedRun) -> None:
    (core,) = told(finished, "lane.station")
    assert {"lane.controller.core", "devices.rack"} <= core, "expected what a core surely loads"
    assert not core & {*HEAVY, "sim"}
    files = mapped(finished, "lane.station")
    assert any("_sqlite3" in name for name in files), "expected the map of a core that has its journal open"
    assert not packages(files) & set(HEAVY)


@pytest.mark.slow
def test_the_same_look_finds_image_work_where_it_belongs(finished: FinishedRun) -> None:
    assert "numpy" in packages(mapped(finished, "vision.worker"))
    assert any("numpy" in modules for modules in told(finished, "sim.wire"))
