"""What a scenario varies reaches the run: belt, feeder, exits, people, breakdowns, faults, field duties."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from devices.signals import BarcodeRead
from lane.permits import decision_um
from lane.settings.reader import SettingsError
from sim.plant.options import Duty
from sim.scenario import load_scenario
from sim.twin import run_core_twin

DAY = Path(__file__).parents[3] / "config" / "scenarios" / "day.toml"
PEAK = DAY.with_name("peak-1111.toml")


def _run(
    overrides: Mapping[str, object], parcels: int = 120, *, base: Path = DAY, driver: str = "simpy"
) -> dict[str, Any]:
    scenario = load_scenario(base, overrides)
    stream = scenario.parcels(parcels, 3)
    figures = run_core_twin(scenario.config, stream, 3, driver=driver, settings=scenario.settings).figures
    assert figures["ended"] == "complete"
    assert figures["referee"]["rule_violating_releases"] == 0
    return figures


@cache
def _plain() -> dict[str, Any]:
    return _run({})


def test_both_drivers_tell_the_same_of_people_and_lane() -> None:
    heap, timed = (
        _run({}, driver="heap"),
        {"wall_s", "cpu_s", "parcels_per_s", "parcels_per_cpu_s", "times_real_time", "conditions"},
    )
    assert {k: v for k, v in heap.items() if k not in timed} == {k: v for k, v in _plain().items() if k not in timed}


def test_every_run_tells_waits_rides_stops_and_availability() -> None:
    figures = _plain()
    ride_s = 8.0 / 0.5
    assert figures["lane_time_mean_s"] == pytest.approx(ride_s, abs=0.1)
    assert figures["review_time_s"] == pytest.approx((decision_um(load_scenario(DAY).config) - 2_900_000) / 500_000)
    assert (figures["available_percent"], figures["stops"], figures["late_decisions"]) == (100.0, 0, 0)
    assert figures["bench_served"] == figures["routes"]["INSPECT"]
    assert 0 < figures["bench_utilisation_percent"] < 100


def test_more_belt_behind_the_tunnel_is_more_time_for_vision_and_review() -> None:
    longer = {"belt.after_tunnel_mm": 6_300}
    slow = {"verdicts.constant_ms": 9_000, "verdicts.mean_ms": 0, "stream.rate_per_hour": 800}
    config = load_scenario(DAY, longer).config
    assert decision_um(config) - decision_um(load_scenario(DAY).config) == 2_000_000
    assert config.layout.exit_release_um - config.layout.gate_um == 650_000
    short, long = _run(slow, 40), _run(slow | longer, 40)
    assert long["review_time_s"] == short["review_time_s"] + 4
    assert short["late_decisions"] > 0


def test_a_saturated_lane_takes_what_speed_lengths_and_gap_allow() -> None:
    for speed_um_s, slack_um in ((500_000, 100_000), (300_000, 300_000)):
        keys = {"belt.speed_mm_s": speed_um_s // 1_000, "feeder.slack_mm": slack_um // 1_000}
        scenario = load_scenario(DAY.with_name("capacity.toml"), keys)
        stream = scenario.parcels(80, 3)
        figures = run_core_twin(scenario.config, stream, 3, settings=scenario.settings).figures
        way_um = sum(parcel.length_um + 300_000 + slack_um for parcel in stream[:-1])
        ride_um = 8_000_000 + stream[-1].length_um
        assert figures["lane_s"] == pytest.approx((way_um + ride_um) / speed_um_s, rel=0.002)


def test_without_a_gapping_belt_parcels_come_too_close_or_touching() -> None:
    close = {"stream.rate_per_hour": 2_200, "stream.regular_permille": 300}
    apart, together = _run(close), _run(close | {"feeder.gapping": False})
    assert "GAP_TOO_SMALL" not in apart["grounds"]
    assert together["grounds"]["GAP_TOO_SMALL"] > 10
    assert together["draw"]["n"] < 120  # bodies that touch are one to every eye


def test_a_lane_without_a_second_reader_has_no_second_reads() -> None:
    reads: Counter[tuple[bool, str]] = Counter()
    for second in (True, False):
        scenario = load_scenario(DAY, {"readers.second": second})
        settings = replace(scenario.settings, keep_inputs=True)
        inputs = run_core_twin(scenario.config, scenario.parcels(30, 3), 3, settings=settings).inputs
        reads.update((second, item.reader) for item in inputs if isinstance(item, BarcodeRead))
    assert reads == {(True, "reader"): 30, (True, "second_reader"): 30, (False, "reader"): 30}


def test_a_full_bench_stops_induction_and_the_lane_says_why() -> None:
    figures = _run({"bench.places": 12, "bench.officers": 2})
    assert figures["stops_by_cause"].keys() == {"BENCH_FULL"}
    assert figures["suspended_percent"] > 5


def test_officers_at_the_screen_answer_before_the_decision_and_spare_the_bench() -> None:
    alone = _run({"review": True})
    helped = _run({"review": True, "reviewers.officers": 1})
    assert alone["grounds"]["REVIEW_UNANSWERED"] == alone["late_decisions"] > 5
    assert helped["review_answered"] > 5
    assert helped["routes"]["INSPECT"] < alone["routes"]["INSPECT"]
    assert helped["referee"]["orders_refused"] == 0


def test_officers_who_clear_everything_let_errors_through() -> None:
    blind = {"verdicts.uncertain_permille": 1_000, "verdicts.miss_permille": 1_000}
    careless = {"review": True, "reviewers.officers": 3, "reviewers.miss_permille": 1_000}
    figures = _run(blind | careless)
    assert figures["review_cleared_wrongly"] > 0
    assert figures["referee"]["missed_content"] > _plain()["referee"]["missed_content"]


def test_a_late_verdict_goes_round_once_and_no_body_is_lost_on_the_way() -> None:
    late = {"verdicts.constant_ms": 3_600, "verdicts.mean_ms": 300}
    figures = _run(late | {"exit.third": "RECIRCULATE", "exit.loop_s": 45, "exit.loop_places": 4})
    assert figures["loop_sent"] > 5
    assert figures["loop_full"] > 0
    referee = figures["referee"]
    assert referee["bodies_fed"] == 120 + figures["loop_sent"]
    assert (referee["unaccounted"], referee["bench_results"]["RESCAN"]) == (0, figures["loop_sent"])


def test_shifts_replace_a_fixed_number_and_need_the_kernel() -> None:
    figures = _run({}, 60, base=PEAK)
    assert figures["bench_staff_mean"] == pytest.approx(8, abs=0.01)
    scenario = load_scenario(PEAK)
    with pytest.raises(ValueError, match="SimPy processes; expected driver simpy"):
        run_core_twin(scenario.config, scenario.parcels(5, 1), 1, driver="heap", settings=scenario.settings)


DOWN = {"first": {"constant_s": 40}, "interval": {"mean_s": 90}, "duration": {"constant_s": 20}}


@pytest.mark.parametrize(
    ("device", "cause"),
    [
        ("DRIVE", "DRIVE_FAULT"), ("SOURCE", "LINK_LOST"), ("DETECTOR", "LINK_LOST"), ("GUARD", "GUARD_OPEN"),
        ("GATE", "GATE_UNPROVEN"),
    ],
)  # fmt: skip
def test_a_device_without_which_nothing_runs_stops_the_lane_and_an_officer_takes_it_up_again(
    device: str, cause: str
) -> None:
    figures = _run({"breakdown": [{"device": device, **DOWN}]}, 60)
    (down,) = figures["downtimes"]
    assert down["done"] > 0
    assert cause in figures["stops_by_cause"]
    assert figures["available_percent"] < 100
    assert figures["referee"]["bodies_on_belt"] == 0


def test_figures_of_lane_and_devices_end_with_the_last_parcel_however_long_the_bench_works_on() -> None:
    """Openings of an hour: what breaks down at night, with the belt empty, is nobody's availability."""
    slow = {"breakdown": [{"device": "DRIVE", **DOWN}], "bench.constant_s": 3_600, "bench.officers": 1}
    short, long = _run({**slow, "bench.constant_s": 60}, 20), _run(slow, 20)
    assert [one["ended"] for one in (short, long)] == ["complete", "complete"]
    assert long["downtimes"] == short["downtimes"]
    for name in ("available_percent", "held_percent", "aborted_percent", "stops", "stopped_s_by_cause"):
        assert long[name] == short[name], name


@pytest.mark.parametrize(
    ("device", "ground"), [("READER", "NO_READ"), ("SCALE", "WEIGHT_UNKNOWN"), ("VISION", "VISION_TIMEOUT")]
)
def test_a_device_that_only_parcels_need_costs_inspections_and_no_stop(device: str, ground: str) -> None:
    figures = _run({"breakdown": [{"device": device, **DOWN}], "stream.no_read_permille": 0}, 60)
    assert (figures["stops"], figures["grounds"][ground] > 0) == (0, True)


def test_a_feeder_that_is_down_brings_nothing_and_harms_nothing() -> None:
    figures = _run({"breakdown": [{"device": "FEEDER", **DOWN}]}, 60)
    assert figures["stops"] == 0
    assert figures["feeder_wait_mean_s"] > _plain()["feeder_wait_mean_s"] + 1


def test_faults_by_rate_reach_the_lane() -> None:
    figures = _run({"faults.each_permille": 50, "faults.kinds": "IMAGE_LOST NO_READ"})
    assert figures["grounds"]["NO_IMAGE"] > 0


def test_field_duties_and_sampling_rate_are_taken_over() -> None:
    scenario = load_scenario(DAY, {"lane_io.provides": "H0 H1 H2", "draw.rate": "1/8", "exit.release_places": 7})
    assert scenario.settings.plant.duties == {Duty.H0, Duty.H1, Duty.H2}
    assert (scenario.config.draw.rate, scenario.config.release_places) == ("1/8", 7)


def test_plain_remote_io_runs_a_sound_day_like_a_lane_plc() -> None:
    plain, plc = (_run({"lane_io.provides": duties}) for duties in ("H0 H1", "H0 H1 H2 H3 H4 H5"))
    assert plain["routes"] == plc["routes"] == _plain()["routes"]
    assert plain["referee"]["moved_blade_under_body"] == plc["referee"]["moved_blade_under_body"] == 0


def test_a_repair_varies_as_much_as_its_mean_unless_the_scenario_says_otherwise() -> None:
    repair = {"law": "lognormal", "mean_s": 60}
    told = {"breakdown": [{"device": "GATE", "interval": {"mean_s": 900}, "duration": repair}]}
    (downtime,) = load_scenario(DAY, told).settings.downtimes
    assert downtime.duration.cv_milli == 1_000


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"belt.speed_mm_s": 5_000}, ["belt.speed_mm_s: expected 50..1000", "set from outside"]),
        ({"belt.after_tunnel_mm": 500}, ["belt.after_tunnel_mm: expected more than", "was 500"]),
        ({"lane_io.provides": "H1 H4"}, ["lane_io.provides", "expected H0"]),
        ({"bench.shift": [{"from": "8", "to": "16:00", "persons": 2}]}, ["bench.shift[0].from", "time of day"]),
        ({"bench.shift": [{"from": "08:00", "to": "16:00", "persons": 2}]}, ["bench.officers: expected either"]),
        ({"breakdown": [{"device": "TOASTER", **DOWN}]}, ["breakdown[0].device: expected FEEDER | DRIVE"]),
        ({"breakdown": [{"device": "GATE", **DOWN}] * 2}, ["breakdown[1].name", "stands twice"]),
        ({"breakdown": [{"device": "GATE", "fitters": 2, **DOWN}]}, ["breakdown[0].fitters: expected at most 1"]),
        (
            {"breakdown": [{"device": "GATE", "interval": {"mean_s": 9}, "duration": {"law": "table"}}]},
            ["breakdown[0].duration.table_s: missing"],
        ),
        ({"bench.law": "table"}, ["bench.table_s: missing"]),
        ({"faults": {"each_permille": 1, "kinds": "GATE_STICK"}}, ["GATE_STICK is no kind", "GATE_STUCK"]),
        ({"stream.rate_per_hour.x": 1}, ["expected a table at stream.rate_per_hour"]),
    ],
)
def test_a_wrong_option_is_refused_by_its_path(overrides: dict[str, object], words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_scenario(DAY, overrides)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "who"),
    [
        ({"review": True, "reviewers.officers": 1}, "reviewers"),
        ({"breakdown": [{"device": "GATE", **DOWN}]}, "breakdowns"),
    ],
)
def test_people_and_breakdowns_are_refused_without_the_kernel(overrides: dict[str, object], who: str) -> None:
    with pytest.raises(ValueError, match=f"{who}: .* expected driver simpy, was heap"):
        _run(overrides, 5, driver="heap")
