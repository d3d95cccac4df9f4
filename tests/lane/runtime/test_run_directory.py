"""The run directory: one configuration per run."""

from dataclasses import replace
from pathlib import Path

import pytest

from lane.codec import from_plain, parse
from lane.model.config import CoreConfig
from lane.runtime.run_directory import RunDirectory, RunError, build_sha256
from lane.settings.lane_file import load_lane
from tests.lane.runtime.lanes import DEMO


def test_a_run_keeps_its_configuration_canonically(tmp_path: Path) -> None:
    station = load_lane(DEMO)
    directory = RunDirectory(tmp_path / "run")
    facts = directory.prepare(station, speed=6, seed=7)
    assert from_plain(CoreConfig, parse(directory.core_json())) == station.core
    assert directory.read_speed_and_seed() == (6, 7)
    assert directory.prepare(station, speed=6, seed=7) == facts
    assert (tmp_path / "run" / "config" / "lane.toml").read_bytes() == DEMO.read_bytes()


@pytest.mark.parametrize("change", ["core", "speed", "seed"])
def test_another_configuration_is_refused_for_an_existing_run(tmp_path: Path, change: str) -> None:
    station = load_lane(DEMO)
    directory = RunDirectory(tmp_path / "run")
    directory.prepare(station, speed=1, seed=1)
    if change == "core":
        station = replace(station, core=replace(station.core, bench_places=3))
    with pytest.raises(RunError, match="another configuration"):
        directory.prepare(station, speed=2 if change == "speed" else 1, seed=2 if change == "seed" else 1)


def test_the_lane_io_knows_a_run_by_one_token_over_its_restarts(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    directory.prepare(load_lane(DEMO), speed=1, seed=1)
    token = directory.io_token()
    assert 1 <= token <= 0xFFFFFFFF
    assert RunDirectory(tmp_path / "run").io_token() == token
    other = RunDirectory(tmp_path / "other")
    other.prepare(load_lane(DEMO), speed=1, seed=1)
    assert other.io_token() != token


@pytest.mark.parametrize("content", [b"", b"0x00000000\n", b"0x100000000\n", b"twelve\n", b"\xff\xfe"])
def test_a_damaged_token_is_named_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    directory = RunDirectory(tmp_path)
    directory.prepare(load_lane(DEMO), speed=1, seed=1)
    (tmp_path / "config" / "io_token.txt").write_bytes(content)
    with pytest.raises(RunError, match=r"io_token.txt: expected a token 0x00000001..0xffffffff, .*delete the file"):
        directory.io_token()


def test_the_build_hash_is_stable() -> None:
    assert build_sha256() == build_sha256()
    assert len(build_sha256()) == 64
