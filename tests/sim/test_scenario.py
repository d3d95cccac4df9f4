"""Scenario files are refused by line, and the command writes its figures."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lane.identify import fits
from lane.settings.reader import SettingsError
from sim.cli import demo, learn, sim
from sim.scenario import load_scenario
from sim.streams.make import make_stream

CONFIG = Path(__file__).parents[2] / "config"
DAY = CONFIG / "scenarios" / "day.toml"


def _changed(folder: Path, old: str, new: str) -> Path:
    text = DAY.read_text(encoding="utf-8")
    assert old in text
    lane = f'lane = "{CONFIG / "lanes" / "demo.toml"}"'
    path = folder / "changed.toml"
    path.write_text(text.replace('lane = "../lanes/demo.toml"', lane).replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("officers = 12", "oficers = 12", ["bench.oficers", "did you mean 'officers'"]),
        ("miss_permille = 30", "miss_permille = 1001", ["verdicts.miss_permille", "0..1000", "1001"]),
        ("short_permille = 80", "short_permille = 990", ["stream", "at most 1000 permille"]),
        ('schema = "sim-scenario/1"', 'schema = "other"', ["schema", "sim-scenario/1"]),
    ],
)
def test_a_wrong_scenario_names_file_place_and_expectation(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    path = _changed(tmp_path, old, new)
    with pytest.raises(SettingsError) as caught:
        load_scenario(path)
    assert all(word in str(caught.value) for word in [str(path), *words])


def test_every_label_of_a_stream_is_valid_for_the_lanes_carriers() -> None:
    day = load_scenario(DAY)
    for parcel in make_stream(day.sized(200, 3)):
        assert any(fits(parcel.label, pattern) for pattern in day.config.carriers), parcel.label


def test_the_command_writes_its_figures_and_a_bad_file_ends_with_an_error(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = CliRunner().invoke(sim, ["run", str(DAY), "--parcels", "20", "--seed", "2", "--json", str(figures)])
    assert done.exit_code == 0, done.output
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["parcels"] == 20
    assert f"journal_sha256 {found['journal_sha256']}" in done.output.splitlines()
    bad = _changed(tmp_path, "officers = 12", "officers = 0")
    failed = CliRunner().invoke(sim, ["run", str(bad), "--parcels", "20"])
    assert failed.exit_code == 1
    assert "bench.officers" in failed.output


@pytest.mark.parametrize("command", [demo, learn])
def test_a_forwarded_command_answers_help_as_the_real_one(command: object) -> None:
    done = CliRunner().invoke(command, ["--help"])  # type: ignore[arg-type]
    assert done.exit_code == 0, done.output
    assert "Usage:" in done.output
