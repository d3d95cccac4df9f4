"""The worked studies of sim/README.md print what the page says."""

import pytest

from tests.sim.world.worked_studies import PAGE, blocks, printed

STUDIES = blocks(PAGE.read_text(encoding="utf-8"))


def test_the_page_has_its_four_studies() -> None:
    words = [command.split()[:2] for command, _ in STUDIES]
    assert [first for first, _ in words] == ["experiment", "experiment", "residual", "residual"]


@pytest.mark.parametrize("number", range(4))
def test_a_worked_study_prints_what_the_page_says(number: int) -> None:
    command, output = STUDIES[number]
    assert printed(command) == output
