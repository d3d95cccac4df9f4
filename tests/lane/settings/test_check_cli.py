"""``lane check`` and ``lane run``: what a person sees of a good and of a wrong lane file."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lane.cli.main import main

CONFIG = Path(__file__).resolve().parents[3] / "config"
DEMO = CONFIG / "lanes" / "demo.toml"


def test_the_shipped_lane_is_valid_and_summed_up(tmp_path: Path) -> None:
    out = tmp_path / "check.json"
    result = CliRunner().invoke(main, ["check", str(DEMO), "--json", str(out)])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "OK"
    summary = json.loads(out.read_text())
    assert summary["decision_point"] == "7015 mm from the induct eye"
    assert len(summary["devices"]) == 8


def test_run_refuses_a_lane_whose_devices_are_simulated_only(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", str(DEMO), "--run", str(tmp_path / "run")])
    assert result.exit_code == 1
    assert "8 problems" in result.output
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("missing", ["nowhere.toml", "."])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, missing: str) -> None:
    result = CliRunner().invoke(main, ["check", str(tmp_path / missing)])
    assert result.exit_code == 1
    assert "can't be read" in result.output


def test_a_wrong_device_profile_is_told_with_its_own_line(folder: Path) -> None:
    (folder / "devices" / "lane-io.toml").write_text('[profile]\nid = "lane-io"\nrolle = "remote_io"\n')
    result = CliRunner().invoke(main, ["check", str(folder / "lanes" / "demo.toml")])
    assert result.exit_code == 1
    assert "lane-io.toml:3" in result.output
