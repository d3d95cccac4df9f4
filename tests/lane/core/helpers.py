"""Short words for the tests of the whole lane."""

from devices.signals import (
    LinkLost,
    LinkRestored,
)
from lane.events.machine import AlarmRaised, OrderRefused
from lane.events.parcel import (
    ParcelDiverted,
)
from lane.model.grounds import Ground
from lane.model.words import State
from tests.lane.core.boxes import config
from tests.lane.core.miniplant import MiniPlant

MINUTE = 60_000_000


def running(boxes: int = 0, **changes: object) -> MiniPlant:
    plant = MiniPlant(config(**changes), boxes=boxes)
    plant.start()
    return plant


def reach(plant: MiniPlant, kind: type, count: int = 1) -> None:
    """Run until the core said something ``count`` times."""
    plant.run_until(lambda: len(plant.of(kind)) >= count, 2 * MINUTE)
    assert len(plant.of(kind)) >= count


def run_to(plant: MiniPlant, belt_um: int) -> None:
    """Let the world run up to a belt position."""
    plant.when(belt_um, lambda: None)
    plant.run_until(lambda: plant.belt >= belt_um, MINUTE)


def state(plant: MiniPlant) -> State:
    return plant.core.state.machine.state


def refusals(plant: MiniPlant) -> list[str]:
    return [event.reason for event in plant.of(OrderRefused)]


def alarms(plant: MiniPlant) -> set[int]:
    return {event.number for event in plant.of(AlarmRaised)}


def grounds(plant: MiniPlant, seq: int) -> set[Ground]:
    return {ground for event in plant.of(ParcelDiverted) if event.seq == seq for ground in event.grounds}


def lose(plant: MiniPlant, role: str = "io") -> None:
    plant.give(LinkLost(**plant.now(), role=role, port="p", unit=1, reason="timeout"))


def back(plant: MiniPlant, role: str = "io", gap_us: int = 300_000, *, tripped: bool = False) -> None:
    plant.give(LinkRestored(**plant.now(), role=role, port="p", unit=1, gap_us=gap_us, watchdog_tripped=tripped))
