"""Queues and work are integrated over time; nothing is sampled."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.world.meter import Meter, quantile

SECOND_US = 1_000_000


def test_queue_wait_and_work_of_one_person_are_what_a_hand_computes() -> None:
    meter = Meter(1)
    meter.arrived(0)
    meter.began(0, 0)
    meter.arrived(10 * SECOND_US)
    meter.arrived(20 * SECOND_US)
    meter.ended(40 * SECOND_US)
    meter.began(40 * SECOND_US, 10 * SECOND_US)
    meter.ended(60 * SECOND_US)
    meter.began(60 * SECOND_US, 20 * SECOND_US)
    meter.ended(70 * SECOND_US)
    figures = meter.figures("bench", 100 * SECOND_US)
    assert figures["bench_queue_mean"] == (10 + 2 * 20 + 20) / 100
    assert [figures[f"bench_queue_p{p}"] for p in (50, 95, 99)] == [0, 2, 2]
    assert figures["bench_wait_mean_s"] == round(70 / 3, 3)
    assert figures["bench_wait_p50_s"] == 30.0
    assert figures["bench_utilisation_percent"] == 70.0


def test_a_group_that_never_worked_has_no_figures_but_its_zero() -> None:
    figures = Meter(3).figures("review", 1_000)
    assert figures.pop("review_served") == 0
    assert set(figures.values()) == {None}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.integers(1, 99))
def test_a_quantile_is_a_value_that_enough_values_do_not_pass(values: list[int], percent: int) -> None:
    found = quantile(sorted(values), percent)
    assert found is not None
    assert 100 * sum(value <= found for value in values) >= percent * len(values)
    assert 100 * sum(value < found for value in values) < percent * len(values)
