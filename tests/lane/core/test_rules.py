"""Orders to open, supervisor's rules, advisory grounds, alarms, typed waybills."""

from typing import Any

import pytest

from lane.errors import Alarm
from lane.events.machine import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmShelved,
    GroundModeSet,
    OrderRefused,
    RuleAdded,
)
from lane.events.parcel import (
    ContentCompared,
    DeclarationPinned,
    DispositionDecided,
    InspectionOrdered,
    MessageQueued,
    ParcelDiverted,
    ParcelDrawn,
    ParcelReleased,
    PermitIssued,
    PermitVoided,
)
from lane.inputs import MessageAcknowledged
from lane.model.grounds import Ground
from lane.model.words import Role
from lane.orders import (
    AcknowledgeAlarm,
    AddRule,
    Inspect,
    KeyIn,
    SetGroundMode,
    ShelveAlarm,
)
from tests.lane.core.boxes import Box
from tests.lane.core.helpers import MINUTE, grounds, reach, refusals, running
from tests.lane.core.miniplant import MiniPlant
from tests.lane.core.orders import HOUR


def test_officer_may_order_any_parcel_on_the_belt_to_be_opened_even_with_a_permit() -> None:
    plant = running(1)
    reach(plant, PermitIssued)
    plant.order(Inspect, seq=1)
    reach(plant, ParcelDiverted)
    assert Ground.OFFICER_ORDER in grounds(plant, 1)
    assert len(plant.of(PermitVoided)) == 1
    plant.order(Inspect, seq=1)
    assert "not on the belt" in refusals(plant)[-1]


def rule(plant: MiniPlant, **changes: Any) -> None:
    fields: dict[str, Any] = {
        "rule": "R1", "sku": "", "hs_prefix": "", "declarant": "", "until_us": plant.at_us + HOUR, "second": "zhao",
    }  # fmt: skip
    role = changes.pop("role", Role.SUPERVISOR)
    plant.order(AddRule, "chen", role, **{**fields, **changes})


@pytest.mark.parametrize("match", [{"sku": "SKU1"}, {"hs_prefix": "1901"}, {"declarant": "D1"}])
def test_supervisors_rule_opens_everything_that_matches(match: dict[str, str]) -> None:
    plant = running()
    rule(plant, **match)
    plant.lay(Box(code="T000000001"))
    plant.lay(Box(code="T000000002", answer={"declarant": "D2", "items": ()}))
    reach(plant, ParcelDiverted, 2)
    assert grounds(plant, 1) == {Ground.SUPERVISOR_RULE}
    assert Ground.SUPERVISOR_RULE not in grounds(plant, 2)
    assert plant.of(InspectionOrdered)[0].rule == "R1"
    assert plant.of(RuleAdded)[0].second == "zhao"


def test_rule_also_takes_the_parcels_on_the_belt_that_are_not_decided() -> None:
    plant = running(1)
    reach(plant, DeclarationPinned)
    rule(plant, sku="SKU1")
    rule(plant, sku="SKU1", rule="R2")
    reach(plant, ParcelDiverted)
    assert grounds(plant, 1) == {Ground.SUPERVISOR_RULE}
    assert len(plant.of(InspectionOrdered)) == 1


def test_rule_ends_at_its_time() -> None:
    plant = running()
    rule(plant, sku="SKU1", until_us=plant.at_us + 1_000_000)
    plant.lay(Box(code="T000000001"))
    reach(plant, ParcelReleased)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sku": "S", "second": "chen"}, "two different persons"),
        ({"sku": "S", "second": ""}, "two different persons"),
        ({}, "goods, an HS prefix or a declarant"),
        ({"sku": "S", "until_us": 0}, "within seven days"),
        ({"sku": "S", "until_us": 10**15}, "within seven days"),
        ({"sku": "S", "role": Role.OFFICER}, "expected a supervisor"),
    ],
)
def test_rule_needs_a_supervisor_two_persons_a_match_and_an_end(changes: dict[str, Any], reason: str) -> None:
    plant = running()
    rule(plant, **changes)
    assert reason in refusals(plant)[-1]
    assert not plant.core.state.rules


def test_rules_in_force_are_bounded_and_expired_ones_make_room() -> None:
    plant = running()
    for _ in range(101):
        rule(plant, sku="X", until_us=plant.at_us + 1_000_000)
    assert "in force already" in refusals(plant)[-1]
    plant.run(2_000_000)
    rule(plant, sku="X")
    assert len(plant.core.state.rules) == 1


def mode(plant: MiniPlant, ground: Ground, second: str = "zhao", *, advisory: bool = True) -> None:
    plant.order(SetGroundMode, "chen", Role.SUPERVISOR, ground=ground, advisory=advisory, second=second)


def test_advisory_ground_is_recorded_and_does_not_decide() -> None:
    plant = running()
    mode(plant, Ground.COUNT_SHORT)
    plant.lay(Box(code="T000000001", seen=1))
    reach(plant, ParcelReleased)
    assert plant.of(DispositionDecided)[0].advisory == (Ground.COUNT_SHORT,)
    assert plant.of(ContentCompared)[0].advisory == (Ground.COUNT_SHORT,)
    mode(plant, Ground.COUNT_SHORT, advisory=False)
    mode(plant, Ground.COUNT_SHORT, advisory=False)
    plant.lay(Box(code="T000000002", seen=1))
    reach(plant, ParcelDiverted)
    assert len(plant.of(GroundModeSet)) == 3


def test_only_content_and_weight_grounds_may_be_advisory_and_only_with_two_persons() -> None:
    plant = running()
    mode(plant, Ground.NO_READ)
    mode(plant, Ground.RANDOM_DRAW)
    mode(plant, Ground.COUNT_SHORT, second="chen")
    assert [reason.split(":")[0] for reason in refusals(plant)] == [
        "NO_READ can't be advisory",
        "RANDOM_DRAW can't be advisory",
        "two different persons are needed",
    ]
    assert not plant.core.state.advisory


def test_alarm_is_acknowledged_shelved_and_cleared_by_name() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", removed_at_um=7_900_000))
    plant.run(2 * MINUTE)
    number = int(Alarm.CUSTODY_UNPROVEN)
    plant.order(ShelveAlarm, role=Role.SUPERVISOR, number=number, until_us=plant.at_us + HOUR)
    plant.order(AcknowledgeAlarm, number=number)
    plant.order(AcknowledgeAlarm, number=number)
    plant.order(ShelveAlarm, role=Role.SUPERVISOR, number=number, until_us=plant.at_us + HOUR)
    assert plant.of(AlarmShelved)[0].person == "li"
    assert plant.of(AlarmAcknowledged)[0].number == number
    assert plant.of(AlarmCleared)[-1].number == number
    assert ["does not wait" in refusals(plant)[0], "not open" in refusals(plant)[1]] == [True, True]


def test_only_a_supervisor_shelves_an_alarm() -> None:
    plant = running()
    plant.order(ShelveAlarm, number=int(Alarm.CUSTODY_UNPROVEN), until_us=plant.at_us + HOUR)
    assert refusals(plant) == ["expected a supervisor, was officer"]


def test_typed_waybill_is_noted_and_never_lifts_inspect() -> None:
    plant = running()
    plant.lay(Box(readable=False))
    reach(plant, ParcelDrawn)
    plant.order(KeyIn, seq=1, text="T1", again="T2")
    plant.order(KeyIn, seq=9, text="T1", again="T1")
    plant.order(KeyIn, seq=1, text="T1", again="T1")
    assert len(plant.of(OrderRefused)) == 2
    reach(plant, ParcelDiverted)
    assert Ground.NO_READ in grounds(plant, 1)


def test_acknowledged_message_is_done() -> None:
    plant = running(1)
    reach(plant, MessageQueued)
    key = plant.of(MessageQueued)[0].idempotency_key
    assert len(key) == 64
    step = plant.give(MessageAcknowledged(**plant.now(), idempotency_key=key))
    assert [event.idempotency_key for event in step.events] == [key]  # type: ignore[union-attr]
