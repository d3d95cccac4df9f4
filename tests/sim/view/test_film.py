"""The film tells what the recording told: places, times, decisions, and nothing that was not recorded."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from devices.signals import BeltMoved, EyeChanged, WeightMeasured
from lane.codec import canonical, to_plain
from lane.model.words import Route
from sim.recording import open_recording
from sim.view.film import Film, FilmError, film_of
from sim.view.motion import Motion, Point, position, thinned
from tests.sim.view.conftest import PARCELS, Recorded


@pytest.fixture(scope="module")
def film(recorded: Recorded) -> Film:
    return film_of(open_recording(recorded.path))


@pytest.fixture(scope="module")
def plain(film: Film) -> dict[str, Any]:
    return film.plain()


def test_every_parcel_is_in_the_film_with_its_way_out(plain: dict[str, Any], recorded: Recorded) -> None:
    routes = [one["route"] for one in plain["parcels"]]
    referee = recorded.figures["referee"]
    assert len(routes) == PARCELS
    assert routes.count(str(Route.RELEASE)) == referee["bodies_released"]
    assert routes.count(str(Route.INSPECT)) == referee["bodies_inspected"]
    assert (plain["origin"], plain["facts"]["seed"]) == ("SYNTHETIC", "9")
    for one in plain["parcels"]:
        assert 0 <= one["came"] < one["decided_ms"] < one["left"] <= plain["length_ms"]
        assert one["decided"] == one["route"]
        assert bool(one["grounds"]) == (one["route"] == Route.INSPECT)


def test_by_the_belt_each_body_stands_at_the_eyes_when_they_change(plain: dict[str, Any]) -> None:
    """Head at the divert eye when it blocks, at the exit when the film says that it left: within 20 mm."""
    belt = [tuple(point) for point in plain["belt"]]
    blocked = [at for at, level in plain["eyes"]["divert"] if level]
    stations = plain["stations"]
    assert len(blocked) == PARCELS
    for one, at in zip(sorted(plain["parcels"], key=lambda one: one["came"]), blocked, strict=True):
        assert abs(position(belt, at) - one["head"] - stations["divert"]) < 200
        assert abs(position(belt, one["came"]) - one["head"]) < 200
        assert abs(position(belt, one["left"]) - one["head"] - stations["exit_release"]) < 200


def test_times_only_go_forward(plain: dict[str, Any]) -> None:
    for name in ("belt", "gate", "states", "events", "beam"):
        times = [row[0] for row in plain[name]]
        assert times == sorted(times), name
    assert [row[1] for row in plain["states"]][-1] == "COMPLETE"
    assert {row[1] for row in plain["gate"]} == {"INSPECT", "RELEASE", "MOVING"}


def test_a_part_begins_with_what_still_holds(film: Film, plain: dict[str, Any]) -> None:
    part = film.plain(60.0, 90.0)
    assert part["length_ms"] == 30_000
    assert part["states"][0][:2] == [0, "EXECUTE"]
    assert part["belt"][0][0] == 0
    assert part["belt"][-1][0] == 30_000
    assert part["belt"][0][1] == pytest.approx(position([tuple(one) for one in plain["belt"]], 60_000), abs=40)
    assert 0 < len(part["parcels"]) < PARCELS
    expected = [row for row in plain["events"] if 60_000 <= row[0] <= 90_000]
    assert [row[1:] for row in part["events"]] == [row[1:] for row in expected]


@pytest.mark.parametrize(("from_s", "to_s"), [(10_000.0, None), (5.0, 5.0)])
def test_a_part_that_holds_nothing_is_refused(film: Film, from_s: float, to_s: float | None) -> None:
    with pytest.raises(FilmError, match="change --from or --to"):
        film.plain(from_s, to_s)


def test_a_belt_that_stood_goes_on_standing_until_it_must_have_begun_to_move() -> None:
    motion = Motion(500_000)
    motion.saw(BeltMoved(at_us=0, belt_um=0, speed_um_s=0))
    motion.saw(EyeChanged(at_us=10_000_000, belt_um=500_000, eye="induct", blocked=True))
    motion.saw(BeltMoved(at_us=20_000_000, belt_um=5_375_000, speed_um_s=0))
    late = WeightMeasured(at_us=15_000_000, belt_um=400_000, mg=5, stable=True, error_mg=1)
    motion.saw(late)  # its place is right, its time is when it was heard
    points = motion.points()
    assert points == [(0, 0), (9_000_000, 0), (19_500_000, 5_250_000), (20_000_000, 5_375_000)]


def test_a_belt_that_runs_back_is_shown_running_back() -> None:
    motion = Motion(500_000)
    for at_us, belt_um in ((0, 0), (2_000_000, 1_000_000), (3_000_000, 800_000), (5_000_000, 1_800_000)):
        motion.saw(EyeChanged(at_us=at_us, belt_um=belt_um, eye="induct", blocked=True))
    assert position(motion.points(), 2_500_000) == 900_000


def test_thinning_keeps_every_point_within_its_tolerance() -> None:
    line: list[Point] = [(at * 1_000, at * 500 + (at % 3) * 700) for at in range(200)]
    line += [(at * 1_000, 99_500) for at in range(201, 300)]
    kept = thinned(line)
    assert len(kept) < len(line) // 10
    assert max(abs(position(kept, at) - belt) for at, belt in line) <= 6_000


def test_a_real_journal_is_read_like_a_file(tmp_path: Path, recorded: Recorded) -> None:
    run = tmp_path / "run"
    (run / "config").mkdir(parents=True)
    recording = open_recording(recorded.path)
    (run / "config" / "core.json").write_bytes(canonical(to_plain(recording.config)) + b"\n")
    with sqlite3.connect(run / "journal.db") as connection:
        connection.execute("CREATE TABLE record (idx INTEGER PRIMARY KEY, body BLOB)")
        connection.executemany("INSERT INTO record VALUES (?, ?)", enumerate(recorded.bodies))
    same = film_of(open_recording(run)).plain()
    told = film_of(recording).plain()
    assert {**same, "name": "", "facts": {}} == {**told, "name": "", "facts": {}}
