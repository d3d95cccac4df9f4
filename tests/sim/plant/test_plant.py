"""Bodies are conserved, events come in belt order at exact positions, and the gate routes by where its blade stands."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.model.words import Route
from sim.plant.happenings import Happening, Kind
from sim.plant.lane_io import Channel, Refusal
from sim.plant.plant import FEEDER_SLACK_UM, Plant
from sim.streams.truth import Planted
from tests.sim.helpers import LAYOUT, SPEED_UM_S, TRAVEL_US, parcel, running_plant


def run_out(plant: Plant) -> list[Happening]:
    happened: list[Happening] = []
    while plant.next_at() is not None:
        happened += plant.step()
    return happened


def test_one_parcel_meets_every_station_in_order_at_exact_belt_positions() -> None:
    plant = running_plant([parcel(1, length_mm=400)])
    happened = [one for one in run_out(plant) if one.kind is not Kind.BELT]
    head = plant.fed[0].belt_um
    expected = [
        (Kind.FED, "", False, 0), (Kind.EYE, "induct", True, 0), (Kind.EYE, "induct", False, 400),
        (Kind.CODE, "reader", False, 800), (Kind.WEIGHT, "", False, 1_300),
        (Kind.EYE, "tunnel_entry", True, 1_700), (Kind.EYE, "tunnel_entry", False, 2_100),
        (Kind.DETECTOR, "", True, 2_300), (Kind.DETECTOR, "", False, 2_700),
        (Kind.EYE, "tunnel_exit", True, 2_900), (Kind.EYE, "tunnel_exit", False, 3_300),
        (Kind.CODE, "second_reader", False, 6_900), (Kind.EYE, "divert", True, 7_200),
        (Kind.ROUTED, "", False, 7_350), (Kind.EYE, "divert", False, 7_600),
        (Kind.EYE, "exit_inspect", True, 8_000), (Kind.EYE, "exit_inspect", False, 8_400),
        (Kind.LEFT, "", False, 8_400),
    ]  # fmt: skip
    assert [(h.kind, h.where, h.level, (h.belt_um - head) // 1_000) for h in happened] == expected
    weight = next(h.value for h in happened if h.kind is Kind.WEIGHT)
    assert abs(weight - parcel(1).weight_mg) <= 3_100
    assert weight % 100 == 0


def test_a_release_window_sends_its_parcel_out_and_the_next_one_home() -> None:
    plant = running_plant([parcel(1), parcel(2), parcel(3)])
    plant.advance(5_000_000)
    head = plant.fed[0].belt_um
    begin, end = head + LAYOUT.gate_um - 200_000, head + LAYOUT.gate_um + 400_000
    assert plant.release(5_000_000, 1, 3_000, begin, end, 60_000) is Refusal.NONE
    happened = run_out(plant)
    assert [(left.number, left.route, left.moved_blade) for left in plant.left] == [
        (1, Route.RELEASE, False), (2, Route.INSPECT, False), (3, Route.INSPECT, False),
    ]  # fmt: skip
    valve = [(h.level, h.belt_um) for h in happened if h.kind is Kind.VALVE]
    assert valve == [(True, begin // 100 * 100), (False, end // 100 * 100)]
    switches = [(h.where, h.level, h.at_us) for h in happened if h.kind is Kind.SWITCH]
    assert [(where, level) for where, level, _ in switches] == [
        ("GATE_HOME", False), ("GATE_OUT", True), ("GATE_OUT", False), ("GATE_HOME", True),
    ]  # fmt: skip
    assert switches[1][2] - switches[0][2] == TRAVEL_US


def test_a_blade_on_its_way_while_a_body_passes_is_noted() -> None:
    plant = running_plant([parcel(1, length_mm=600)])
    plant.advance(5_000_000)
    head = plant.fed[0].belt_um
    begin, end = head + LAYOUT.gate_um - 200_000, head + LAYOUT.gate_um + 100_000
    plant.release(5_000_000, 1, 3_000, begin, end, 60_000)
    run_out(plant)
    assert (plant.left[0].route, plant.left[0].moved_blade) == (Route.RELEASE, True)


def test_a_stuck_gate_sends_everything_home_and_never_shows_out() -> None:
    plant = running_plant([parcel(1)])
    plant.gate.stuck = True
    plant.release(0, 1, 60_000, 0, 0, 60_000)
    happened = run_out(plant)
    assert plant.left[0].route is Route.INSPECT
    assert not [h for h in happened if h.kind is Kind.SWITCH]


def test_a_blade_called_back_before_it_moved_shows_its_end_switch_again() -> None:
    plant = running_plant([parcel(1)])
    plant.advance(1_000_000)
    plant.release(1_000_000, 1, 500, 0, 0, 500)
    plant.rest_gate(1_000_000)
    plant.advance(2_000_000)
    assert plant.gate.home(2_000_000)
    assert plant.io.inputs >> Channel.GATE_HOME & 1 == 1


def test_the_feeder_waits_for_induction_for_the_belt_and_for_the_gap() -> None:
    plant = Plant(LAYOUT, TRAVEL_US, [parcel(1), parcel(2)], seed=1)
    plant.allow_induction(0, True)
    assert plant.next_at() is None, "the belt stands"
    plant.set_belt(0, SPEED_UM_S)
    plant.allow_induction(0, False)
    plant.advance(3_000_000)
    assert not plant.fed
    plant.allow_induction(3_000_000, True)
    run_out(plant)
    first, second = plant.fed
    assert first.at_us == 3_000_000
    assert second.belt_um - first.belt_um == 400_000 + LAYOUT.gap_um_min + FEEDER_SLACK_UM


def test_a_tripped_watchdog_stops_the_feeder() -> None:
    plant = running_plant([parcel(1), parcel(2)])
    plant.io.beat(1, 0)
    plant.advance(1_000_000)
    belt_um = plant.sync(1_000_000)
    assert plant.io.watch(1_000_000, 1_000_000, belt_um)
    plant.io_changed(1_000_000, belt_um)
    run_out(plant)
    assert len(plant.fed) == 1


def test_a_stopped_belt_delays_every_station_by_the_time_of_the_stop() -> None:
    straight, stopped = running_plant([parcel(1)]), running_plant([parcel(1)])
    run_out(straight)
    stopped.advance(4_000_000)
    stopped.set_belt(4_000_000, 0)
    stopped.advance(20_000_000)
    assert stopped.next_at() is None
    stopped.set_belt(20_000_000, SPEED_UM_S)
    run_out(stopped)
    # it stands from 4.5 s to 20 s, and each ramp of half a second costs a quarter of a second
    assert stopped.left[0].at_us - straight.left[0].at_us == 15_500_000 + 2 * 250_000
    assert stopped.left[0].belt_um == straight.left[0].belt_um


def test_a_removed_body_clears_its_eye_and_is_never_heard_of_again() -> None:
    plant = running_plant([parcel(1), parcel(2)])
    fed_us = next(h.at_us for h in iter(lambda: plant.step()[0], None) if h.kind is Kind.FED)
    at_us = fed_us + (LAYOUT.tunnel_entry_um + 100_000) * 1_000_000 // SPEED_UM_S + 400_000
    plant.advance(at_us)
    plant.remove(at_us, 1)
    happened = run_out(plant)
    assert [(h.where, h.level) for h in happened if h.kind is Kind.EYE and h.body == 1] == [("tunnel_entry", False)]
    assert [(left.number, left.route) for left in plant.left] == [(1, None), (2, Route.INSPECT)]


def test_an_unreadable_label_gives_no_text() -> None:
    plant = running_plant([parcel(1, planted=Planted.NO_READ)])
    assert [h.text for h in run_out(plant) if h.kind is Kind.CODE] == ["", ""]


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6_000_000), st.integers(120, 800)), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(1, 2_000_000), st.sampled_from(["stop", "run", "in", "out"])), max_size=12),
)
def test_every_body_is_waiting_on_the_belt_or_gone_and_stepping_equals_advancing(
    arrivals: list[tuple[int, int]], commands: list[tuple[int, str]]
) -> None:
    def parcels() -> list:  # type: ignore[type-arg]
        at_us, made = 0, []
        for number, (wait_us, length_mm) in enumerate(arrivals, start=1):
            at_us += wait_us
            made.append(parcel(number, arrival_us=at_us, length_mm=length_mm))
        return made

    logs = []
    for stride_us in (None, 7_919):
        plant, log, now_us = running_plant(parcels()), [], 0
        for wait_us, what in [*commands, (1, "run"), (1, "in"), (200_000_000, "run")]:
            now_us += wait_us
            while stride_us and plant.now_us + stride_us < now_us:
                log += plant.advance(plant.now_us + stride_us)
                assert len(plant.fed) == len(plant.bodies) + len(plant.left)
            log += plant.advance(now_us)
            if what in ("stop", "run"):
                plant.set_belt(now_us, SPEED_UM_S if what == "run" else 0)
            else:
                plant.allow_induction(now_us, what == "in")
        log += run_out(plant)
        assert [left.number for left in plant.left] == list(range(1, len(arrivals) + 1))
        assert plant.exhausted
        logs.append(log)
    assert logs[0] == logs[1]
    eyes = Counter((h.body, h.where, h.level) for h in logs[0] if h.kind is Kind.EYE)
    assert set(eyes.values()) == {1}
    assert len(eyes) == 10 * len(arrivals)


def test_a_body_that_is_not_on_the_belt_cannot_be_removed() -> None:
    plant = running_plant([parcel(1)])
    with pytest.raises(KeyError):
        plant.remove(0, 1)
