"""Invariants under chance: conservation, permits, doubt means INSPECT, and a restored core that goes on the same."""

import random
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.signals import EncoderDoubt, GateFault, LinkLost, LinkRestored
from lane.codec import encode
from lane.commands import CloseEpoch
from lane.controller.core import _HANDLERS, LaneController
from lane.events.machine import Snapshot
from lane.events.parcel import (
    CustodyUnproven,
    DispositionDecided,
    MessageQueued,
    ParcelDiverted,
    ParcelDrawn,
    ParcelInducted,
    ParcelReleased,
    PermitIssued,
    PermitUsed,
    TrackingLost,
)
from lane.inputs import AnyInput, ClockReached, EpochOpened
from lane.model.config import EYE_EXIT_INSPECT, DrawConfig
from lane.model.words import MessageKind, Route, State, StatusClass
from lane.orders import Clear, Hold, Inspect, Reset, Start, Stop, Unhold
from tests.lane.core.boxes import MM, Box, config
from tests.lane.core.miniplant import MiniPlant

SECOND = 1_000_000
EXAMPLES = settings(max_examples=12, derandomize=True, deadline=None)


def any_box(chance: random.Random, number: int) -> Box:
    """Mostly sound parcels, each fault now and then."""
    box = Box(code=f"T{number:09d}", length_um=chance.randrange(130, 790) * MM)
    faults: list[tuple[str, Any]] = [
        ("seen", 1), ("seen", 3), ("readable", False), ("found", False), ("p_ppm", 600_000), ("scale_mg", -1),
        ("scale_mg", 1_200_000), ("scan", False), ("vision", False), ("status", StatusClass.ORDERED),
        ("removed_at_um", chance.randrange(500, 7_900) * MM), ("code", "T000000001"), ("length_um", 850 * MM),
        ("slip_um", {"divert": 70 * MM, "exit_inspect": 70 * MM, "exit_release": 70 * MM}),
    ]  # fmt: skip
    if chance.random() < 0.35:
        setattr(box, *chance.choice(faults))
    return box


def disturb(plant: MiniPlant, chance: random.Random) -> None:
    """One thing that goes wrong, or one order."""
    now = plant.now()
    match chance.randrange(9):
        case 0:
            plant.order(Hold)
        case 1:
            plant.order(Stop)
        case 2:
            plant.give(LinkLost(**now, role=chance.choice(["io", "drive"]), port="p", unit=1, reason="x"))
        case 3:
            plant.give(GateFault(**now, reason="both end switches on"))
        case 4:
            plant.give(EncoderDoubt(**now, reason="ring"))
        case 5:
            plant.begin()
        case 6:
            plant.safety(estop_ok=False)
            plant.safety()
        case 7:
            plant.order(Inspect, seq=plant.core.state.next_seq - 1)
        case _:
            plant.set_speed(0)


def recover(plant: MiniPlant) -> None:
    """What a patient officer would do."""
    for role in list(plant.core.state.machine.links):
        plant.give(LinkRestored(**plant.now(), role=role, port="p", unit=1, gap_us=2 * SECOND, watchdog_tripped=False))
    plant.order(Clear)
    plant.order(Reset)
    plant.order(Start)
    plant.order(Unhold)


def wild(seed: int, boxes: int = 12) -> MiniPlant:
    """A run with faults, then an officer who brings the lane back until the belt is empty."""
    chance = random.Random(seed)
    plant = MiniPlant(config(review_enabled=chance.random() < 0.5, draw=DrawConfig(rate="0.1", epoch_draws_max=5)))
    plant.start()
    for number in range(boxes):
        plant.lay(any_box(chance, number + 1), chance.randrange(250, 900) * MM)
    for _ in range(chance.randrange(4)):
        plant.run(chance.randrange(1, 25) * SECOND)
        disturb(plant, chance)
        plant.run(8 * SECOND)
        recover(plant)
    for _ in range(6):
        plant.run(60 * SECOND)
        recover(plant)
    return plant


def ends(plant: MiniPlant) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {event.seq: [] for event in plant.of(ParcelInducted)}
    for event in plant.events:
        final = isinstance(event, ParcelReleased | ParcelDiverted | CustodyUnproven)
        if (final or (isinstance(event, TrackingLost) and event.eye == EYE_EXIT_INSPECT)) and event.seq in found:  # type: ignore[union-attr]
            found[event.seq].append(type(event).__name__)  # type: ignore[union-attr]
    return found


@EXAMPLES
@given(st.integers(0, 10_000))
def test_every_inducted_parcel_has_one_draw_and_one_end(seed: int) -> None:
    plant = wild(seed)
    state = plant.core.state
    assert state.machine.state is State.EXECUTE
    assert not state.parcels
    found = ends(plant)
    for seq, names in found.items():
        assert len(names) == 1, f"parcel {seq}: {names}"
    assert [event.seq for event in plant.of(ParcelDrawn)] == sorted(found)
    assert list(found) == list(range(1, len(found) + 1))
    assert state.inducted == state.released_count + state.diverted_count + state.unproven_count + state.removed_count


@EXAMPLES
@given(st.integers(0, 10_000))
def test_doubt_means_inspect_whatever_happens(seed: int) -> None:
    plant = wild(seed)
    decided = {event.seq: event for event in plant.of(DispositionDecided)}
    issued = {event.seq: event.permit_no for event in plant.of(PermitIssued)}
    used = {event.seq: event.permit_no for event in plant.of(PermitUsed)}
    for event in plant.of(ParcelReleased):
        box = plant.by_seq[event.seq]
        assert decided[event.seq].route is Route.RELEASE
        assert decided[event.seq].grounds == ()
        assert issued[event.seq] == used[event.seq] == event.permit_no
        assert (box.seen, box.found, box.status) == (2, True, StatusClass.RELEASED)
        assert box.exit == "exit_release"
    sent = [event.seq for event in plant.of(MessageQueued) if event.message is MessageKind.RELEASE]
    assert sent == [event.seq for event in plant.of(ParcelReleased)]
    assert len(issued) == len(plant.of(PermitIssued))


@EXAMPLES
@given(st.integers(0, 10_000))
def test_restored_core_says_the_same_as_the_one_that_went_on(seed: int) -> None:
    plant = wild(seed, 6)
    chance = random.Random(seed)
    first = LaneController(plant.config)
    cut = chance.randrange(len(plant.inputs))
    key = b""
    for item in plant.inputs[:cut]:
        step = first.handle(item)
        if isinstance(item, EpochOpened):
            key = item.key
        if any(isinstance(command, CloseEpoch) for command in step.commands):
            key = b""
    second = LaneController.restore(plant.config, first.snapshot(), key)
    assert second.snapshot() == first.snapshot()
    for item in plant.inputs[cut:]:
        one, other = first.handle(item), second.handle(item)
        assert one == other
    assert second.snapshot() == first.snapshot()


@EXAMPLES
@given(st.integers(0, 10_000))
def test_same_inputs_give_the_same_bytes(seed: int) -> None:
    plant = wild(seed, 5)
    again = LaneController(plant.config)
    events = [event for item in plant.inputs for event in again.handle(item).events]
    assert [encode(event) for event in events] == [encode(event) for event in plant.events]


def test_snapshot_events_restore_to_the_core_that_wrote_them() -> None:
    plant = wild(5)
    key, written = b"", 0
    core = LaneController(plant.config)
    for item in plant.inputs:
        step = core.handle(item)
        key = item.key if isinstance(item, EpochOpened) else key
        for event in step.events:
            if isinstance(event, Snapshot):
                written += 1
                assert LaneController.restore(plant.config, event.state, key).snapshot() == core.snapshot()
    assert written > 2


@EXAMPLES
@given(st.integers(0, 10_000))
def test_state_stays_bounded_and_deadlines_lie_ahead(seed: int) -> None:
    plant = wild(seed)
    state = plant.core.state
    assert len(state.belt_due) <= 3
    assert len(state.time_due) <= len(plant.of(DispositionDecided)) + 40
    assert not state.undrawn
    deadline = plant.core.next_deadline()
    assert deadline is None or deadline > state.at_us


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 3_000_000), min_size=1, max_size=20), st.integers(1, 700_000))
def test_after_any_clock_the_next_deadline_is_later_even_on_a_slower_belt(waits: list[int], speed: int) -> None:
    plant = MiniPlant(boxes=2)
    plant.start()
    plant.run(4 * SECOND)
    core = plant.core
    at_us, belt = plant.at_us, plant.belt
    for wait in waits:
        deadline = core.next_deadline()
        at_us = max(at_us + wait, deadline or 0) if wait % 2 else (deadline or at_us + wait)
        belt += (at_us - core.state.at_us) * speed // SECOND
        core.handle(ClockReached(at_us=at_us, belt_um=belt))
        later = core.next_deadline()
        assert later is None or later > at_us


@pytest.mark.parametrize("kind", [kind for group in get_args(AnyInput) for kind in (get_args(group) or (group,))])
def test_every_input_has_its_rule(kind: type) -> None:
    assert kind in _HANDLERS
