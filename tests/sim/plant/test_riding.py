"""A plant that a driver of virtual time calls does what it does when it is asked step by step."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.heap import HeapLoop
from sim.kernel import Kernel
from sim.plant.happenings import Happening, Kind
from sim.plant.options import LANE_PLC, PlantOptions
from sim.plant.plant import Plant
from sim.streams.truth import ParcelTruth
from tests.sim.helpers import LAYOUT, SPEED_UM_S, TRAVEL_US, parcel

Command = tuple[int, str]
END_US = 200_000_000


def _parcels(arrivals: list[tuple[int, int]]) -> list[ParcelTruth]:
    at_us, made = 0, []
    for number, (wait_us, length_mm) in enumerate(arrivals, start=1):
        at_us += wait_us
        made.append(parcel(number, arrival_us=at_us, length_mm=length_mm))
    return made


def _obey(plant: Plant, now_us: int, what: str, permit_no: int) -> None:
    match what:
        case "stop":
            plant.set_belt(now_us, 0)
        case "slow":
            plant.set_belt(now_us, SPEED_UM_S // 3)
        case "run":
            plant.set_belt(now_us, SPEED_UM_S)
        case "in" | "out":
            plant.allow_induction(now_us, what == "in")
        case "release":
            begin_um = plant.sync(now_us) + 200_000
            plant.release(now_us, permit_no, 3_000, begin_um, begin_um + 700_000, 20_000)
        case "stick" | "free":
            plant.stick_gate(now_us, what == "stick")


def _asked(plant: Plant, commands: list[Command]) -> list[Happening]:
    log, now_us = plant.drain(), 0
    for number, (wait_us, what) in enumerate(commands, start=1):
        now_us += wait_us
        log += plant.advance(now_us)
        _obey(plant, now_us, what, number)
    return log + plant.advance(now_us + END_US)


def _ridden(plant: Plant, commands: list[Command], driver: Any) -> list[Happening]:
    plant.ride(driver)
    now_us = 0
    for number, (wait_us, what) in enumerate(commands, start=1):
        now_us += wait_us
        driver.call_at(now_us, lambda told: _obey(plant, driver.now, *told), (what, number), 1)
    driver.run()
    return plant.drain()


WORDS = st.sampled_from(["stop", "slow", "run", "in", "out", "release", "stick", "free"])


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6_000_000), st.integers(120, 800)), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(1, 4_000_000).map(lambda us: us * 2 + 1), WORDS), max_size=14),
    st.booleans(),
)
def test_asked_or_called_the_same_things_happen(
    arrivals: list[tuple[int, int]], orders: list[Command], plc: bool
) -> None:
    commands = [(1, "run"), (2, "in"), *orders, (1, "run"), (1, "in")]
    options = PlantOptions(duties=LANE_PLC) if plc else PlantOptions()

    def made() -> Plant:
        return Plant(LAYOUT, TRAVEL_US, _parcels(arrivals), seed=1, options=options)

    asked = _asked(made(), commands)
    for driver in (HeapLoop(), Kernel(integer_time=True)):
        assert sorted(_ridden(made(), commands, driver)) == sorted(asked)


def test_a_plant_in_which_something_happened_cannot_change_its_agenda() -> None:
    plant = Plant(LAYOUT, TRAVEL_US, [parcel(1)], seed=1)
    plant.set_belt(0, SPEED_UM_S)
    with pytest.raises(AssertionError, match="nothing has happened"):
        plant.ride(HeapLoop())


def test_nobody_asks_a_plant_that_a_driver_calls() -> None:
    plant = Plant(LAYOUT, TRAVEL_US, [parcel(1)], seed=1)
    plant.ride(HeapLoop())
    with pytest.raises(AssertionError, match="agenda of its own"):
        plant.next_at()


def test_a_body_that_a_fault_holds_stays_where_it_is_when_the_belt_changes_its_speed() -> None:
    plant = Plant(LAYOUT, TRAVEL_US, [parcel(1)], seed=1)
    plant.set_belt(0, SPEED_UM_S)
    plant.allow_induction(0, True)
    plant.advance(2_000_000)
    plant.bodies[1].generation += 1
    plant.set_belt(2_000_000, SPEED_UM_S // 2)
    assert {one.kind for one in plant.advance(100_000_000)} == {Kind.BELT}
