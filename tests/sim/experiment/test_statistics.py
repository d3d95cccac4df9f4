"""Intervals, warm-up, batches and selection against values worked out by hand or published."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from sim.experiment.batches import batch_means, lag_1, lengthened
from sim.experiment.coverage import cover, mean_wait, waits
from sim.experiment.replications import replications_needed
from sim.experiment.selection import eta, h_squared, select_best
from sim.experiment.warmup import batched, mean_series, mser5, mser_statistic, welch
from sim.intervals import bonferroni, interval_of, pairing_of, share_at_most, t_quantile


def test_the_t_interval_agrees_with_the_tables() -> None:
    assert t_quantile(9, 0.95) == pytest.approx(2.262157, abs=1e-6)
    assert t_quantile(1, 0.95) == pytest.approx(12.706205, abs=1e-6)
    assert interval_of([3.0, 5.0], 0.9).half_width == pytest.approx(6.313752, abs=1e-5)
    assert interval_of([3.0]).half_width == math.inf
    with pytest.raises(ValueError, match="at least one value"):
        interval_of([])


def test_a_textbook_s_ten_values_give_its_interval() -> None:
    # Law, "Simulation Modeling and Analysis", example 4.27: 1.34 +- 0.24 at 90 %
    ten = interval_of([1.20, 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09], 0.9)
    assert (round(ten.mean, 2), round(ten.half_width, 2), ten.n) == (1.34, 0.24, 10)


def test_pairs_with_common_luck_have_a_narrower_interval_than_their_spread() -> None:
    luck = [4.0, 9.0, 6.0, 7.0, 2.0]
    pairing = pairing_of(luck, [value + 1 + place / 10 for place, value in enumerate(luck)])
    assert pairing.clear
    assert pairing.warning == ""
    assert pairing.correlation is not None
    assert pairing.correlation > 0.99
    assert pairing.variance_ratio is not None
    assert pairing.variance_ratio > 100
    assert pairing.difference.mean == pytest.approx(1.2)


def test_opposite_luck_is_warned_of() -> None:
    pairing = pairing_of([1.0, 2.0, 3.0], [3.0, 2.0, 1.5])
    assert "negative correlation" in pairing.warning
    assert not pairing.clear
    assert pairing.variance_ratio is not None
    assert pairing.variance_ratio < 1


def test_pairs_must_be_pairs() -> None:
    with pytest.raises(ValueError, match="equally long"):
        pairing_of([1.0, 2.0], [1.0])


def test_several_comparisons_hold_together_by_bonferroni() -> None:
    assert bonferroni(0.95, 5) == pytest.approx(0.99)
    assert bonferroni(0.95, 0) == pytest.approx(0.95)


def test_no_event_in_a_thousand_bounds_the_rate_by_about_three_thousandths() -> None:
    assert share_at_most(0, 1_000) == pytest.approx(0.0029912, abs=1e-6)
    assert share_at_most(1, 10) == pytest.approx(0.394163, abs=1e-5)  # one-sided 95 %, Clopper and Pearson
    assert share_at_most(7, 7) == share_at_most(0, 0) == 1.0
    with pytest.raises(ValueError, match="hits"):
        share_at_most(2, 1)


def test_the_number_of_replications_is_the_first_that_stays_precise() -> None:
    steady = [100.0, 101.0, 99.0, 100.0, 101.0, 99.0, 100.0, 100.0, 100.0]
    assert replications_needed(steady) == 3
    assert replications_needed(steady[:7]) is None  # five more have not been seen
    lucky = [100.0, 100.0, 100.0, 160.0, 40.0, 100.0]
    assert replications_needed(lucky + [100.0] * 28) is None  # three equal values alone prove nothing
    assert replications_needed(lucky + [100.0] * 200) == 35
    assert replications_needed([0.0] * 8) == 3  # nothing ever happens: known exactly


def test_mser_cuts_a_planted_beginning() -> None:
    settled = [10.0, 12.0, 11.0, 9.0, 8.0] * 40
    rising = [0.0] * 25 + settled
    assert mser5(rising).observations == 25
    assert not mser5(rising).too_short


def test_the_mser_statistic_agrees_with_its_definition() -> None:
    means = np.array([7.0, 3.0, 1.0, 2.0, 1.0, 2.0])
    by_definition = [
        sum((z - sum(means[d:]) / (6 - d)) ** 2 for z in means[d:]) / (6 - d) ** 2 for d in range(4)
    ]  # fmt: skip
    assert mser_statistic(means).tolist() == pytest.approx(by_definition)
    assert mser_statistic(means + 1e9).tolist() == pytest.approx(by_definition, rel=1e-5)


def test_a_run_that_never_settles_is_too_short() -> None:
    assert mser5(list(range(400))).too_short
    assert mser5([1.0] * 49).too_short


def test_the_welch_curve_narrows_its_window_near_the_front() -> None:
    assert welch(np.array([3.0, 0.0, 3.0, 0.0, 3.0, 6.0]), 1).tolist() == [3.0, 2.0, 1.0, 2.0, 3.0]
    assert mean_series([[1.0, 3.0, 9.0], [3.0, 5.0]]).tolist() == [2.0, 4.0]
    with pytest.raises(ValueError, match="Welch window"):
        welch(np.array([1.0]), 1)


def test_batches_leave_a_rest_out() -> None:
    assert batched([1.0, 2.0, 3.0, 4.0, 9.0], 2).tolist() == [1.5, 3.5]


def _autoregressive(n: int, memory: float) -> Sequence[float]:
    noise = np.random.Generator(np.random.Philox(7)).normal(size=n)
    values, level = [], 0.0
    for shock in noise:
        level = memory * level + float(shock)
        values.append(level + 50)
    return values


def test_batch_means_double_the_run_until_neighbours_know_nothing_of_each_other() -> None:
    assert not batch_means(_autoregressive(1_000, 0.9)).settled
    long, observations = lengthened(lambda n: _autoregressive(n, 0.9), 1_000, 100_000)
    assert long.settled
    assert observations > 1_000
    assert long.interval.low <= 50 <= long.interval.high
    assert long.interval.n == 20
    unsettled, last = lengthened(lambda n: _autoregressive(n, 0.999), 1_000, 3_000)
    assert (unsettled.settled, last) == (False, 2_000)


def test_neighbours_that_alternate_are_negatively_correlated() -> None:
    assert lag_1([1.0, -1.0] * 10) == pytest.approx(-0.95)
    assert lag_1([2.0, 2.0]) == 0
    with pytest.raises(ValueError, match="at least 1000"):
        batch_means([1.0] * 999)


def test_the_constants_of_the_selection_agree_with_the_published_vectors() -> None:
    assert eta(2, 10) == pytest.approx(0.33405, abs=5e-6)
    assert h_squared(2, 10) == pytest.approx(6.01290, abs=5e-6)
    assert eta(5, 20) == pytest.approx(0.23724, abs=5e-6)
    assert h_squared(5, 20) == pytest.approx(9.01506, abs=5e-6)


def _noise(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.Generator(np.random.Philox(seed)).normal(size=(5, 1_000))


def test_the_selection_is_right_more_often_than_it_promises() -> None:
    means = [0.0, 0.0, 1.0, 0.5, -3.0]
    right = 0
    for seed in range(40):
        noise = _noise(seed)
        chosen = select_best(lambda i, r, noise=noise: means[i] + float(noise[i, r]), 5, 0.5)  # type: ignore[misc]
        right += chosen.best == 2
        assert chosen.decided
        assert chosen.replications[4] <= min(chosen.replications[2], 12)  # the hopeless one leaves early
    assert right >= 38  # at least 95 % is promised at this very difference


def test_the_smallest_can_be_selected_and_a_limit_ends_without_a_decision() -> None:
    noise = _noise(1)
    smallest = select_best(lambda i, r: i + float(noise[i, r]), 5, 0.5, smallest=True)
    assert smallest.best == 0
    tied = select_best(lambda i, r: float(noise[i, r]), 2, 0.01, limit=20)
    assert not tied.decided
    assert tied.replications == (20, 20)
    with pytest.raises(ValueError, match="selection"):
        select_best(lambda i, r: 0.0, 1, 0.5)


def test_the_nominal_95_percent_interval_covers_the_truth_in_92_to_98_of_100_experiments() -> None:
    covered = cover(400, seed=1)
    assert mean_wait(0.5) == 0.5
    assert 0.92 <= covered.share <= 0.98
    assert abs(covered.bias) < 0.01
    assert covered.standard_error == pytest.approx(0.011, abs=0.003)


def test_the_reflected_walk_is_lindley_s_recursion() -> None:
    some, again = waits(0.8, 3, 500), waits(0.8, 3, 1_000)
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence([3])))
    wait, recursion = 0.0, []
    for gap in stream.exponential(1 / 0.8, 500):
        recursion.append(wait)
        wait = max(0.0, wait + 1.0 - float(gap))
    assert some.tolist() == pytest.approx(recursion, abs=1e-9)
    assert again[:500].tolist() == some.tolist()
    assert max(recursion) > 1.0
