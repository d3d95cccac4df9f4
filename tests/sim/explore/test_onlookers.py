"""Onlookers name what they look for, say nothing of a sound core, and corners stay within the fault catalogue."""

import pytest

from sim.explore.case import Mode, corner_case, draw_case
from sim.explore.corners import CORNERS, corner_of
from sim.explore.run import run_case
from sim.explore.setup import Field
from sim.faults import CATALOGUE
from sim.museum.exhibits import BUGS
from sim.museum.patching import applied

SEED = 6
NUMBERS = {corner.name: number for number, corner in enumerate(CORNERS)}
LOOKED_FOR = (
    ("R15", "eye_window_in_the_wrong_unit", "edges of the eyes' windows", Field.IO),
    ("R16", "second_fault_forgiven", "edges of the eyes' windows", Field.IO),
    ("R17", "poor_image_counts", "pictures", Field.PLC),
    ("R12", "pulse_not_cancelled", "doubts at the gate", Field.PLC),
    ("R13", "gate_stuck_out_unnoticed", "a blade that sticks, and a core that is away", Field.PLAIN),
    ("I13", "restart_without_flush", "restarts at the gate", Field.IO),
    ("I10", "gate_not_awaited_home", "a lane that feeds too closely", Field.IO),
    ("H2", "blade_discrepancy_ignored", "a blade that sticks, and a core that is away", Field.PLC),
    ("H4", "gate_closes_by_time_only", "doubts at the gate", Field.PLC),
    ("H5", "close_follower_let_through", "close followers at the gate", Field.PLC),
)


@pytest.mark.parametrize(("rule", "bug", "corner", "field"), LOOKED_FOR, ids=[row[1] for row in LOOKED_FOR])
def test_an_onlooker_names_what_it_looks_for_and_says_nothing_of_a_sound_core(
    rule: str, bug: str, corner: str, field: Field
) -> None:
    case = corner_case(SEED, NUMBERS[corner], field)
    assert rule not in run_case(case).rules
    with applied(BUGS[bug].parts):
        assert rule in run_case(case).rules


def test_a_gate_proof_behind_its_permits_window_occurs_and_is_named_where_no_other_limit_ends_the_permit() -> None:
    bug = BUGS["gate_proof_at_any_place"]
    case = corner_case(9, NUMBERS["switches that lie"], Field.PLC)
    with applied(bug.without):
        assert "I10" not in run_case(case).rules
    with applied((*bug.without, *bug.parts)):
        assert "I10" in run_case(case).rules


def test_a_corner_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert corner_case(1, 0, Field.PLC) == corner_case(1, 0, Field.PLC)
    assert corner_case(1, 0, Field.PLC).faults != corner_case(2, 0, Field.PLC).faults


@pytest.mark.parametrize("number", range(len(CORNERS)), ids=list(NUMBERS))
def test_strengths_of_a_corner_are_those_of_the_catalogue(number: int) -> None:
    case = corner_case(SEED, number, Field.PLC)
    assert case.faults
    for fault in case.faults:
        low, high = CATALOGUE[fault.kind].strength
        assert low <= fault.strength <= high
        assert 1 <= fault.parcel <= case.parcels - case.calm


def test_a_seed_alone_names_its_corner_so_that_a_story_can_be_told_again() -> None:
    case = draw_case(SEED, Mode.CORNER, Field.IO)
    assert case.note == CORNERS[corner_of(SEED)].name
    assert case == draw_case(SEED, Mode.CORNER, Field.IO)
    assert {corner_of(seed) for seed in range(300)} == set(range(len(CORNERS)))
