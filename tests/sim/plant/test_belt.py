"""The belt's position is a monotone, exact function of time that ``time_of`` inverts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.plant.belt import RAMP_UM_S2, Belt


def test_a_ramp_to_half_a_metre_per_second_takes_half_a_second_and_an_eighth_of_a_metre() -> None:
    belt = Belt()
    belt.set_speed(0, 500_000)
    assert RAMP_UM_S2 == 1_000_000
    assert (belt.steady_from(), belt.position(500_000), belt.speed(500_000)) == (500_000, 125_000, 500_000)
    assert belt.position(1_500_000) == 625_000


def test_a_stop_coasts_to_rest_and_no_position_behind_it_is_ever_reached() -> None:
    belt = Belt()
    belt.set_speed(0, 500_000)
    belt.set_speed(2_000_000, 0)
    rest = belt.position(10**9)
    assert rest == belt.position(2_500_000)
    assert belt.time_of(rest) is not None
    assert belt.time_of(rest + 1) is None


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(0, 800_000)), min_size=1, max_size=6),
    st.integers(0, 2_000_000),
)
def test_time_of_a_position_is_the_first_microsecond_at_which_it_is_reached(
    changes: list[tuple[int, int]], ahead_um: int
) -> None:
    belt, now_us, last = Belt(), 0, 0
    for wait_us, speed in changes:
        now_us += wait_us
        assert belt.position(now_us) >= last
        last = belt.position(now_us)
        belt.set_speed(now_us, speed)
        assert belt.position(now_us) == last
    wanted = last + ahead_um
    at_us = belt.time_of(wanted)
    if at_us is None:
        assert belt.target_um_s == 0
        assert belt.position(now_us + 10**9) < wanted
    else:
        assert belt.position(max(now_us, at_us)) >= wanted
        assert at_us <= now_us or belt.position(at_us - 1) < wanted
