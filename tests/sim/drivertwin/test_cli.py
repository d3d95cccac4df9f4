"""``lane sim drivers``."""

import json
from pathlib import Path

from click.testing import CliRunner

from sim.cli import sim


def test_the_command_writes_its_figures_and_finds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "drivers.json"
    answer = CliRunner().invoke(sim, ["drivers", "--requests", "600", "--seed", "3", "--json", str(file)])
    assert answer.exit_code == 0, answer.output
    figures = json.loads(file.read_text())
    assert figures["wrong"] == 0
    assert {"tcp", "rtu", "rtutcp"} == set(figures["wires"])
    assert figures["lane"]["rule_violating_releases"] == 0
    assert {row["fault"] for row in figures["residual"]} == {"ECHO_LATER", "VERY_LATE", "OLD_LINE", "DIGIT"}
    assert "whole lane" in answer.output


def test_a_missing_folder_is_named_before_anything_runs(tmp_path: Path) -> None:
    answer = CliRunner().invoke(sim, ["drivers", "--json", str(tmp_path / "nowhere" / "x.json")])
    assert answer.exit_code != 0
    assert "expected an existing folder" in answer.output
