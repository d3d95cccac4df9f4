"""Fitted goods: the laws, the copula and the lane's limits; sound parcels are sound; streams of their own."""

import math
from dataclasses import replace
from itertools import islice

import numpy
import pytest

from sim.scenario import load_scenario
from sim.streams.durations import Duration, DurationLaw
from sim.streams.fitted import FittedGoods, sizes
from sim.streams.make import StreamSpec, make_stream
from sim.streams.philox import Law, philox, variates
from sim.streams.truth import ParcelTruth, Planted
from tests.sim.streams.test_files import DAY

UNCUT = FittedGoods(side_mm_min=1, side_mm_max=100_000, weight_g_max=10**9)


def _pairs(fit: FittedGoods, parcels: int, seed: int = 4) -> "numpy.typing.NDArray[numpy.float64]":
    return numpy.array(list(islice(sizes(fit, seed, 0), parcels)))


def test_weights_and_sides_have_the_fitted_parameters_and_their_copula() -> None:
    logs = numpy.log(_pairs(UNCUT, 20_000))
    root = math.sqrt(20_000)
    assert logs[:, 0].mean() == pytest.approx(6.726, abs=4 * 1.349 / root)
    assert logs[:, 0].std() == pytest.approx(1.349, abs=4 * 1.349 / root)
    assert logs[:, 1].mean() - math.log(10) == pytest.approx(3.381, abs=4 * 0.474 / root)
    assert logs[:, 1].std() == pytest.approx(0.474, abs=4 * 0.474 / root)
    assert numpy.corrcoef(logs.T)[0, 1] == pytest.approx(0.768, abs=4 * (1 - 0.768**2) / root)


def test_the_lane_cuts_what_it_does_not_take_and_moves_no_other_parcel() -> None:
    free, cut = _pairs(UNCUT, 5_000), _pairs(FittedGoods(), 5_000)
    assert cut[:, 0].max() <= 30_000
    assert cut[:, 1].min() >= 120
    assert cut[:, 1].max() <= 600
    inside = (free[:, 0] <= 30_000) & (free[:, 1] >= 120) & (free[:, 1] <= 600)
    assert (cut[inside] == free[inside]).all()
    assert 0.85 < inside.mean() < 0.97


def _fitted(**keys: object) -> list[ParcelTruth]:
    return make_stream(StreamSpec(seed=6, parcels=600, goods=FittedGoods(), **keys))  # type: ignore[arg-type]


def test_a_fitted_parcel_holds_what_its_list_and_its_word_say() -> None:
    for parcel in _fitted():
        true = dict(parcel.contents)
        if parcel.declared is None:
            assert parcel.planted is Planted.NO_DECLARATION
            continue
        said = {line.sku: line.pieces for line in parcel.declared.lines}
        off = sum(true.values()) - sum(said.values())
        assert off == {Planted.SHORT: -1, Planted.OVER: 1}.get(parcel.planted, 0)
        assert (set(true) - set(said) != set()) == (parcel.planted is Planted.SWAPPED)
        assert parcel.declared.net_mg == sum(line.unit_mg * line.pieces for line in parcel.declared.lines)
        if parcel.planted in (Planted.SOUND, Planted.BAD_STATUS, Planted.NO_READ):
            assert abs(parcel.weight_mg - parcel.declared.gross_mg) <= max(15_000, parcel.weight_mg * 0.025)
        assert 20 <= parcel.carton_mm[2] <= parcel.carton_mm[0] <= 600


def test_a_change_of_one_share_moves_no_size_weight_or_time() -> None:
    """Common random numbers: other planted shares, another arrival model, another mean of pieces."""
    usual = _fitted()
    other = _fitted(short_permille=0, over_permille=200, pieces_mean_permille=3_000)
    assert [p.arrival_us for p in usual] == [p.arrival_us for p in other]
    assert [p.carton_mm for p in usual] == [p.carton_mm for p in other]
    sound = [n for n in range(600) if usual[n].planted is other[n].planted is Planted.SOUND]
    assert len(sound) > 250
    assert all(abs(usual[n].weight_mg - other[n].weight_mg) <= 20 for n in sound), "rounding of pieces at most"


def test_a_replication_is_another_stream_and_seed_zero_stays_what_it_was() -> None:
    spec = StreamSpec(seed=6, parcels=50)
    assert make_stream(replace(spec, replication=0)) == make_stream(spec)
    first, second = make_stream(replace(spec, replication=1)), make_stream(replace(spec, replication=2))
    assert first != second
    assert {p.label for p in first}.isdisjoint({p.label for p in second})


def test_philox_streams_are_keyed_by_seed_replication_and_name_only() -> None:
    first = list(islice(variates(1, 0, "size", Law.UNIFORM), 3_000))
    assert first == philox(1, 0, "size").random(3_072).tolist()[:3_000]
    others = [next(variates(*key, Law.UNIFORM)) for key in ((1, 0, "weight"), (1, 1, "size"), (2, 0, "size"))]
    assert len({first[0], *others}) == 4


@pytest.mark.parametrize(
    ("duration", "mean", "deviation"),
    [
        (Duration(constant_us=10_000, mean_us=20_000), 30_000, 20_000),
        (Duration(law=DurationLaw.LOGNORMAL, mean_us=20_000, cv_milli=600), 20_000, 12_000),
        (Duration(law=DurationLaw.GAMMA, constant_us=5_000, mean_us=20_000, cv_milli=400), 25_000, 8_000),
        (Duration(law=DurationLaw.TABLE, table_us=(10_000, 20_000, 60_000)), 30_000, 21_602.5),
        (Duration(constant_us=7_000), 7_000, 0),
    ],
)
def test_a_duration_has_the_mean_and_spread_of_its_law(duration: Duration, mean: float, deviation: float) -> None:
    drawn = numpy.array([duration.us((n + 0.5) / 5_000) for n in range(5_000)])
    assert drawn.mean() == pytest.approx(mean, rel=0.005)
    assert duration.whole_mean_us == pytest.approx(mean)
    assert drawn.std() == pytest.approx(deviation, rel=0.02, abs=1)
    assert duration.us(0.0) >= 0


def test_fitted_goods_whose_units_leave_no_doubt_are_asked_for_by_a_key() -> None:
    plan = load_scenario(DAY, {"stream.goods.source": "fitted", "stream.goods.counted_only": True})
    units = {line.unit for p in plan.parcels(400, 1) if p.declared for line in p.declared.lines}
    everything = load_scenario(DAY, {"stream.goods.source": "fitted"})
    assert units < {line.unit for p in everything.parcels(400, 1) if p.declared for line in p.declared.lines}
    assert "025" not in units, "a pair may show as one or two"
