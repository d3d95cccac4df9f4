"""The search: figures that do not depend on workers, a short search that must be clean, faulty cores that are found."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from devices.signals import BarcodeRead
from lane.commands import Step
from lane.controller.core import LaneController
from lane.inputs import AnyInput, OrderGiven, StatusChanged
from lane.orders import Unhold
from sim.cli import sim
from sim.explore.case import Case, CaseError, Mode, case_seed, draw_case, from_text, load_case, to_text
from sim.explore.figures import GOALS, SHOWN_MAX, catalogue_ids, figures_of
from sim.explore.run import run_case
from sim.explore.search import Finding, Plan, SearchResult, search
from sim.explore.setup import Field, Setup
from sim.explore.shrink import Shrinker
from sim.explore.story import LINES_MAX, story
from sim.faults import Fault, FaultKind
from sim.intervals import share_between

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


class DeafToCustoms(LaneController):
    """A deliberate bug: a status that changes while its parcel is on the belt is not heard."""

    def handle(self, item: AnyInput) -> Step:
        """As the controller, with the bug."""
        if isinstance(item, StatusChanged):
            return Step((), ())
        return super().handle(item)


class StaysHeld(LaneController):
    """A deliberate bug that costs nothing but work: an officer's Unhold is not heard."""

    def handle(self, item: AnyInput) -> Step:
        """As the controller, with the bug."""
        if isinstance(item, OrderGiven) and isinstance(item.order, Unhold):
            return Step((), ())
        return super().handle(item)


def test_a_short_search_finds_nothing_that_no_residual_risk_explains() -> None:
    plan = Plan(seed=20, parcels=1_200, size=100)
    result = search(20, 1_200, plan=plan)
    assert [(finding.number, finding.rules) for finding in result.unexplained] == []
    figures = figures_of(plan, result, workers=1)
    assert figures["parcels"] == 1_200
    assert sum(figures["faults_injected"].values()) > 300
    assert set(figures["faults_injected"]) == set(catalogue_ids())
    assert set(figures["sometimes"]) == set(GOALS)
    assert figures["efficiency"]["tracking_identity_device_within_limit"]


def test_the_same_seed_gives_the_same_figures_on_one_worker_and_on_two() -> None:
    plan = Plan(seed=5, parcels=900, size=50)
    alone, together = search(5, 900, plan=plan), search(5, 900, plan=plan, workers=2)
    assert alone.figures == together.figures
    assert alone.goals == together.goals
    assert alone.findings == together.findings


def test_the_file_of_a_search_names_every_unexplained_finding_before_explained_ones() -> None:
    result = SearchResult()
    known = [
        Finding(
            number=number, seed=1, mode=Mode.FEW, field=Field.IO, rules=("I17",), releases=1, known="F15 second master"
        )
        for number in range(SHOWN_MAX + 50)
    ]
    late = Finding(
        number=999, seed=2, mode=Mode.FEW, field=Field.IO, rules=("L1",), releases=0, known="", told=("L1: HELD",)
    )
    result.add(SearchResult(findings=[*known, late], figures=Counter({"findings": SHOWN_MAX + 51, "parcels": 1})))
    figures = figures_of(Plan(seed=1, parcels=1), result, workers=1)
    assert (figures["findings"][0]["number"], figures["findings"][0]["told"]) == (999, ["L1: HELD"])
    assert (len(figures["findings"]), figures["findings_left_out"]) == (SHOWN_MAX + 1, 50)


def test_a_lane_that_never_works_again_after_a_fault_breaks_the_second_phase() -> None:
    hold = Fault(kind=FaultKind.HELD_BY_HAND, parcel=10, at_us=1_000_000)
    case = Case(seed=3, mode=Mode.FEW, setup=Setup(), parcels=60, calm=40, faults=(hold,))
    assert run_case(case).rules == ()
    assert {"L1", "L3"} <= set(run_case(case, StaysHeld).rules)


def test_an_exception_of_the_core_is_a_finding_with_its_traceback() -> None:
    class Raises(LaneController):
        def handle(self, item: AnyInput) -> Step:
            if isinstance(item, BarcodeRead):
                raise KeyError("no such parcel")
            return super().handle(item)

    found = run_case(draw_case(1, Mode.CLEAN, Field.PLC, 20), Raises)
    assert found.rules == ("I24",)
    assert "no such parcel" in found.crash


@pytest.mark.slow
def test_a_planted_failure_becomes_a_story_of_at_most_three_faults_and_twenty_parcels() -> None:
    cases = (draw_case(case_seed(8, number), Mode.SWARM, Field.PLC, 120) for number in range(40))
    case = next(case for case in cases if "R5" in run_case(case, DeafToCustoms).rules)
    shrunk = Shrinker(case, ("R5",), DeafToCustoms).run()
    assert shrunk is not None
    assert len(shrunk.case.faults) <= 3
    assert len(shrunk.case.kept) <= 20
    told = story(shrunk.case, DeafToCustoms)
    assert len(told) <= LINES_MAX
    assert any("R5" in line for line in told)
    assert run_case(shrunk.case).rules == (), "the sound core breaks nothing in the same case"


def test_a_whole_case_is_told_around_what_broke_first_and_last() -> None:
    worse = [
        Fault(kind=FaultKind.STATUS_WORSENED, parcel=number, at_us=6_000_000)
        for number in (*range(2, 9), *range(30, 40))
    ]
    found = run_case(
        Case(seed=4, mode=Mode.FEW, setup=Setup(draw="0.02"), parcels=60, calm=15, faults=tuple(worse)), DeafToCustoms
    )
    first, *_, last = sorted(found.broken, key=lambda one: one.at_us)
    told = story(found.case, DeafToCustoms)
    assert len(told) <= LINES_MAX
    for broken in (first, last):
        assert any(f"BROKEN {broken.rule} at {broken.at_us / 1e6:.3f} s" in line for line in told)
        assert any(f"body {broken.body} reaches the blade and goes to RELEASE" in line for line in told)
    assert any("more broken rules" in line for line in told)
    assert told[-1] == max((line for line in told if line.startswith(" ")), key=lambda line: float(line.split()[0]))


def test_a_whole_case_in_which_nothing_broke_tells_its_last_release() -> None:
    told = story(draw_case(1, Mode.CLEAN, Field.PLC, 20))
    assert len(told) <= LINES_MAX
    assert any("goes to RELEASE" in line for line in told)
    assert any("ParcelReleased" in line for line in told)


def test_a_field_that_lacks_a_duty_by_design_says_so_with_its_findings() -> None:
    words = ["search", "--parcels", "1", "--mode", "clean", "--workers", "1"]
    done = CliRunner().invoke(sim, [*words, "--field", "level", "--field", "io"])
    assert done.exit_code == 0, done.output
    assert "field level: its release output is a level, without the longest time of a pulse (H1)" in done.output
    assert "field io" not in done.output
    assert "field " not in CliRunner().invoke(sim, words).output


def test_the_shrinker_says_when_nothing_breaks() -> None:
    assert Shrinker(draw_case(1, Mode.CLEAN, Field.PLC, 20)).run() is None


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_a_stored_case_breaks_what_it_expects_and_no_more(path: Path) -> None:
    case = load_case(path)
    assert set(run_case(case).rules) == set(case.expects)


def test_a_case_file_is_read_as_it_was_written() -> None:
    case = draw_case(7, Mode.SWARM, Field.IO, 60)
    assert from_text(to_text(case), "here") == case


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: "{", "expected a case as JSON"),
        (lambda text: text.replace("sim-case/1", "sim-case/9"), "sim-case/1"),
        (lambda text: text.replace('"speed_um_s"', '"sped_um_s"'), "unknown key 'sped_um_s'"),
        (lambda text: text.replace('"mode": "clean"', '"mode": "tidy"'), "mode: invalid enum value 'tidy'"),
        (lambda text: text.replace('"parcels": 60', '"parcels": 1000000000'), "parcels: expected `int` <= 3000"),
        (lambda text: text.replace('"parcels": 60', '"parcels": 0'), "parcels: expected `int` >= 1"),
        (lambda text: text.replace('"parcels": 60', '"parcels": NaN'), "parcels: expected `int`"),
        (lambda text: text.replace('"parcels": 60', '"parcels": "60"'), "parcels: expected `int`, got `str`"),
        (lambda text: text.replace('"calm": 20', '"calm": 61'), "calm: expected at most parcels (60), was 61"),
        (lambda text: text.replace('"kept": []', '"kept": [3, 2]'), "kept: expected numbers 1..60, rising"),
        (lambda text: text.replace('"kept": []', '"kept": [61]'), "kept: expected numbers 1..60, rising"),
        (lambda text: text.replace('"faults": []', '"faults": [7]'), "faults[0]: expected `object`, got `int`"),
        (lambda text: text.replace('"faults": []', '"faults": {}'), "faults: expected `array`, got `object`"),
        (
            lambda text: text.replace('"faults": []', '"faults": [{"kind": "JAM", "parcel": 61}]'),
            "faults[0]: parcel: expected 0..60 of JAM, was 61",
        ),
        (
            lambda text: text.replace('"faults": []', '"faults": [{"kind": "JAM", "duration_us": -1}]'),
            "faults[0]: duration_us: expected 0..60000000 of JAM, was -1",
        ),
        (
            lambda text: text.replace('"faults": []', '"faults": [{"kind": "BELT_SLIP", "strength": 400001}]'),
            "faults[0]: strength: expected 0..400000 of BELT_SLIP, was 400001",
        ),
        (lambda text: re.sub(r'"setup": {[^}]*}', '"setup": 7', text), "setup: expected `object`, got `int`"),
        (lambda text: re.sub('"run_um": [0-9-]+', '"run_um": -4000000', text), "setup: run_um: decision point"),
        (lambda text: re.sub('"rate_per_hour": [0-9]+', '"rate_per_hour": 0', text), "setup.rate_per_hour: expected"),
        (lambda text: re.sub('"draw": "[0-9.]+"', '"draw": "lots"', text), "setup.draw: expected `str` matching"),
        (lambda text: re.sub('"seed": 7', f'"seed": {1 << 60}', text), "seed: expected `int` <= 9007199254740991"),
        (lambda text: re.sub('"seed": 7,', "", text), "missing required field `seed`"),
        (lambda text: '{"a":' * 100_000, "expected a case as JSON"),
    ],
)
def test_a_case_file_that_is_wrong_is_refused_with_what_was_expected(change: Any, told: str) -> None:
    with pytest.raises(CaseError, match="here") as error:
        from_text(change(to_text(draw_case(7, Mode.CLEAN, Field.IO, 60))), "here")
    assert told in str(error.value)


def test_the_exact_interval_of_a_share() -> None:
    assert share_between(0, 100) == pytest.approx((0.0, 0.03622), abs=1e-4)
    assert share_between(100, 100)[1] == 1.0


def test_the_command_writes_its_figures_and_tells_a_case(tmp_path: Path) -> None:
    file, case = tmp_path / "search.json", tmp_path / "case.json"
    done = CliRunner().invoke(
        sim, ["search", "--parcels", "300", "--seed", "1", "--mode", "clean", "--workers", "1", "--json", str(file)]
    )
    assert done.exit_code == 0, done.output
    assert '"unexplained_releases": 0' in file.read_text(encoding="utf-8")
    case.write_text(to_text(draw_case(1, Mode.CLEAN, Field.PLC, 20)), encoding="utf-8")
    told = CliRunner().invoke(sim, ["story", str(case)])
    assert told.exit_code == 0, told.output
    assert "no rule breaks in this case" in told.output
    assert CliRunner().invoke(sim, ["story", "nonsense"]).exit_code != 0
    assert "(no such file)" in CliRunner().invoke(sim, ["story", "nofile.json"]).output


@pytest.mark.parametrize(
    "case", [str(1 << 53), f"1:{1 << 53}", "9" * 5_000, "1:2:3", "٣x", "x" * 300, ".", "/dev/zero"]
)
def test_what_is_no_case_is_told_in_one_line(case: str) -> None:
    told = CliRunner().invoke(sim, ["story", case])
    assert told.exit_code == 1, told.output
    assert told.output.count("\n") == 1
    assert "expected" in told.output or "can't be read" in told.output


def test_a_folder_of_cases_that_can_not_be_made_is_told_before_the_search() -> None:
    told = CliRunner().invoke(sim, ["search", "--parcels", "2000000", "--cases", "/proc/cases"])
    assert told.exit_code == 1
    assert "--cases /proc/cases: can't be made" in told.output
