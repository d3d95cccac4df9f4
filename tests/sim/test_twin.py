"""The core twin repeats itself byte by byte on every driver, replays, and its referee can fail."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devices.commands import ReleasePulse
from devices.signals import OutputProven
from lane.commands import Step
from lane.controller.core import LaneController
from lane.events.parcel import DispositionDecided
from lane.inputs import AnyInput, ClockReached, VisionResult
from lane.journal.memory import MemoryJournal
from lane.model.words import Route
from sim.coretwin.verdicts import VerdictModel
from sim.scenario import Scenario, load_scenario
from sim.streams.make import make_stream
from sim.twin import CoreTwinResult, run_core_twin

DAY = Path(__file__).parents[2] / "config" / "scenarios" / "day.toml"
PARCELS, SEED = 120, 4


@pytest.fixture(scope="module")
def day() -> Scenario:
    return load_scenario(DAY)


def _run(day: Scenario, *, parcels: int = PARCELS, seed: int = SEED, **more: Any) -> CoreTwinResult:
    settings = more.pop("settings", day.settings)
    return run_core_twin(day.config, make_stream(day.sized(parcels, seed)), seed, settings=settings, **more)


@pytest.fixture(scope="module")
def result(day: Scenario) -> CoreTwinResult:
    return _run(day, settings=replace(day.settings, keep_inputs=True))


def test_a_day_ends_complete_and_breaks_no_rule(result: CoreTwinResult) -> None:
    figures, referee = result.figures, result.figures["referee"]
    assert figures["ended"] == "complete"
    assert (referee["rule_violating_releases"], referee["unaccounted"], referee["custody_unproven"]) == (0, 0, 0)
    assert referee["bodies_fed"] == referee["bodies_released"] + referee["bodies_inspected"] == PARCELS
    assert referee["release_messages"] == referee["released_parcels"]
    assert referee["moved_blade_under_body"] == referee["orders_refused"] == 0
    assert referee["alarms"] == {}
    sound = referee["sound_parcels_inspected"]
    assert sound["permille_tracking_identity_device"] <= 5
    assert sound["permille_other_but_draw"] <= 333
    assert sum(referee["bench_results"].values()) == referee["bodies_inspected"]
    json.dumps(figures)


def test_the_core_is_hardly_ever_woken_for_nothing(result: CoreTwinResult, day: Scenario) -> None:
    """A deadline that its parcel has met is dropped: whoever forgets to look for it wakes the core once a parcel."""
    core, woken, in_vain = LaneController(day.config), 0, 0
    for item in result.inputs:
        step = core.handle(item)
        if isinstance(item, ClockReached):
            woken += 1
            in_vain += not step.events and not step.commands
    assert 2 * PARCELS < woken < 4 * PARCELS
    assert in_vain <= PARCELS // 4


def test_the_figures_have_the_published_keys(result: CoreTwinResult) -> None:
    published = {
        "parcels", "parcels_per_s", "times_real_time", "journal_sha256", "throughput_per_hour", "routes", "grounds",
        "referee", "conditions",
    }  # fmt: skip
    assert published <= result.figures.keys()
    assert {"python", "cpu", "mode", "driver", "seed"} <= result.figures["conditions"].keys()


@pytest.mark.parametrize(("driver", "mode"), [("heap", "records"), ("simpy", "sealed"), ("simpy", "records")])
def test_the_journal_is_the_same_on_both_drivers_in_both_modes_and_on_a_second_run(
    day: Scenario, result: CoreTwinResult, driver: str, mode: str
) -> None:
    again = _run(day, driver=driver, mode=mode)
    assert again.figures["journal_sha256"] == result.figures["journal_sha256"]
    assert again.journal.size == result.journal.size


def test_another_seed_gives_another_journal(day: Scenario, result: CoreTwinResult) -> None:
    other = _run(day, seed=SEED + 1)
    assert other.figures["journal_sha256"] != result.figures["journal_sha256"]


def test_recorded_inputs_through_the_bare_core_give_the_identical_journal(
    day: Scenario, result: CoreTwinResult
) -> None:
    core, journal = LaneController(day.config), MemoryJournal()
    for item in result.inputs:
        journal.append(item, core.handle(item).events)
    assert journal.sha256() == result.figures["journal_sha256"]


def test_a_vision_that_misses_everything_gives_missed_content_and_no_broken_rule(day: Scenario) -> None:
    blind = VerdictModel(uncertain_permille=0, miss_permille=1_000, false_alarm_permille=0, failed_permille=0)
    referee = _run(day, settings=replace(day.settings, verdicts=blind)).figures["referee"]
    assert referee["missed_content"] > 0
    assert referee["rule_violating_releases"] == 0


def test_a_vision_without_doubt_or_error_releases_every_sound_parcel_that_is_not_drawn(day: Scenario) -> None:
    perfect = VerdictModel(uncertain_permille=0, miss_permille=0, false_alarm_permille=0, failed_permille=0)
    referee = _run(day, settings=replace(day.settings, verdicts=perfect)).figures["referee"]
    assert referee["missed_content"] == 0
    grounds = referee["sound_parcels_inspected"]["by_ground"]
    assert set(grounds) <= {"RANDOM_DRAW", "WEIGHT_MISMATCH", "COUNT_UNCERTAIN"}


def test_recorded_counts_stand_in_for_the_verdict_model(day: Scenario, result: CoreTwinResult) -> None:
    counts = {
        truth.number: item.count
        for item in result.inputs
        if isinstance(item, VisionResult) and (truth := result.referee.body_of(item.seq)) is not None
    }
    blind = VerdictModel(uncertain_permille=1_000, miss_permille=1_000, false_alarm_permille=0)
    again = _run(day, settings=replace(day.settings, verdicts=blind, recorded=counts))
    assert len(counts) > PARCELS * 8 // 10
    assert again.figures["routes"] == result.figures["routes"]
    assert again.figures["findings"] == result.figures["findings"]


class Rogue(LaneController):
    """A core that opens the gate for parcels it decided to inspect, and does not look at the valve."""

    def handle(self, item: AnyInput) -> Step:
        """As the real one, with a pulse for every divert."""
        if isinstance(item, OutputProven):
            return Step((), ())
        step = super().handle(item)
        pulses = []
        for event in step.events:
            if isinstance(event, DispositionDecided) and event.route is Route.INSPECT:
                parcel = self.state.parcels[event.seq]
                # just before the head: the real core, running underneath, would send an earlier blade home in time
                start = parcel.body.anchor_um + self.config.layout.gate_um - 95_000
                pulses.append(
                    ReleasePulse(
                        permit_no=20_000 + event.seq, seq=event.seq, from_um=start, to_um=start + 600_000,
                        pulse_ms=3_000, not_after_us=item.at_us + 10_000_000,
                    )
                )  # fmt: skip
        return Step(step.events, (*step.commands, *pulses))


def test_a_core_that_releases_what_it_decided_to_inspect_is_caught(day: Scenario) -> None:
    careless = replace(day.settings, branch_cleared=False)
    referee = _run(day, make_controller=Rogue, settings=careless).figures["referee"]
    assert referee["rule_violating_releases"] > 0
    assert {"NO_DECISION", "NO_PERMIT"} <= referee["violations"].keys()


def test_what_a_rogue_core_lets_through_the_gate_is_taken_back_by_an_officer_who_looks_there(day: Scenario) -> None:
    referee = _run(day, make_controller=Rogue, parcels=40).figures["referee"]
    assert referee["rule_violating_releases"] == 0


def test_an_unknown_driver_is_refused_by_name(day: Scenario) -> None:
    with pytest.raises(ValueError, match="expected one of simpy, heap"):
        _run(day, driver="abacus")
