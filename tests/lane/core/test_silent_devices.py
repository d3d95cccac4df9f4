"""Devices that do not answer: what is unknown is told as unknown, and every silent device is named."""

from devices.signals import LinkLost
from lane.errors import Alarm
from lane.events.machine import AlarmCleared, AlarmRaised
from lane.model.words import State
from lane.orders import Clear
from tests.lane.core.helpers import alarms, back, lose, refusals, running, state
from tests.lane.core.miniplant import MiniPlant

OPEN = {"estop_ok": False, "guard_ok": False, "interlock_ok": False, "key_on": False}
FACTS = {Alarm.EMERGENCY_STOP, Alarm.GUARD_OPEN, Alarm.INTERLOCK_OPEN, Alarm.KEY_OFF}


def last(plant: MiniPlant, number: Alarm) -> AlarmRaised:
    told: list[AlarmRaised] = [event for event in plant.of(AlarmRaised) if event.number == number]
    return told[-1]


def test_a_silent_cabinet_makes_the_chain_unknown_and_claims_no_pressed_button() -> None:
    plant = running()
    lose(plant, "cabinet")
    plant.run(1_000_000)
    plant.safety(**OPEN)
    plant.run(1_000_000)
    assert state(plant) in (State.ABORTING, State.ABORTED)
    assert not alarms(plant) & FACTS
    assert last(plant, Alarm.CHAIN_UNKNOWN).detail == "cabinet does not answer"
    assert last(plant, Alarm.CHAIN_UNKNOWN).follows == Alarm.LINK_LOST
    plant.run(20_000_000)
    plant.order(Clear)
    assert "safety chain unknown: cabinet" in refusals(plant)[-1]


def test_the_chain_is_known_again_when_the_device_tells_it_closed() -> None:
    plant = running()
    lose(plant, "cabinet")
    plant.safety(**OPEN)
    back(plant, "cabinet")
    plant.safety()
    plant.run(20_000_000)
    assert Alarm.CHAIN_UNKNOWN in {event.number for event in plant.of(AlarmCleared)}
    assert not alarms(plant) & FACTS


def test_a_part_seen_open_is_a_fact_whatever_else_is_silent() -> None:
    plant = running()
    lose(plant, "source")
    plant.safety(interlock_ok=False)
    assert not alarms(plant) & FACTS
    plant.safety(interlock_ok=False, estop_ok=False)
    assert alarms(plant) & FACTS == {Alarm.EMERGENCY_STOP}


def test_a_device_that_answers_and_tells_nothing_closed_is_open() -> None:
    plant = running()
    lose(plant, "cabinet")
    plant.safety(**OPEN)
    back(plant, "cabinet")
    plant.run(20_000_000)
    assert Alarm.EMERGENCY_STOP in alarms(plant)
    assert Alarm.GUARD_OPEN in alarms(plant)


def test_every_device_that_does_not_answer_is_named() -> None:
    plant = running()
    for role in ("io", "drive", "cabinet", "reader", "scale"):
        plant.give(LinkLost(**plant.now(), role=role, port="p", unit=1, reason="timeout"))
    assert last(plant, Alarm.LINK_LOST).detail == "cabinet, drive, io do not answer; cabinet: timeout"
    assert last(plant, Alarm.AUXILIARY_LOST).detail == "reader, scale do not answer; scale: timeout"
    plant.run(3_000_000)
    assert last(plant, Alarm.LINK_HELD).detail == "cabinet, drive, io do not answer"
    back(plant)
    assert last(plant, Alarm.LINK_LOST).detail == "cabinet, drive do not answer"
