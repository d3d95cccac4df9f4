"""Orders through the mailbox: who may, what is refused before anything is recorded."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from lane.console.sessions import ORDERS as CONSOLE_ORDERS
from lane.console.sessions import TWO_PERSONS
from lane.inputs import AnyInput, MessageAcknowledged, OrderGiven
from lane.model.words import BenchResult, Role
from lane.orders import ORDERS_OF, SUPERVISOR_ONLY, RecordBench, refusal_of
from lane.runtime.orders import ORDERS, OrderDesk
from lane.users import Users

GOOD = {"order": "Start", "person": "li.wei", "role": "officer", "nonce": "n"}


class Posted:
    """Collects inputs; refuses nothing."""

    def __init__(self, users: Path, *, twin: bool, refusal: str = "") -> None:
        self.items: list[AnyInput] = []
        self.entered: list[str] = []
        self.refusal = refusal
        self.desk = OrderDesk(
            twin=twin,
            users=Users(users),
            post=self.post,
            stamp=lambda: (5, 6),
            state=lambda: {"state": "IDLE"},
            enter_digits=self.enter,
        )

    async def post(self, item: AnyInput) -> tuple[int, str]:
        """Take an input."""
        self.items.append(item)
        return 17, self.refusal

    async def enter(self, digits: str, by: str) -> int:
        """Twenty digits, or none."""
        if len(digits) != 20:
            raise ValueError("digits: expected 20")
        self.entered.append(digits)
        return 8

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """One request."""
        return asyncio.run(self.desk.answer(message))


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An officer and a supervisor (hashing passwords is slow on purpose: once for all tests)."""
    path = tmp_path_factory.mktemp("accounts") / "users.db"
    Users(path).add("li.wei", Role.OFFICER, "correct horse 9 battery")
    Users(path).add("wang", Role.SUPERVISOR, "correct horse 9 battery")
    return path


@pytest.fixture
def live(accounts: Path) -> Posted:
    """A live lane with these accounts."""
    return Posted(accounts, twin=False)


def test_an_order_becomes_an_input_and_its_index_comes_back(live: Posted) -> None:
    message = {
        **GOOD,
        "order": "RecordBench",
        "seq": 4,
        "result": "DETAINED",
        "found": [[1, 6], [2, 0]],
        "seal": "S",
        "second": "wang",
    }
    assert live.ask(message) == {"accepted": True, "index": 17}
    order = RecordBench(
        person="li.wei",
        role=Role.OFFICER,
        nonce="n",
        seq=4,
        result=BenchResult.DETAINED,
        found=((1, 6), (2, 0)),
        seal="S",
        second="wang",
    )
    assert live.items == [OrderGiven(at_us=5, belt_um=6, order=order)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"order": "Launch"}, "unknown order 'Launch'"),
        ({"person": "nobody"}, "no enabled user 'nobody'"),
        ({"person": "twin-officer"}, "exists on twin lanes only"),
        ({"role": "supervisor"}, "'li.wei' is officer, not supervisor"),
        ({"role": "system"}, "system gives no orders"),
        ({"role": "auditor"}, "auditor gives no orders"),
        ({"role": "king"}, "Start.role: "),
        ({"speed": 5}, "Start: "),
        ({"nonce": 5}, "Start.nonce: "),
        ({"order": "AddRule"}, "AddRule: "),
        ({"order": "Inspect", "seq": 1.5}, "Inspect.seq: "),
    ],
)
def test_what_is_no_order_of_this_person_is_refused_and_not_recorded(
    live: Posted, change: dict[str, Any], expected: str
) -> None:
    answer = live.ask({**GOOD, **change})
    assert answer["accepted"] is False
    assert expected in answer["reason"]
    assert live.items == []


def test_a_second_person_must_exist_too(live: Posted) -> None:
    message = {**GOOD, "order": "RecordBench", "seq": 4, "result": "DETAINED", "found": [], "second": "ghost"}
    assert "no enabled user 'ghost'" in live.ask(message)["reason"]


def test_only_a_supervisor_changes_rules(live: Posted) -> None:
    rule = {"order": "ShelveAlarm", "number": 1, "until_us": 5, "nonce": "n"}
    assert "expected a supervisor" in live.ask({**rule, "person": "li.wei", "role": "officer"})["reason"]
    assert live.ask({**rule, "person": "wang", "role": "supervisor"})["accepted"] is True


def test_twin_persons_need_no_account_on_a_twin_lane(tmp_path: Path) -> None:
    twin = Posted(tmp_path / "users.db", twin=True)
    assert twin.ask({**GOOD, "person": "twin-chen"}) == {"accepted": True, "index": 17}
    assert twin.ask({**GOOD, "person": ""})["accepted"] is False


def test_the_cores_own_refusal_is_told_with_its_record(tmp_path: Path) -> None:
    twin = Posted(tmp_path / "users.db", twin=True, refusal="state is HELD")
    assert twin.ask(GOOD) == {"accepted": False, "index": 17, "reason": "state is HELD"}


def test_acknowledgements_take_a_key_and_nothing_else(live: Posted) -> None:
    assert live.ask({"ack": "ab" * 32}) == {"accepted": True, "index": 17}
    assert live.items == [MessageAcknowledged(at_us=5, belt_um=6, idempotency_key="ab" * 32)]
    for key in ("", "AB" * 32, "../../etc/passwd", "ab" * 33):
        assert live.ask({"ack": key})["accepted"] is False
    assert len(live.items) == 1


def test_other_requests_are_answered_or_refused(live: Posted) -> None:
    assert live.ask({"ask": "state"}) == {"state": "IDLE"}
    assert live.ask({"digits": "1" * 20, "person": "li.wei"}) == {"accepted": True, "epochs": 8}
    assert "expected 20" in live.ask({"digits": "1", "person": "li.wei"})["reason"]
    assert live.ask({"ask": "secret"})["accepted"] is False
    assert live.ask({})["accepted"] is False


def test_a_supervisor_too_enters_rolled_digits_with_spaces(live: Posted) -> None:
    message = {"digits": "01234 56789 01234 56789", "person": "wang"}
    assert live.ask(message) == {"accepted": True, "epochs": 8}
    assert live.entered == ["01234567890123456789"]


@pytest.mark.parametrize("digits", ["", "1" * 19, "1" * 21, "x" * 20, "\u0661" * 20])
def test_other_than_twenty_digits_are_refused_without_repeating_them(live: Posted, digits: str) -> None:
    reason = live.ask({"digits": digits, "person": "wang"})["reason"]
    assert "expected 20 digits" in reason
    assert not digits or digits not in reason
    assert live.entered == []


def test_who_may_order_stands_in_one_table() -> None:
    assert ORDERS_OF[Role.SUPERVISOR] == set(ORDERS)
    assert ORDERS_OF[Role.OFFICER] == set(ORDERS) - SUPERVISOR_ONLY
    assert {role for role in Role if not refusal_of("MoveCustody", role)} == {Role.OFFICER, Role.SUPERVISOR}
    for role in Role:
        assert CONSOLE_ORDERS[role] == ORDERS_OF[role] - TWO_PERSONS


@pytest.mark.parametrize("field", ["person", "nonce"])
def test_text_that_no_record_can_hold_is_refused_before_the_core_sees_it(live: Posted, field: str) -> None:
    answer = live.ask({**GOOD, field: "li\ud800"})
    assert answer["accepted"] is False
    assert f"Start.{field}: expected text without surrogates" in answer["reason"]
    assert live.items == []


def test_text_is_taken_in_the_form_in_which_it_is_recorded(live: Posted) -> None:
    live.ask({**GOOD, "nonce": "e\u0301"})
    (item,) = live.items
    assert isinstance(item, OrderGiven)
    assert item.order.nonce == "\u00e9"


@pytest.mark.parametrize("other", [{"ask": "state"}, {"ack": "0" * 64}, {"digits": "1" * 20}])
def test_a_request_that_is_an_order_and_something_else_is_refused(live: Posted, other: dict[str, str]) -> None:
    answer = live.ask({**GOOD, **other})
    assert answer == {
        "accepted": False,
        "reason": f"expected one request, was {' and '.join(sorted(['order', *other]))}",
    }
    assert live.items == []
