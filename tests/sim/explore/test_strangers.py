"""A second master on the network (F15): refused by a device that knows its owner, seen at once where none refuses."""

from collections.abc import Sequence

import pytest

from lane.commands import Step
from lane.controller.core import LaneController
from lane.errors import Alarm
from lane.events.machine import AlarmRaised
from lane.inputs import AnyInput
from sim.explore.case import Case, Mode
from sim.explore.judge import TAKEN_BACK
from sim.explore.residual import STRANGER, explained, unexplained
from sim.explore.run import CaseResult, run_case
from sim.explore.setup import Field, Setup
from sim.faults import Fault, FaultKind


class Told(LaneController):
    """Remembers what it announced."""

    alarms: list[int]

    def handle(self, item: AnyInput) -> Step:
        """As the controller."""
        step = super().handle(item)
        type(self).alarms += [event.number for event in step.events if isinstance(event, AlarmRaised)]
        return step


def _strangers(first_us: int, every_us: int, parcels: range = range(5, 45)) -> tuple[Fault, ...]:
    return tuple(
        Fault(
            kind=FaultKind.SECOND_MASTER,
            parcel=number,
            at_us=first_us + every_us * (number % 40),
            strength=1_500 + number,
        )
        for number in parcels
    )


def _run(faults: Sequence[Fault], setup: Setup, seed: int = 4) -> CaseResult:
    Told.alarms = []
    return run_case(Case(seed=seed, mode=Mode.FEW, setup=setup, parcels=60, calm=15, faults=tuple(faults)), Told)


@pytest.mark.parametrize("field", [Field.IO, Field.PLC])
def test_a_device_with_an_owner_lets_nobody_out_for_a_stranger(field: Field) -> None:
    found = _run(_strangers(14_000_000, 100_000), Setup(draw="0.2", field=field))
    assert len(found.faults) > 30
    assert found.rules == ()
    assert Alarm.STRANGER_REFUSED in Told.alarms
    assert Alarm.FOREIGN_PERMIT not in Told.alarms
    assert found.goals["copied release frame"] >= 1


@pytest.mark.parametrize("field", [Field.IO, Field.PLC])
def test_a_stranger_that_becomes_the_owner_of_a_device_nobody_speaks_to_opens_the_gate_over_a_belt_at_rest(
    field: Field,
) -> None:
    silent = Fault(kind=FaultKind.IO_SILENT, parcel=12, at_us=10_000_000, duration_us=8_000_000)
    strange = [
        Fault(kind=FaultKind.SECOND_MASTER, parcel=12, at_us=at_us, strength=2_000)
        for at_us in range(15_100_000, 17_900_000, 200_000)
    ]
    found = _run((silent, *strange), Setup(draw="0.2", field=field))
    assert found.goals["stranger owns the lane I/O"] >= 1
    assert found.rules == ()


def test_plain_remote_io_obeys_him_and_the_lane_holds_before_a_body_comes() -> None:
    found = _run(_strangers(14_000_000, 100_000), Setup(draw="0.2", field=Field.PLAIN))
    assert Alarm.FOREIGN_PERMIT in Told.alarms
    assert found.rules == ()


def test_what_remains_on_plain_remote_io_with_a_slow_link_is_counted_and_explained() -> None:
    """The blade is away for as long as signal and command travel: a body that is just there passes."""
    slow = Setup(draw="0.2", field=Field.PLAIN, command_us=100_000)
    found = _run(_strangers(13_600_000, 10_000), slow, seed=7)
    assert found.rules == (TAKEN_BACK,)  # it stands behind the gate when the belt has stopped
    assert unexplained(found) == []
    assert explained(found) == STRANGER
