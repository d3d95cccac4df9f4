"""One-shot permits and the geometry of the gate."""

import pytest

from lane.model.config import GateConfig
from lane.permits import (
    PERMIT_NO_MAX,
    Permit,
    PermitState,
    branch_um,
    covers,
    decision_um,
    follow_um,
    home_again_um,
    home_by_um,
    home_soonest_um,
    issue,
    late_um,
    left_by_um,
    next_number,
    open_um,
    pulse_ms,
    shut_um,
    stop_um,
    use,
    void,
    way_um,
    ways,
)
from tests.lane.core.boxes import MM, config

CONFIG = config(gate=GateConfig(command_us=60_000))
WAYS = ways(CONFIG)


def fresh(belt_um: int = 6_965 * MM) -> Permit:
    return issue(WAYS, 9, head_um=0, tail_um=400 * MM, at_us=1_000_000, belt_um=belt_um)


def test_decision_point_of_the_demo_lane_is_at_least_four_metres_behind_the_tunnel() -> None:
    assert decision_um(CONFIG) == (7_200 - 205 - 30) * MM
    assert decision_um(CONFIG) - CONFIG.layout.tunnel_exit_um >= 4_000 * MM


def test_last_moment_for_a_decision_leaves_command_travel_and_settling_before_the_head() -> None:
    gate = CONFIG.gate
    way = way_um(CONFIG, gate.command_us + gate.travel_us + gate.settle_us)
    assert late_um(CONFIG) == CONFIG.layout.gate_um - way - gate.margin_um


def test_gate_is_out_and_settled_when_the_head_arrives_and_shuts_behind_the_tail() -> None:
    permit = fresh()
    assert permit.from_um == open_um(CONFIG, 0) == (7_350 - 175) * MM
    assert permit.to_um == shut_um(CONFIG, 400 * MM) == (7_750 + 30) * MM
    assert home_again_um(CONFIG, permit.to_um) == permit.to_um + 150 * MM


def test_permit_expires_when_opening_would_come_too_late_for_the_head() -> None:
    permit = fresh()
    on_time_us = 1_000_000 + (permit.from_um - 6_965 * MM) * 2
    assert permit.not_after_us == on_time_us + CONFIG.gate.settle_us + 60_000


def test_pulse_lasts_longer_than_its_window_but_not_much() -> None:
    permit = fresh()
    window_ms = (permit.to_um - permit.from_um) // 500
    assert window_ms < pulse_ms(WAYS, permit) <= window_ms * 12 // 10 + 200


def test_permit_is_used_once() -> None:
    permit = fresh()
    use(permit)
    assert permit.state is PermitState.USED
    with pytest.raises(AssertionError, match="I10"):
        use(permit)


def test_void_permit_never_comes_back() -> None:
    permit = fresh()
    assert void(permit)
    assert not void(permit)
    with pytest.raises(AssertionError, match="I10"):
        use(permit)
    assert not void(Permit())


def test_used_permit_may_still_be_voided_once() -> None:
    permit = fresh()
    use(permit)
    assert void(permit)
    assert permit.state is PermitState.VOID


def test_permit_covers_its_window_and_nothing_beyond_the_slack() -> None:
    permit = fresh()
    assert covers(permit, permit.from_um, 0)
    assert covers(permit, permit.to_um + 5, 5)
    assert not covers(permit, permit.to_um + 6, 5)
    assert not covers(permit, permit.from_um - 6, 5)


def test_permit_for_a_window_already_past_is_refused() -> None:
    with pytest.raises(AssertionError, match="window already past"):
        fresh(belt_um=8_000 * MM)


def test_closing_gate_has_left_out_is_home_soonest_and_home_at_the_latest_in_this_order() -> None:
    to_um = fresh().to_um
    left_um = left_by_um(CONFIG, to_um)
    assert left_um == to_um + 55 * MM
    assert home_soonest_um(CONFIG, left_um) == left_um + 175 * MM
    assert home_by_um(CONFIG, to_um) == to_um + (150 + 25 + 150) * MM


def test_belt_needs_command_report_and_ramp_to_stand() -> None:
    assert stop_um(CONFIG) == (30 + 150 + 125) * MM


def test_permit_numbers_leave_the_highest_ones_to_the_test_pulses_of_the_driver_and_start_over() -> None:
    assert PERMIT_NO_MAX == 65_000
    assert next_number(0) == 1
    assert next_number(PERMIT_NO_MAX) == 1
    assert next_number(PERMIT_NO_MAX - 1) == PERMIT_NO_MAX
    with pytest.raises(AssertionError, match="I1"):
        issue(WAYS, 0, head_um=0, tail_um=1, at_us=0, belt_um=0)


def test_next_head_is_at_the_blade_when_the_blade_is_home_again_behind_a_released_parcel() -> None:
    permit = fresh()
    next_head_um = permit.to_um - CONFIG.gate.margin_um + follow_um(CONFIG)  # the tail passes the blade a margin before
    assert next_head_um == home_again_um(CONFIG, permit.to_um)


def test_what_the_divert_eye_finds_wrong_stands_before_the_release_exit() -> None:
    assert branch_um(CONFIG) == CONFIG.layout.eye_window_um + stop_um(CONFIG)
    assert branch_um(CONFIG) < CONFIG.layout.exit_release_um - CONFIG.layout.divert_um
