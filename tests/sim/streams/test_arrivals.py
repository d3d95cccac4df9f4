"""Arrival models: mean rates and dispersion as theory says, the induct rule, streams that do not shift each other."""

from itertools import pairwise
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.settings.reader import SettingsError
from sim.plant.plant import FEEDER_SLACK_UM
from sim.scenario import load_scenario
from sim.streamlab.bursts import long_run_index
from sim.streamlab.dispersion import Times, index_of_dispersion
from sim.streams.arrivals import (
    Arrivals,
    BatchLaw,
    Mmpp,
    Model,
    Poisson,
    Regular,
    Renewal,
    Saturated,
    Waves,
    inducted,
    next_time,
    passing_us,
)
from sim.streams.arrivals_file import load_profile
from sim.streams.durations import Duration, DurationLaw
from sim.streams.rates import HOUR_US
from tests.sim.helpers import LAYOUT, SPEED_UM_S, parcel, running_plant, times_of

ROOT = Path(__file__).resolve().parents[3]
DAY = ROOT / "config" / "scenarios" / "day.toml"
HOUR_S = 3_600


def _rate(times: Times) -> float:
    return (len(times) - 1) * HOUR_US / float(times[-1] - times[0])


MODELS: list[tuple[Model, float]] = [
    (Regular(rate_milli=1_200_000, regular_permille=667), 1_200),
    (Poisson(rates_milli=(1_200_000,)), 1_200),
    (Waves(batches_milli=60_000, size_milli=20_000), 1_200),
    (Waves(batches_milli=60_000, size_law=BatchLaw.CONSTANT, size_milli=7_500), 450),
    (Waves(batches_milli=60_000, size_law=BatchLaw.TABLE, size_table=(1, 9)), 300),
    (Mmpp(rates_milli=(400_000, 2_000_000), leaving_milli=(60_000, 60_000)), 1_200),
    (Renewal(headway=Duration(law=DurationLaw.GAMMA, mean_us=3_000_000, cv_milli=500)), 1_200),
    (Renewal(headway=Duration(mean_us=50_000_000), sizes=(1, 9), inner=Duration(constant_us=1_000_000)), 5 * 3600 / 54),
]


@pytest.mark.parametrize(("model", "rate"), MODELS, ids=lambda value: type(value).__name__)
def test_the_mean_rate_is_the_ordered_one(model: Model, rate: float) -> None:
    """Within four standard errors: the spread of a count is the root of (dispersion x count)."""
    parcels = 20_000
    found = _rate(times_of(model, parcels))
    dispersion = {Waves: 40.0, Mmpp: 12.0}.get(type(model), 6.0 if rate < 1_000 else 1.0)
    assert abs(found / rate - 1) < 4 * (dispersion / parcels) ** 0.5


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        (Poisson(rates_milli=(3_600_000,)), 1.0),
        (Regular(rate_milli=3_600_000, regular_permille=500), 0.25),
        (Waves(batches_milli=360_000, size_law=BatchLaw.GEOMETRIC, size_milli=10_000, inner_us=1_000), 19.0),
        (Waves(batches_milli=360_000, size_law=BatchLaw.CONSTANT, size_milli=10_000, inner_us=1_000), 10.0),
        (Waves(batches_milli=360_000, size_law=BatchLaw.TABLE, size_table=(2, 2, 20), inner_us=1_000), 136 / 8),
        (Mmpp(rates_milli=(1_000_000, 6_000_000), leaving_milli=(600_000, 900_000)), 11 / 3),
    ],
    ids=["poisson", "regular", "geometric", "constant", "table", "mmpp"],
)
def test_dispersion_over_long_windows_is_the_limit_of_theory(model: Model, limit: float) -> None:
    """Windows of 200 s or more: 95 % of sample dispersions lie within 2.8 of root(2/windows) of the truth."""
    if isinstance(model, Waves):
        mean, square = model.moments()
        assert limit == pytest.approx(square / mean)
    if isinstance(model, Mmpp):
        assert limit == pytest.approx(long_run_index(model))
    times = times_of(model, 120_000)
    value, windows = index_of_dispersion(times, 200_000_000)
    assert windows > 100
    assert abs(value / limit - 1) < 2.8 * (2 / windows) ** 0.5


def test_batches_of_two_and_three_in_turn_by_chance_have_the_moments_of_both() -> None:
    assert Waves(size_law=BatchLaw.CONSTANT, size_milli=2_500).moments() == (2.5, (2**2 + 3**2) / 2)


def test_counts_in_short_windows_are_less_bunched_than_over_long_ones() -> None:
    times = times_of(Mmpp(rates_milli=(300_000, 3_000_000), leaving_milli=(20_000, 20_000)), 40_000)
    short, long = (index_of_dispersion(times, seconds * 1_000_000)[0] for seconds in (10, 600))
    assert 1.5 < short < long / 4


def test_poisson_rates_follow_the_hours_of_the_day() -> None:
    rates = tuple(1_000_000 if hour in (9, 10) else 100_000 if hour == 11 else 0 for hour in range(24))
    times = times_of(Poisson(rates_milli=rates), 6_300, start_us=9 * HOUR_US)
    counts = numpy.bincount(times // HOUR_US)
    assert counts.sum() == 6_300
    by_hour = [int(counts[hour::24].sum()) for hour in range(24)]
    assert by_hour[3:] == [0] * 21
    assert 2_800 < by_hour[0] < 3_200
    assert 2_800 < by_hour[1] < 3_200
    assert 230 < by_hour[2] < 370


def test_a_peak_multiplies_every_model_but_the_saturated_one() -> None:
    for model in (
        Regular(rate_milli=600_000), Poisson(rates_milli=(600_000,)), Waves(batches_milli=60_000, size_milli=10_000),
        Mmpp(rates_milli=(300_000, 900_000), leaving_milli=(60_000, 60_000)),
        Renewal(headway=Duration(mean_us=6_000_000)), Waves(schedule_min=tuple(range(0, 1440, 10)), size_milli=100_000),
    ):  # fmt: skip
        plain, peak = times_of(model, 8_000), times_of(model, 8_000, peak_milli=(3_100,))
        assert _rate(peak) / _rate(plain) == pytest.approx(3.1, rel=0.08)
    with pytest.raises(ValueError, match="saturated"):
        Arrivals(model=Saturated(), peak_milli=(3_100,))


def test_a_scheduled_truck_comes_every_day_at_its_minute() -> None:
    model = Waves(schedule_min=(600, 480), size_law=BatchLaw.CONSTANT, size_milli=2_000, inner_us=1_000_000)
    times = times_of(model, 8, start_us=8 * HOUR_US)
    starts = [0, 2 * HOUR_US, 24 * HOUR_US, 26 * HOUR_US]
    assert [int(at) for at in times[::2]] == starts
    assert all(1_000_000 <= b - a < 20_000_000 for a, b in zip(times[::2], times[1::2], strict=True))


@pytest.mark.parametrize("model", [model for model, _ in MODELS], ids=lambda model: type(model).__name__)
def test_times_are_whole_never_go_back_and_are_the_same_again(model: Model) -> None:
    times = times_of(model, 2_000)
    assert all(a <= b for a, b in pairwise(times.tolist()))
    assert (times == times_of(model, 2_000)).all()
    assert (times != times_of(model, 2_000, replication=1)).any()
    assert (times != times_of(model, 2_000, seed=2)).any()


def test_another_rate_or_share_keeps_each_parcels_luck() -> None:
    """Common random numbers: at twice the rate every Poisson parcel comes in exactly half the time."""
    slow, fast = (times_of(Poisson(rates_milli=(rate,)), 1_000) for rate in (500_000, 1_000_000))
    assert (abs(slow - 2 * fast) <= 2).all()
    steady, loose = (times_of(Regular(rate_milli=1_000_000, regular_permille=p), 1_000) for p in (900, 100))
    long_ones = numpy.diff(steady) > numpy.diff(steady).mean()
    assert (long_ones == (numpy.diff(loose) > numpy.diff(loose).mean())).mean() > 0.95


@settings(max_examples=30, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5_000_000), st.integers(120_000, 800_000)), min_size=1, max_size=30),
    st.integers(0, 1_000_000),
    st.integers(50_000, 1_000_000),
)
def test_inducted_parcels_keep_the_gap_and_come_no_later_than_they_must(
    parcels: list[tuple[int, int]], gap_um: int, speed_um_s: int
) -> None:
    at_us = list(numpy.cumsum([headway for headway, _ in parcels]))
    lengths = [length for _, length in parcels]
    found = list(inducted(at_us, lengths, gap_um, speed_um_s))
    assert found[0] == at_us[0]
    for n in range(1, len(found)):
        free_us = found[n - 1] + passing_us(lengths[n - 1] + gap_um, speed_um_s)
        assert found[n] == max(at_us[n], free_us)


@pytest.mark.parametrize("model", [model for model, _ in MODELS] + [Saturated()], ids=lambda m: type(m).__name__)
def test_the_plant_applies_the_induct_rule_to_every_model(model: Model) -> None:
    """Path-wise: the times at which the plant takes parcels are those of the closed rule, within a microsecond each."""
    clock = next_time(Arrivals(model=model), 3, 0)
    lengths = [120_000 + 37_000 * (n % 18) for n in range(60)]
    at = [clock(lengths[n - 1] if n else 0) for n in range(60)]
    plant = running_plant([parcel(n + 1, arrival_us=at[n], length_mm=lengths[n] // 1_000) for n in range(60)])
    ramp_us = 3_000_000  # the belt has started by then
    plant.advance(at[-1] + 600_000_000)
    fed = [one.at_us for one in plant.fed]
    expected = list(inducted(at, lengths, LAYOUT.gap_um_min + FEEDER_SLACK_UM, SPEED_UM_S))
    later = [n for n in range(1, 60) if fed[n - 1] > ramp_us and expected[n - 1] <= fed[n - 1]]
    for n in later:
        free_us = fed[n - 1] + passing_us(lengths[n - 1] + LAYOUT.gap_um_min + FEEDER_SLACK_UM, SPEED_UM_S)
        assert abs(fed[n] - max(at[n], free_us)) <= 1


def test_a_saturated_induct_offers_parcels_as_fast_as_the_rule_lets_them_in() -> None:
    clock = next_time(Arrivals(model=Saturated(gap_um=300_000, speed_um_s=500_000)), 1, 0)
    assert [clock(0), clock(200_000), clock(450_000)] == [0, 1_000_000, 2_500_000]


def _loaded(**keys: object) -> Arrivals:
    found = load_scenario(DAY, {f"stream.arrivals.{name}": value for name, value in keys.items()}).stream.arrivals
    assert found is not None
    return found


def test_a_scenario_names_each_model_with_its_parameters() -> None:
    assert load_scenario(DAY).stream.arrivals is None
    assert _loaded(model="poisson", rate_per_hour=1200.5).model == Poisson(rates_milli=(1_200_500,))
    found = _loaded(model="mmpp", rates_per_hour=[100, 2000], leaving_per_hour=[6, 12], peak={})
    assert found.model == Mmpp(rates_milli=(100_000, 2_000_000), leaving_milli=(6_000, 12_000))
    assert found.peak_milli == (3_100,)
    waves = _loaded(model="waves", batches_per_hour=30, sizes=[3, 5], inner_ms=900).model
    assert isinstance(waves, Waves)
    assert (waves.size_law, waves.size_milli, waves.inner_us) == (BatchLaw.TABLE, 4_000, 900_000)
    renewal = _loaded(model="renewal", headway={"law": "gamma", "mean_s": 3, "cv": 0.5}).model
    assert renewal == Renewal(headway=Duration(law=DurationLaw.GAMMA, mean_us=3_000_000, cv_milli=500))
    assert _loaded(model="saturated", gap_mm=250).model == Saturated(gap_um=250_000)
    day = _loaded(model="poisson", profile="../streams/days.toml", day="peak", rate_per_hour=600, start_hour=8)
    assert isinstance(day.model, Poisson)
    assert sum(day.model.rates_milli) / 24_000 == pytest.approx(600 * 3.1, rel=1e-3)
    assert day.start_us == 8 * HOUR_US


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"model": "wave"}, "did you mean 'waves'"),
        ({"model": "poisson"}, "rate_per_hour: missing"),
        ({"model": "poisson", "rates_per_hour": [1, 2]}, "expected 24 numbers"),
        ({"model": "poisson", "rate_per_hour": 0}, "expected more than 0"),
        ({"model": "mmpp", "rates_per_hour": [1], "leaving_per_hour": [1, 2]}, "expected 2 numbers"),
        ({"model": "mmpp", "rates_per_hour": [1, 2], "leaving_per_hour": [0, 2]}, "2 numbers above 0"),
        ({"model": "saturated", "peak": {"multiplier": 2}}, "expected no peak"),
        (
            {"model": "poisson", "rates_per_hour": [1] + [0] * 23, "peak": {"multipliers": [0] + [1] * 23}},
            "expected an hour at which parcels come",
        ),
        ({"model": "trace", "file": "nowhere.csv"}, "lane sim streams make"),
        ({"model": "poisson", "rate_per_hour": 5, "speed": 2}, "unknown key"),
        ({"model": "poisson", "rate_per_hour": 5, "profile": "../streams/days.toml", "day": "monday"}, "weekday"),
        ({"model": "waves", "batches_per_hour": 5, "size": "table"}, "expected sizes"),
        ({"model": "renewal", "headway": {"mean_s": 0}}, "expected a mean above 0"),
    ],
)
def test_a_wrong_arrival_table_is_refused_by_its_key(keys: dict[str, object], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        _loaded(**keys)


def test_every_shipped_day_profile_states_its_source_and_keeps_its_mean() -> None:
    for day, multiplier in (("weekday", 1.0), ("weekend", 0.6), ("peak", 3.1), ("after-peak", 2.0)):
        hours = load_profile(ROOT / "config" / "streams" / "days.toml", day)
        assert sum(hours) / 24_000 == pytest.approx(multiplier, abs=0.002)
