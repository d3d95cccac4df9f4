"""The hash of the code follows every source that a run executes, and nothing else."""

import shutil
from pathlib import Path

import pytest

from lane.permits import PERMIT_NO_MAX
from sim.museum.patching import Constant, applied
from sim.sources import code_version, version_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for building in ("lane", "devices", "vision", "sim"):
        shutil.copytree(ROOT / building, tmp_path / building, ignore=shutil.ignore_patterns("__pycache__", "static"))
    return tmp_path


def test_the_same_sources_have_the_same_hash_wherever_they_lie(copy: Path) -> None:
    assert version_of(copy) == code_version()


@pytest.mark.parametrize(
    "name", ["lane/permits.py", "devices/signals.py", "vision/item_count.py", "sim/plant/belt.py", "sim/explore/new.py"]
)
def test_a_changed_or_a_new_source_gives_another_hash(copy: Path, name: str) -> None:
    before = version_of(copy)
    with (copy / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert version_of(copy) != before


@pytest.mark.parametrize(
    "name", ["sim/demo/session.py", "sim/wire/new.py", "sim/experiment/report/new.py", "sim/README.md"]
)
def test_what_no_run_executes_leaves_the_hash_as_it_is(copy: Path, name: str) -> None:
    before = version_of(copy)
    with (copy / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert version_of(copy) == before


def test_a_bug_that_is_put_in_while_a_tour_runs_leaves_the_hash_as_it_is() -> None:
    before = version_of(ROOT)
    with applied([Constant("lane.permits:PERMIT_NO_MAX", PERMIT_NO_MAX - 1)]):
        assert version_of(ROOT) == before
