"""Lane time: never backwards, times speed, across restarts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.clock import DOWN_US_MAX, LaneClock, format_wall, parse_wall, resumed_start_us

NOON = datetime(2025, 11, 21, 12, 0, 0, 120_000, tzinfo=UTC)


@settings(max_examples=50, derandomize=True)
@given(st.lists(st.integers(-5_000_000, 5_000_000), max_size=30), st.integers(1, 100))
def test_lane_time_never_runs_backwards(steps: list[int], speed: int) -> None:
    ticks = [10_000_000_000]
    clock = LaneClock(7, speed, lambda: ticks[0])
    seen = [clock.now()]
    for step in steps:
        ticks[0] += step
        seen.append(clock.now())
    assert seen == sorted(seen)
    assert seen[0] == 7


def test_lane_time_runs_at_speed_times_wall() -> None:
    ticks = [0]
    clock = LaneClock(0, 6, lambda: ticks[0])
    ticks[0] = 1_000_000_000
    assert clock.now() == 6_000_000
    assert clock.wall_seconds_until(12_000_000) == 1.0
    assert clock.wall_seconds_until(1) == 0.0


@pytest.mark.parametrize("speed", [0, -1, 101])
def test_an_absurd_speed_is_refused(speed: int) -> None:
    with pytest.raises(ValueError, match="speed: expected"):
        LaneClock(0, speed)


def test_a_restart_adds_the_wall_time_that_passed_times_speed() -> None:
    header = format_wall(NOON)
    later = NOON + timedelta(seconds=10)
    assert resumed_start_us(3_000_000, 1_000_000, header, 6, later) == 61_000_000
    assert resumed_start_us(90_000_000, 1_000_000, header, 6, later) == 90_000_000


def test_a_wall_clock_that_stepped_back_or_far_ahead_does_not_move_lane_time_with_it() -> None:
    header = format_wall(NOON)
    assert resumed_start_us(5, 0, header, 1, NOON - timedelta(days=1)) == 5
    assert resumed_start_us(5, 0, header, 1, NOON + timedelta(days=5000)) == 5 + DOWN_US_MAX
    assert resumed_start_us(5, 0, "", 1, NOON) == 5


def test_wall_times_have_one_form() -> None:
    assert format_wall(NOON) == "2025-11-21T12:00:00.120Z"
    assert parse_wall(format_wall(NOON)) == NOON
