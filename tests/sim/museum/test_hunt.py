"""A hunt: the quickest bugs are named at once, a harmless change never, and a bug that sleeps is said to sleep."""

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.explore.case import corner_case, corner_in_turn
from sim.explore.corners import CORNERS
from sim.explore.search import FIELDS, Plan
from sim.explore.setup import Field
from sim.museum.bug import Bug
from sim.museum.cli import museum
from sim.museum.exhibits import BUGS
from sim.museum.hunt import AGAIN, ORDER, Hunt, Scales, Shown, Sound, case_at, hunt, shown
from sim.museum.patching import Edit, applied
from sim.museum.tour import figures

SEED = 1
HARMLESS = Bug(
    name="harmless",
    wrong="Nothing is wrong.",
    parts=(Edit("lane.permits:next_number", "return last % PERMIT_NO_MAX + 1", "return 1 + last % PERMIT_NO_MAX"),),
)


@pytest.fixture(scope="module")
def sound() -> Sound:
    return Sound(SEED)


@pytest.mark.parametrize(
    ("name", "rule"),
    [("used_when_issued", "I1"), ("drawn_parcel_released", "R17"), ("message_twice", "MESSAGE")],
)
def test_a_gross_bug_is_named_within_one_case(name: str, rule: str, sound: Sound) -> None:
    found = hunt(BUGS[name], "mixed", SEED, 300, sound)
    assert (found.rule, found.changed) == (rule, True)
    assert 0 < found.parcels <= 300


def test_a_harmless_change_is_never_named_and_was_never_awake(sound: Sound) -> None:
    found = hunt(HARMLESS, "mixed", SEED, 300, sound)
    assert (found.rule, found.changed, found.parcels) == ("", False, 300)


def test_a_mixed_hunt_takes_a_case_of_the_modes_and_two_corners_in_turn() -> None:
    plan = Plan(seed=SEED, parcels=10_000, modes=ORDER)
    cases = [case_at(plan, number) for number in range(3 * len(CORNERS) // 2 + 1)]
    notes = [case.note for case in cases if case.note]
    assert notes[: len(CORNERS)] == [corner.name for corner in CORNERS]
    assert [case.mode for case in cases[::3]] == [ORDER[turn % len(ORDER)] for turn in range(len(cases[::3]))]
    assert {case.setup.field for case in cases[::3]} == set(FIELDS)


def test_corners_change_their_field_when_they_come_again() -> None:
    first, second, third = (
        [corner_in_turn(SEED, again * len(CORNERS) + number, FIELDS).setup.field for number in range(len(CORNERS))]
        for again in range(3)
    )
    assert all(len({one, two, three}) == len(FIELDS) for one, two, three in zip(first, second, third, strict=True))


def test_a_bug_behind_a_second_line_of_defence_shows_when_that_line_is_out() -> None:
    bug = BUGS["gate_for_nobody"]
    number = [corner.name for corner in CORNERS].index("a stranger at the release block")
    case = corner_case(SEED, number, Field.PLAIN)
    with applied(bug.parts):
        masked = Scales().weigh(shown(case), shown(case))
    with applied(bug.without):
        clean = shown(case)
    with applied((*bug.without, *bug.parts)):
        bare = Scales().weigh(shown(case), clean)
    assert masked is None
    assert bare is not None
    assert bare[0] == "R13"


def _shown(field: Field, **rules: int) -> Shown:
    return Shown({rule: (fed, "") for rule, fed in rules.items()}, Counter(), field)


def test_one_broken_rule_names_a_bug_unless_the_sound_core_breaks_it_too() -> None:
    scales = Scales()
    assert scales.weigh(_shown(Field.PLC, R1=7), _shown(Field.PLC, R1=9)) is None
    assert scales.weigh(_shown(Field.PLC, R1=7), _shown(Field.PLC)) is None, "the sound core broke it before"
    assert scales.weigh(_shown(Field.IO, R1=7), _shown(Field.IO)) == ("R1", 7, ""), "but in another field"


def test_a_noisy_rule_names_a_bug_when_it_breaks_again_and_again_and_never_the_other_way() -> None:
    scales = Scales()
    for _ in range(AGAIN - 1):
        assert scales.weigh(_shown(Field.IO, L2=300), _shown(Field.IO)) is None
    assert scales.weigh(_shown(Field.IO, L2=300), _shown(Field.IO)) == ("L2", 300, "")
    scales = Scales()
    scales.weigh(_shown(Field.IO), _shown(Field.IO, L2=300))
    assert all(scales.weigh(_shown(Field.IO, L2=300), _shown(Field.IO)) is None for _ in range(2 * AGAIN))


def test_sound_parcels_opened_in_runs_without_faults_name_a_bug() -> None:
    clean, ill = _shown(Field.PLC), _shown(Field.PLC)
    clean.figures.update({"cases clean": 1, "sound": 240, "sound inspected draw": 13})
    ill.figures.update({"cases clean": 1, "sound": 240, "sound inspected draw": 13, "sound inspected tracking": 9})
    named = Scales().weigh(ill, clean)
    assert named is not None
    assert named[0].startswith("E1")


def test_figures_count_shares_and_medians() -> None:
    names = list(BUGS)[:3]
    hunts = [
        Hunt(bug=names[0], mode="mixed", seed=1, parcels=100, rule="I1", changed=True),
        Hunt(bug=names[1], mode="mixed", seed=1, parcels=900, rule="R1", changed=True),
        Hunt(bug=names[2], mode="mixed", seed=1, parcels=3_000),
    ]
    found = figures(hunts, 3_000, 1.0)
    assert (found["bugs"], found["found"], found["found_permille"], found["median_parcels"]) == (3, 2, 666, 500)
    assert found["not_found"] == found["never_awake"] == [names[2]]
    assert found["exhibits"][names[0]]["modes"]["mixed"]["by"] == "I1"


def test_the_command_hunts_in_a_worker_and_writes_its_figures(tmp_path: Path) -> None:
    file = tmp_path / "museum.json"
    arguments = ["--bug", "used_when_issued", "--parcels", "300", "--workers", "1", "--json", str(file)]
    answer = CliRunner().invoke(museum, arguments)
    assert answer.exit_code == 0, answer.output
    assert json.loads(file.read_text())["found"] == 1
    assert "1 of 1 found" in answer.output
    kept = tmp_path / "museum.hunts.jsonl"
    assert len(kept.read_text().splitlines()) == 1
    kept.write_text(kept.read_text().replace('"rule": "I1"', '"rule": "I9"'))
    file.unlink()
    assert CliRunner().invoke(museum, arguments).exit_code == 0
    found = json.loads(file.read_text())
    assert found["exhibits"]["used_when_issued"]["modes"]["mixed"]["by"] == "I9", "it goes on with what is kept"


def test_a_mistyped_name_is_answered_with_the_nearest_one() -> None:
    answer = CliRunner().invoke(museum, ["--bug", "used_when_isued"])
    assert answer.exit_code != 0
    assert "did you mean 'used_when_issued'" in answer.output


def test_the_list_names_every_exhibit() -> None:
    answer = CliRunner().invoke(museum, ["--list"])
    assert answer.exit_code == 0
    assert all(name in answer.output for name in BUGS)
