"""Customs status is a function of the set of receipts: order and repeats change nothing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.declarations.records import Receipt, parse_receipt, receipt_body
from lane.declarations.status import is_withdrawn, resolve
from lane.declarations.tables import load_tables
from lane.declarations.words import Flag, ReceiptKind
from lane.model.words import StatusClass

TABLES = load_tables()


def receipt(code: str, at: str = "1", kind: ReceiptKind = ReceiptKind.LIST, **more: str) -> Receipt:
    values = {"list_no": "L1", "cop_no": "C1", "agent_code": "A1", **more}
    return Receipt(code=code, return_time=f"2025112109{at:0>7}", kind=kind, **values)  # type: ignore[arg-type]


CLASSES = {
    StatusClass.RELEASED: ("800", "899"),
    StatusClass.REVIEWED: ("399",),
    StatusClass.ORDERED: ("500",),
    StatusClass.PENDING: ("1", "2", "3", "4", "120", "300", "400", "600"),
    StatusClass.REJECTED: ("100", "700", "-621000", "-621030", "-621999", "-301014", "-505017", "-800005", "-1"),
    StatusClass.DETAINED: ("501", "502", "503", "599", "505"),
    StatusClass.UNKNOWN: ("0", "801", "0800", "999", "3999", "13"),
}


@pytest.mark.parametrize(("code", "expected"), [(code, word) for word, codes in CLASSES.items() for code in codes])
def test_every_status_code_has_its_class(code: str, expected: StatusClass) -> None:
    assert resolve([receipt(code)], TABLES).status_class is expected


def test_no_receipt_is_unknown() -> None:
    assert resolve([], TABLES).status_class is StatusClass.UNKNOWN


@pytest.mark.parametrize("code", ["-621004", "-621011", "-621012"])
def test_a_refused_repeat_is_recorded_and_leaves_the_status(code: str) -> None:
    status = resolve([receipt("800", "1"), receipt(code, "2")], TABLES)
    assert (status.code, status.flags, len(status.history)) == ("800", (), 2)


def test_the_greatest_return_time_decides() -> None:
    assert resolve([receipt("800", "2"), receipt("500", "1")], TABLES).code == "800"
    assert resolve([receipt("800", "2"), receipt("500", "3")], TABLES).code == "500"


def test_at_equal_times_the_stricter_class_wins_and_is_flagged() -> None:
    strictest_first = ("501", "100", "500", "777", "120", "399", "800")
    for index, strict in enumerate(strictest_first):
        for lax in strictest_first[index + 1 :]:
            status = resolve([receipt(lax), receipt(strict)], TABLES)
            assert (status.code, status.flags) == (strict, (Flag.RECEIPT_TIE,))


def test_a_status_after_the_end_is_obeyed_and_flagged() -> None:
    for terminal in ("899", "700"):
        status = resolve([receipt(terminal, "1"), receipt("500", "2")], TABLES)
        assert (status.code, status.flags) == ("500", (Flag.AFTER_TERMINAL,))
    assert resolve([receipt("800", "1"), receipt("500", "2")], TABLES).flags == ()


RECEIPTS = st.builds(
    receipt,
    st.sampled_from(["800", "899", "700", "500", "100", "120", "-621004", "-621018", "777", "501"]),
    st.integers(1, 4).map(str),
    st.sampled_from(list(ReceiptKind)),
    inner=st.sampled_from(["", "2600"]),
    feed=st.sampled_from(["ceb", "csv"]),
    cop_no=st.sampled_from(["C1", "C2"]),
)


@settings(derandomize=True, max_examples=150)
@given(st.lists(RECEIPTS, max_size=8), st.randoms(use_true_random=False))
def test_order_and_repeats_change_nothing(receipts: list[Receipt], chance: random.Random) -> None:
    shuffled = receipts + [chance.choice(receipts) for _ in range(len(receipts))]
    chance.shuffle(shuffled)
    assert resolve(shuffled, TABLES) == resolve(receipts, TABLES)


@settings(derandomize=True, max_examples=150)
@given(RECEIPTS)
def test_a_stored_receipt_reads_back_as_it_was(one: Receipt) -> None:
    assert parse_receipt(receipt_body(one)) == one


def test_a_receipt_with_quotes_and_other_scripts_reads_back_as_it_was() -> None:
    for text in ('A"B', "A\\B", "清单", "A\tB", '","'):
        one = receipt("800", list_no=text)
        assert parse_receipt(receipt_body(one)) == one


REQUEST, ANSWER = ReceiptKind.CANCEL_REQUEST, ReceiptKind.CANCEL


def test_an_application_withdraws_the_list_until_it_is_refused() -> None:
    asked = receipt("", "1", REQUEST)
    assert is_withdrawn([asked])
    for code in ("1", "2", "3", "4", "120", "399"):
        assert is_withdrawn([asked, receipt(code, "2", ANSWER)])
    for code in ("100", "-623001"):
        assert not is_withdrawn([asked, receipt(code, "2", ANSWER)])
    assert is_withdrawn([asked, receipt("100", "2", ANSWER), receipt("120", "3", ANSWER)])
    assert is_withdrawn([asked, receipt("100", "2", ANSWER), receipt("120", "2", ANSWER)])


def test_a_refused_application_made_again_stands() -> None:
    assert is_withdrawn([receipt("", "1", REQUEST), receipt("100", "2", ANSWER), receipt("", "3", REQUEST)])


def test_an_answer_without_its_application_counts_as_one() -> None:
    assert is_withdrawn([receipt("399", "2", ReceiptKind.RETURN)])
    assert not is_withdrawn([receipt("100", "2", ReceiptKind.RETURN)])


def test_a_refusal_of_another_application_does_not_help() -> None:
    assert is_withdrawn([receipt("", "1", REQUEST, cop_no="C1"), receipt("100", "2", ANSWER, cop_no="C2")])
    assert is_withdrawn([receipt("", "1", REQUEST), receipt("100", "2", ReceiptKind.RETURN)])


def test_answers_are_never_read_as_a_status_of_the_list() -> None:
    assert resolve([receipt("800", "1"), receipt("120", "9", ANSWER)], TABLES).code == "800"
