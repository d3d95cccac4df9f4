"""Nearest rank: the value at rank ceil(n p), whatever n is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.ranks import nearest_rank


@pytest.mark.parametrize(
    ("count", "permille", "rank"),
    [(2, 500, 1), (100, 990, 99), (1_000, 999, 999), (3, 500, 2), (1, 999, 1), (7, 0, 1), (7, 1_000, 7)],
)
def test_the_rank_is_the_count_times_the_share_rounded_up(count: int, permille: int, rank: int) -> None:
    assert nearest_rank(range(1, count + 1), permille) == rank


def test_no_values_have_no_rank_and_a_share_beyond_all_is_refused() -> None:
    assert nearest_rank([], 500) is None
    with pytest.raises(ValueError, match=r"expected 0\.\.1000, was 1001"):
        nearest_rank([1], 1_001)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.integers(1, 1_000))
def test_enough_values_do_not_pass_it_and_too_few_lie_below_it(values: list[int], permille: int) -> None:
    found = nearest_rank(sorted(values), permille)
    assert found is not None
    assert 1_000 * sum(value <= found for value in values) >= permille * len(values)
    assert 1_000 * sum(value < found for value in values) < permille * len(values)
