"""Another Modbus master: an output that nobody here asked for stops the lane, refused writes are told."""

import pytest

from devices.commands import ReleasePulse, RestGate, StopBelt
from devices.signals import GateFault, GateInPosition, GatePosition, OutputProven, StrangerRefused
from lane.commands import Step
from lane.controller.state import Phase
from lane.errors import Alarm
from lane.events.machine import AlarmRaised, BeltFlushed
from lane.events.parcel import CustodyUnproven, DispositionDecided, ParcelReleased, PermitIssued, PermitVoided
from lane.model.grounds import Ground
from lane.model.words import State
from lane.orders import Reset, Start, Unhold
from lane.permits import PERMIT_NO_MAX, was_issued
from tests.lane.core.helpers import MINUTE, alarms, grounds, reach, running, state
from tests.lane.core.miniplant import MiniPlant

STRANGE = 65_101
"""A number that no permit has."""


def valve(plant: MiniPlant, permit_no: int = STRANGE) -> Step:
    """The release output went on."""
    return plant.give(OutputProven(**plant.now(), point="release", level=True, permit_no=permit_no))


def _tell_valve(plant: MiniPlant, *, named: bool) -> None:
    """The device tells its output at each window of the lane, with the permit's number or without."""

    def sent(command: ReleasePulse) -> bool:
        plant.when(command.from_um, lambda: valve(plant, command.permit_no if named else 0))
        return False

    plant.hooks[ReleasePulse] = sent


def test_an_output_on_for_a_permit_never_issued_stops_belt_and_gate_in_the_same_step() -> None:
    plant = running(3)
    reach(plant, DispositionDecided)
    commands = [type(command) for command in valve(plant).commands]
    assert commands.index(RestGate) < commands.index(StopBelt)
    assert state(plant) is State.HOLDING
    raised = next(event for event in plant.of(AlarmRaised) if event.number == Alarm.FOREIGN_PERMIT)
    assert str(STRANGE) in raised.detail
    flushed = plant.of(BeltFlushed)[-1].seqs
    assert flushed == (1, 2, 3)[: len(flushed)]
    assert flushed
    plant.run(10_000_000)
    assert state(plant) is State.HELD
    plant.order(Unhold)
    plant.run(2 * MINUTE)
    assert not [event for event in plant.of(ParcelReleased) if event.seq in flushed]
    assert all(Ground.FLUSHED in grounds(plant, seq) for seq in flushed)


def test_a_body_that_passed_meanwhile_is_unproven_and_gets_no_message() -> None:
    plant = running(1)
    reach(plant, PermitIssued)
    plant.run_until(lambda: plant.gate is GatePosition.RELEASE, MINUTE)
    valve(plant)
    plant.drop_gate = lambda: None  # type: ignore[method-assign]  # the stranger holds it open
    plant.gate = GatePosition.RELEASE
    plant.run(10_000_000)
    plant.order(Unhold)
    plant.set_speed(plant.config.speed_um_s)
    plant.run(MINUTE)
    assert [event.seq for event in plant.of(CustodyUnproven)] == [1]
    assert not plant.of(ParcelReleased)


def test_the_lanes_own_permits_are_nobodys_fault() -> None:
    plant = running(3)
    _tell_valve(plant, named=True)
    plant.run(2 * MINUTE)
    assert len(plant.of(ParcelReleased)) == 3
    assert not alarms(plant)
    valve(plant, 1)
    assert not alarms(plant), "its parcel is gone, but the lane did issue it"


def test_a_device_that_names_no_permit_is_judged_by_the_place() -> None:
    plant = running(1)
    _tell_valve(plant, named=False)
    plant.run(2 * MINUTE)
    assert len(plant.of(ParcelReleased)) == 1
    assert not alarms(plant)
    valve(plant, 0)
    assert Alarm.FOREIGN_PERMIT in alarms(plant)


@pytest.mark.parametrize(("last", "number", "expected"), [
    (0, 1, False), (9, 9, True), (9, 10, False), (9, 0, False), (3, PERMIT_NO_MAX, True), (200, 100, False),
    (9, PERMIT_NO_MAX + 1, False),
])  # fmt: skip
def test_what_counts_as_issued(last: int, number: int, expected: bool) -> None:
    assert was_issued(number, last) is expected


def test_signs_of_one_upset_flush_once_but_rest_the_gate_each_time() -> None:
    plant = running(2)
    reach(plant, DispositionDecided)
    valve(plant)
    second = plant.give(GateInPosition(**plant.now(), position=GatePosition.RELEASE, permit_no=STRANGE))
    third = valve(plant, STRANGE + 1)
    assert RestGate in {type(command) for command in third.commands}
    assert not second.events[1:], "no longer in EXECUTE: the position is noted"
    assert [event.cause for event in plant.of(BeltFlushed)].count("FOREIGN_PERMIT") == 1


def test_the_blade_alone_betrays_him_too() -> None:
    plant = running(2)
    reach(plant, DispositionDecided)
    plant.give(GateInPosition(**plant.now(), position=GatePosition.RELEASE, permit_no=STRANGE))
    assert state(plant) is State.HOLDING
    assert Alarm.FOREIGN_PERMIT in alarms(plant)


def test_test_pulses_are_ours_only_until_the_watchdog_is_proven() -> None:
    plant = MiniPlant()
    plant.begin()
    valve(plant, 65_535)
    assert Alarm.FOREIGN_PERMIT not in alarms(plant), "a proof that was cut short, told late"
    plant.order(Reset)
    plant.order(Start)
    plant.run_until(lambda: plant.core.state.machine.phase is Phase.PROOF, MINUTE)
    valve(plant, 65_534)
    plant.run_until(lambda: state(plant) is State.EXECUTE, MINUTE)
    assert not alarms(plant)
    valve(plant, 65_534)
    assert Alarm.FOREIGN_PERMIT in alarms(plant)


def test_a_belt_that_runs_empty_is_stopped_too() -> None:
    plant = MiniPlant()
    plant.begin()
    plant.order(Reset)
    plant.order(Start)
    plant.run_until(lambda: plant.core.state.machine.phase is Phase.FLUSH and plant.speed > 0, MINUTE)
    assert StopBelt in {type(command) for command in valve(plant).commands}
    plant.run(10_000_000)
    assert state(plant) is State.HELD


def test_refused_strangers_are_told_and_stop_nothing() -> None:
    plant = running(2)
    reach(plant, DispositionDecided)
    step = plant.give(StrangerRefused(**plant.now(), writes=3))
    assert [event.number for event in step.events if isinstance(event, AlarmRaised)] == [Alarm.STRANGER_REFUSED]
    assert not step.commands
    assert not plant.give(StrangerRefused(**plant.now(), writes=50)).events, "one alarm until a person has seen it"
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert len(plant.of(ParcelReleased)) == 2


def test_a_copied_permit_that_the_device_refuses_ends_the_true_one_too() -> None:
    """The device holds the first one still: it must be told to drop it, or the gate opens for a void permit."""
    plant = running(1)
    reach(plant, PermitIssued)
    step = plant.give(GateFault(**plant.now(), reason="permit 1 refused: repeated permit number"))
    assert RestGate in {type(command) for command in step.commands}
    plant.run(MINUTE)
    assert [event.permit_no for event in plant.of(PermitVoided)] == [1]
    assert not plant.of(ParcelReleased)
    assert not plant.of(CustodyUnproven)
    assert Ground.PERMIT_VOID in grounds(plant, 1)
