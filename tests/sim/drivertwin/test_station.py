"""The whole lane down to the bytes, in virtual time: parcels pass, spoilt wires release nobody against a rule."""

from pathlib import Path

import pytest

from lane.model.words import Route
from sim.drivertwin.loop import run_virtual
from sim.drivertwin.station import DriverStation
from sim.scenario import Scenario, load_scenario
from sim.streams.make import make_stream
from sim.twin import run_core_twin

DAY = Path(__file__).parents[3] / "config" / "scenarios" / "day.toml"


@pytest.fixture(scope="module")
def day() -> Scenario:
    return load_scenario(DAY)


def _run(day: Scenario, parcels: int, seed: int, fault_ppm: int, until_us: int = 600_000_000) -> DriverStation:
    stream = make_stream(day.sized(parcels, seed))
    station = DriverStation(day.config, stream, day.settings, seed=seed, fault_ppm=fault_ppm)
    run_virtual(lambda loop: station.run(loop, until_us))
    return station


def test_without_faults_every_parcel_takes_the_way_that_the_core_twin_gives_it(day: Scenario) -> None:
    parcels, seed = 4, 2
    station = _run(day, parcels, seed, 0)
    report = station.referee.report()
    assert station.ended == "all parcels gone"
    assert report["rule_violating_releases"] == report["unaccounted"] == report["custody_unproven"] == 0
    core = run_core_twin(day.config, make_stream(day.sized(parcels, seed)), seed, settings=day.settings)
    routes = {seq: passage.route for seq, passage in station.referee.passages.items()}
    assert routes == {seq: passage.route for seq, passage in core.referee.passages.items()}
    assert set(routes.values()) == set(Route)


def test_spoilt_wires_tell_the_same_story_twice_and_release_nobody_against_a_rule(day: Scenario) -> None:
    one, again = (_run(day, 1, 5, 1_000, until_us=20_000_000) for _ in range(2))
    assert one.sha256() == again.sha256()
    assert one.signals == again.signals
    assert one.referee.report()["rule_violating_releases"] == 0
    assert len(one.lane.faults()) > 5
    assert sum(one.refused.values()) > 5
