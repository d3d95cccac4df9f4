"""Every deliberate bug still fits the code as it is, changes it, and leaves nothing behind."""

import pytest

import lane.controller.evidence
import lane.identify
import lane.permits
import sim.explore.run  # noqa: F401  # loads every module that an exhibit edits
from sim.museum.bug import Bug
from sim.museum.exhibits import BUGS
from sim.museum.patching import Constant, Edit, ExhibitError, applied

EXHIBITS_MIN = 40


def test_there_are_enough_exhibits_and_each_says_what_is_wrong() -> None:
    assert sum(not bug.equivalent for bug in BUGS.values()) >= EXHIBITS_MIN
    for bug in BUGS.values():
        assert bug.wrong.endswith("."), bug.name
        assert bug.parts, bug.name


@pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
def test_the_bug_fits_the_code_as_it_is(bug: Bug) -> None:
    """Red: the code was changed. See whether the bug is still possible, and write the exhibit anew."""
    with applied(bug.parts):
        pass


def test_a_bug_is_in_everywhere_while_it_lasts_and_nowhere_afterwards() -> None:
    from lane.permits import next_number as imported_before

    with applied(BUGS["permit_number_used_again"].parts):
        assert lane.permits.next_number(7) == imported_before(41) == 1
    assert lane.permits.next_number(7) == imported_before(7) == 8


def test_a_constant_is_wrong_in_every_module_that_has_it_and_right_again() -> None:
    was = lane.controller.evidence.READ_SLACK_UM
    with applied((Constant("lane.controller.evidence:READ_SLACK_UM", 400_000),)):
        assert lane.controller.evidence.READ_SLACK_UM == 400_000
    assert was == lane.controller.evidence.READ_SLACK_UM


def test_a_bug_is_taken_out_when_the_run_raises() -> None:
    with pytest.raises(ZeroDivisionError), applied(BUGS["permit_number_used_again"].parts):
        raise ZeroDivisionError
    assert lane.permits.next_number(7) == 8


def test_what_a_bug_remembers_is_forgotten_with_it() -> None:
    reads = lane.identify.Reads(texts=["X"])
    with applied(BUGS["no_read_takes_the_last_code"].parts):
        lane.identify.close(reads, ())
        assert vars(lane.identify.close) == {"last": "X"}
    assert vars(lane.identify.close) == {}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Edit("lane.permits:next_number", "no such line", "x"), "found 0 times"),
        (Edit("lane.permits:next_number", "a", "b"), "expected once, found"),
        (Edit("lane.permits:gone_with_the_last_change", "a", "b"), "no longer there"),
        (Edit("lane.permits:Permit", "permit_no", "x"), "expected a function, was StructMeta"),
        (Edit("lane.permits:next_number", "return last % ", "return last %  "), "changes nothing"),
        (Constant("lane.permits:GONE", 1), "no longer there"),
        (Constant("lane.permits:PERMIT_NO_MAX", lane.permits.PERMIT_NO_MAX), "changes nothing"),
    ],
)
def test_an_exhibit_that_no_longer_fits_is_refused_by_name(part: Edit | Constant, words: str) -> None:
    with pytest.raises(ExhibitError, match=words) as caught, applied((part,)):
        pass
    assert part.where.partition(":")[2].split(".")[0] in str(caught.value)
