"""What the blade let pass against a rule still stands behind it when the belt has stopped: an officer takes it away."""

from pathlib import Path

import pytest

from sim.explore.case import Case, load_case
from sim.explore.judge import TAKEN_BACK
from sim.explore.residual import FOLLOWER, LAST_LOOK, STUCK, releases, taken_back
from sim.explore.run import run_case
from sim.residual.compare import nobody_looks

CASES = Path(__file__).parent / "cases"


def stored(name: str) -> Case:
    """A stored case."""
    return load_case(CASES / f"{name}.json")


@pytest.mark.parametrize(
    ("name", "risk"),
    [
        ("overlap-behind-the-second-reader", FOLLOWER),
        ("swap-behind-the-second-reader", LAST_LOOK),
        ("blade-stuck-with-a-close-follower", STUCK),
    ],
)
def test_nothing_leaves_where_the_officer_looks_behind_the_gate_and_something_does_where_he_does_not(
    name: str, risk: str
) -> None:
    looked, passed_by = run_case(stored(name)), run_case(stored(name), hooks=(nobody_looks,))
    assert looked.rules == (TAKEN_BACK,)
    assert not releases(looked)
    assert taken_back(looked) == {risk: 1}
    assert not passed_by.taken
    assert releases(passed_by) == {risk: 1}
    assert "NO_PERMIT" in passed_by.rules


def test_a_neighbour_doubt_that_comes_behind_the_blade_is_no_rule_that_the_lane_broke() -> None:
    """The place in the records is past the blade, the body that was moved out of it is not."""
    found = run_case(stored("swap-behind-the-tunnel-and-a-lost-neighbour"), hooks=(nobody_looks,))
    assert "R11" not in found.rules
    assert releases(found) == {LAST_LOOK: 1}
