"""Under faults the lane may stop and inspect, but it releases nothing against a rule and loses nobody."""

from dataclasses import replace
from pathlib import Path

import pytest

from lane.errors import Alarm
from sim.faults import PLANT_ONLY, Fault, FaultKind, plan_faults
from sim.scenario import load_scenario
from sim.streams.make import make_stream
from sim.twin import CoreTwinResult, run_core_twin

DAY = Path(__file__).parents[2] / "config" / "scenarios" / "day.toml"
HOUR_US = 3_600_000_000


def _run(*kinds: FaultKind, parcels: int = 200, seed: int = 5) -> CoreTwinResult:
    day = load_scenario(DAY)
    stream = make_stream(day.sized(parcels, seed))
    faults = plan_faults(seed, stream[-1].arrival_us, kinds, per_hour=60)
    assert {fault.kind for fault in faults} == set(kinds)
    return run_core_twin(day.config, stream, seed, driver="heap", settings=replace(day.settings, faults=faults))


@pytest.mark.parametrize(
    ("kind", "trace"),
    [
        (FaultKind.BODY_REMOVED, "bodies_removed"),
        (FaultKind.BODY_INSERTED, "bodies_inserted"),
        (FaultKind.IO_SILENT, "alarms"),
        (FaultKind.VISION_LOST, "alarms"),
    ],
)
def test_a_faulted_run_breaks_no_rule_and_accounts_for_every_body(kind: FaultKind, trace: str) -> None:
    figures = _run(kind).figures
    referee = figures["referee"]
    assert figures["ended"] == "complete"
    assert referee["violations"] == {}
    assert referee["unaccounted"] == 0, referee["unaccounted_bodies"]
    assert (referee["given_up"], referee["untracked"]) == (0, 0)
    assert referee["bodies_fed"] == 200
    assert referee[trace] or kind is FaultKind.VISION_LOST, "the fault left no trace: it did not happen"


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_a_gate_that_sticks_stops_the_belt_before_the_next_body_and_nobody_slips_through(seed: int) -> None:
    """The blade must leave OUT and come HOME behind each permitted parcel; the lane holds when it does not."""
    figures = _run(FaultKind.GATE_STUCK, seed=seed).figures
    referee = figures["referee"]
    assert figures["ended"] == "complete"
    assert referee["alarms"][str(int(Alarm.GATE_UNPROVEN))] >= 2, "no blade stuck while it mattered"
    assert referee["violations"] == {}
    assert referee["rule_violating_releases"] == 0
    assert referee["unaccounted"] == 0


@pytest.mark.parametrize("seed", [5, 6])
def test_all_faults_together_lose_nobody_and_release_nothing_against_a_rule(seed: int) -> None:
    figures = _run(*PLANT_ONLY, seed=seed).figures
    referee = figures["referee"]
    assert figures["ended"] == "complete"
    assert referee["unaccounted"] == 0, referee["unaccounted_bodies"]
    assert referee["rule_violating_releases"] == 0
    assert referee["violations"] == {}


def test_a_jam_on_a_full_belt_leaves_every_eye_as_it_is_and_later_bodies_are_seen() -> None:
    """Those that run into a jam are pushed onto the one ahead, and their eyes see where they lie."""
    referee = _run(FaultKind.JAM, parcels=300, seed=1).figures["referee"]
    assert referee["unaccounted"] == referee["untracked"] == 0


def test_a_fault_also_moves_bodies_that_lay_on_a_belt_that_stopped() -> None:
    day = load_scenario(DAY)
    stream = make_stream(day.sized(12, 3))
    stop = Fault(kind=FaultKind.HELD_BY_HAND, parcel=3, at_us=2_000_000)
    gone = Fault(kind=FaultKind.BODY_REMOVED, parcel=3, at_us=3_000_000, position_um=1_000_000)
    run = run_core_twin(day.config, stream, 3, driver="heap", settings=replace(day.settings, faults=(stop, gone)))
    assert run.figures["referee"]["bodies_removed"] == 1


def test_a_plan_of_faults_is_keyed_by_kind_so_that_another_kind_shifts_nothing() -> None:
    alone = plan_faults(1, HOUR_US, [FaultKind.GATE_STUCK], 20)
    both = plan_faults(1, HOUR_US, [FaultKind.GATE_STUCK, FaultKind.BODY_REMOVED], 20)
    assert [fault for fault in both if fault.kind is FaultKind.GATE_STUCK] == list(alone)
    assert len(alone) > 5
