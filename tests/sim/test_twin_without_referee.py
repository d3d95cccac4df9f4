"""A run without the referee writes the same journal and says that nobody judged it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.cli import sim
from sim.scenario import Scenario, load_scenario
from sim.streams.make import make_stream
from sim.twin import run_core_twin

DAY = Path(__file__).parents[2] / "config" / "scenarios" / "day.toml"


@pytest.fixture(scope="module")
def day() -> Scenario:
    return load_scenario(DAY)


@pytest.mark.parametrize("mode", ["records", "sealed"])
def test_the_journal_does_not_depend_on_who_watches(day: Scenario, mode: str) -> None:
    judged, alone = (
        run_core_twin(
            day.config, make_stream(day.sized(80, 3)), 3, mode, settings=day.settings, judging=judging
        ).figures
        for judging in (True, False)
    )
    assert alone["journal_sha256"] == judged["journal_sha256"]
    assert {"parcels", "inputs", "records", "routes", "draw", "ended"} <= alone.keys()
    assert all(alone[name] == judged[name] for name in ("parcels", "inputs", "records", "routes", "grounds", "draw"))
    assert "referee" in judged
    assert "referee" not in alone
    assert (judged["conditions"]["referee"], alone["conditions"]["referee"]) == ("on", "off")


def test_the_command_leaves_the_referee_out_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    ran = CliRunner().invoke(sim, ["run", str(DAY), "--parcels", "30", "--no-referee", "--json", str(file)])
    assert ran.exit_code == 0, ran.output
    assert "off: nobody looked" in ran.output
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert "referee" not in figures
    assert figures["conditions"]["referee"] == "off"
    assert figures["cpu_s"] > 0
