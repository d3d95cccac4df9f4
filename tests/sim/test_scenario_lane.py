"""The lane a scenario names, and files that are no scenario."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from lane.settings.reader import SettingsError
from sim.cli import sim
from sim.scenario import load_scenario

CONFIG = Path(__file__).parents[2] / "config"


def test_a_scenario_elsewhere_is_told_from_where_its_lane_is_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    text = (CONFIG / "scenarios" / "day.toml").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    line = next(number for number, row in enumerate(text.splitlines(), start=1) if row.startswith("lane ="))
    with pytest.raises(SettingsError) as caught:
        load_scenario(path)
    assert caught.value.problems == (
        f"{path}:{line}: lane: expected a lane file, {tmp_path}/../lanes/demo.toml is none; a relative path starts at "
        f"the scenario's own folder, {tmp_path}",
    )


def test_a_lane_file_in_place_of_a_scenario_is_one_line() -> None:
    lane_file = CONFIG / "lanes" / "demo.toml"
    result = CliRunner().invoke(sim, ["run", str(lane_file)])
    assert result.exit_code == 1
    assert [line for line in result.output.splitlines() if line] == [
        f'Error: {lane_file}:3: schema: expected "sim-scenario/1" (a scenario, see config/scenarios/), '
        "was 'lane-config/1'"
    ]


def test_shifts_on_the_bare_heap_are_refused_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        sim, ["run", str(CONFIG / "scenarios" / "peak-1111.toml"), "--parcels", "3", "--driver", "heap"]
    )
    assert result.exit_code == 1
    assert "expected driver simpy, was heap" in result.output
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    ("text", "named"),
    [("t_us,barcode\n", "missing"), ("t_us,barcode,l_mm,w_mm,h_mm,g\n", "expected at least one parcel")],
)
def test_a_trace_that_is_no_stream_is_told_in_one_line(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "trace.csv").write_text(text, encoding="utf-8")
    scenario = tmp_path / "own.toml"
    lane = CONFIG / "lanes" / "demo.toml"
    arrivals = '[stream.arrivals]\nmodel = "trace"\nfile = "trace.csv"\n'
    scenario.write_text(f'schema = "sim-scenario/1"\nlane = "{lane}"\n{arrivals}', encoding="utf-8")
    result = CliRunner().invoke(sim, ["run", str(scenario), "--parcels", "3"])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert named in result.output


def test_figures_and_records_go_to_two_files_and_to_no_device(tmp_path: Path) -> None:
    day, same = str(CONFIG / "scenarios" / "day.toml"), str(tmp_path / "both")
    result = CliRunner().invoke(sim, ["run", day, "--parcels", "3", "--json", same, "--record", same])
    assert result.exit_code == 1
    assert "expected two files" in result.output
    result = CliRunner().invoke(sim, ["run", day, "--parcels", "3", "--record", "/dev/null"])
    assert result.exit_code == 1
    assert "was a device" in result.output
    assert Path("/dev/null").is_char_device()
