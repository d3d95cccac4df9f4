"""A core that dies is made anew from its records, as the lane's restart does it."""

from devices.signals import WeightMeasured
from lane.commands import Step
from lane.controller.core import LaneController
from lane.inputs import AnyInput
from lane.model.config import CoreConfig
from sim.explore.case import Case, Mode
from sim.explore.run import run_case
from sim.explore.setup import Setup
from sim.faults import Fault, FaultKind


class OfTheSecondProcess(LaneController):
    """A deliberate bug: only the first process of a lane notes weights. No record tells which process it is."""

    processes = 0

    def __init__(self, config: CoreConfig) -> None:
        super().__init__(config)
        type(self).processes += 1
        self.process = self.processes

    def handle(self, item: AnyInput) -> Step:
        """As the controller, with the bug."""
        step = super().handle(item)
        return Step((), step.commands) if self.process > 1 and isinstance(item, WeightMeasured) else step


def _killed(*parcels: int) -> Case:
    faults = tuple(Fault(kind=FaultKind.CORE_KILLED, at_us=4_000_000, duration_us=500_000, parcel=n) for n in parcels)
    return Case(seed=5, mode=Mode.FEW, setup=Setup(), parcels=50, calm=10, faults=faults)


def test_a_core_that_dies_again_and_again_is_each_time_the_one_that_its_records_make() -> None:
    found = run_case(_killed(3, 12, 21))
    assert (found.rules, found.crash) == ((), "")
    assert len(found.faults) == 3


def test_a_core_that_acts_on_what_no_record_tells_is_found_at_its_first_restart() -> None:
    found = run_case(_killed(12), OfTheSecondProcess)
    assert "I24" in found.rules
    assert "restored from its records" in found.crash
