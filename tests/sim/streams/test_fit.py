"""Fitting streams: each model is recognised in a stream of its own, goods' intervals hold the truth, fragments load."""

import json
from dataclasses import fields
from functools import partial
from itertools import islice
from pathlib import Path

import numpy
import pytest
from click.testing import CliRunner

from lane.settings.reader import TomlFile
from sim.scenario import load_scenario
from sim.streamlab.arrivals_fit import ArrivalFit, ModelFit, TooShort, daily, fit_arrivals
from sim.streamlab.cli import fragment, streams
from sim.streamlab.dispersion import dispersions, hourly_rates, plain_waits
from sim.streamlab.fragment import arrivals_toml, goods_toml
from sim.streamlab.goods_fit import Figure, GoodsFit, fit_goods
from sim.streamlab.laws import fit_law
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
)
from sim.streams.arrivals_file import load_profile, parse_arrivals
from sim.streams.durations import Duration, DurationLaw, draw
from sim.streams.fitted import FittedGoods, sizes
from sim.streams.rates import HOUR_US
from tests.sim.helpers import times_of

ROOT = Path(__file__).resolve().parents[3]
DAY = ROOT / "config" / "scenarios" / "day.toml"


_times = partial(times_of, seed=11)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (Poisson(rates_milli=(1_200_000,)), ("poisson",)),
        (Regular(rate_milli=1_200_000, regular_permille=600), ("regular",)),
        (Renewal(headway=Duration(law=DurationLaw.GAMMA, mean_us=3_000_000, cv_milli=700)), ("renewal",)),
        (Mmpp(rates_milli=(300_000, 2_400_000), leaving_milli=(60_000, 90_000)), ("mmpp", "waves")),
        (Waves(batches_milli=40_000, size_law=BatchLaw.CONSTANT, size_milli=15_000, inner_us=500_000,
               inner_mean_us=300_000), ("renewal", "waves")),
    ],
    ids=["poisson", "regular", "gamma", "mmpp", "trains"],
)  # fmt: skip
def test_a_stream_of_a_model_is_recognised_and_its_waits_are_met(model: Model, names: tuple[str, ...]) -> None:
    """Bursts and batches of 6,000 parcels can look alike: either may be taken, when it causes the same waits."""
    times = _times(model, 6_000)
    fit = fit_arrivals(times)
    assert fit.recommended in names, [(one.name, one.score) for one in fit.models]
    assert fit.chosen().score < 0.25
    assert fit.rate_per_hour == pytest.approx(5_999 * HOUR_US / (times[-1] - times[0]))


def test_fitted_bursts_have_the_rates_of_their_source() -> None:
    fit = fit_arrivals(_times(Mmpp(rates_milli=(300_000, 2_400_000), leaving_milli=(60_000, 90_000)), 12_000))
    found = next(one.arrivals.model for one in fit.models if one.name == "mmpp")
    assert isinstance(found, Mmpp)
    assert found.rates_milli[0] == pytest.approx(300_000, rel=0.25)
    assert found.rates_milli[1] == pytest.approx(2_400_000, rel=0.1)
    assert found.leaving_milli[0] / found.leaving_milli[1] == pytest.approx(60 / 90, rel=0.2)


def test_the_hour_of_the_day_is_a_reason_only_when_hours_truly_differ() -> None:
    weights = load_profile(ROOT / "config" / "streams" / "days.toml", "weekday")
    rates = tuple(weight * 600 for weight in weights)
    found = daily(_times(Poisson(rates_milli=rates), 30_000), 0)
    assert len(found) == 24
    busy = [hour for hour in range(24) if weights[hour]]
    assert all(found[hour] == pytest.approx(weights[hour], rel=0.15) for hour in busy)
    assert daily(_times(Poisson(rates_milli=(600_000,)), 30_000), 0) == ()
    assert daily(_times(Mmpp(rates_milli=(100_000, 3_000_000), leaving_milli=(30_000, 30_000)), 30_000), 0) == ()


def test_a_fitted_day_gives_the_rates_of_its_hours() -> None:
    weights = load_profile(ROOT / "config" / "streams" / "days.toml", "weekday")
    times = _times(Poisson(rates_milli=tuple(weight * 900 for weight in weights)), 24_000, start_us=8 * HOUR_US)
    fit = fit_arrivals(times, 8 * HOUR_US)
    again = _times(fit.chosen().arrivals.model, 24_000, start_us=8 * HOUR_US, peak_milli=fit.multipliers)
    for own, made in zip(hourly_rates(times, 8 * HOUR_US), hourly_rates(again, 8 * HOUR_US), strict=True):
        if own > 100:
            assert made == pytest.approx(own, rel=0.15)


def test_too_short_a_stream_is_told_so() -> None:
    with pytest.raises(TooShort, match="at least 50 parcels"):
        fit_arrivals(_times(Poisson(rates_milli=(1_000_000,)), 49))
    with pytest.raises(TooShort, match="at different times, all 60 came at once"):
        fit_arrivals(numpy.full(60, 5))


@pytest.mark.filterwarnings("error")
def test_a_stream_without_any_spread_is_fitted_without_a_warning() -> None:
    assert fit_arrivals(numpy.arange(100) * 1_000_000).recommended in ("regular", "renewal", "trace")


def test_dispersion_is_told_with_an_interval_at_each_window_that_the_stream_fills() -> None:
    found = dispersions(_times(Poisson(rates_milli=(1_200_000,)), 4_000))
    assert [one.window for one in found] == ["10s", "1min", "10min"]
    assert all(one.low < one.value < one.high for one in found)
    assert found[0].low < 1 < found[0].high


def test_waits_before_a_plain_server_are_those_of_the_closed_form() -> None:
    """M/D/1: rho / (2 (1 - rho)) services; no wait at all for a clockwork."""
    times = _times(Poisson(rates_milli=(3_600_000,)), 200_000)
    for load, wait in zip((0.5, 0.7), plain_waits(times, (0.5, 0.7)), strict=True):
        assert wait == pytest.approx(load / (2 * (1 - load)), rel=0.03)
    assert plain_waits(numpy.arange(100, dtype=numpy.int64) * 1_000, (0.9,)) == [pytest.approx(0, abs=1e-9)]


def test_intervals_of_fitted_goods_hold_the_truth_behind_the_lanes_cut() -> None:
    """Forty intervals at 95 %: two truths outside are expected, more than six are one in a hundred; none is far."""
    true, outside = FittedGoods(), 0
    for seed in range(8):
        pairs = numpy.array(list(islice(sizes(true, seed, 0), 500)))
        fit = fit_goods(pairs[:, 0], pairs[:, 1], true)
        assert fit is not None
        for name in ("weight_mu", "weight_sigma", "side_mu", "side_sigma", "rho"):
            figure: Figure = getattr(fit, name)
            value = getattr(true, f"{name}_milli") / 1_000
            half = (figure.high - figure.low) / 2
            assert 0 < half < 0.4
            assert abs(figure.value - value) < 2.5 * half
            outside += not figure.low <= value <= figure.high
    assert outside <= 6


def test_goods_that_are_all_alike_or_few_have_no_fit() -> None:
    few, alike = numpy.arange(1.0, 20.0), numpy.full(100, 200.0)
    assert fit_goods(few * 100, few * 10 + 110, FittedGoods()) is None
    assert fit_goods(alike, alike, FittedGoods()) is None


@pytest.mark.parametrize(
    "law",
    [
        Duration(constant_us=2_000_000, mean_us=3_000_000),
        Duration(law=DurationLaw.LOGNORMAL, mean_us=30_000_000, cv_milli=700),
        Duration(law=DurationLaw.GAMMA, mean_us=30_000_000, cv_milli=400),
    ],
    ids=lambda law: law.law.value,
)
def test_a_law_is_recognised_from_samples(law: Duration) -> None:
    samples = draw(law, numpy.random.Generator(numpy.random.Philox(5)).random(5_000)).astype(numpy.int64)
    fit = fit_law(samples)
    assert fit is not None
    assert fit.duration.law is law.law
    assert fit.duration.whole_mean_us == pytest.approx(law.whole_mean_us, rel=0.04)
    assert fit.duration.constant_us == pytest.approx(law.constant_us, rel=0.01)
    if law.law is not DurationLaw.EXPONENTIAL:
        assert fit.duration.cv_milli == pytest.approx(law.cv_milli, rel=0.05)


def test_samples_of_no_known_law_become_a_table_with_their_mean_and_variance() -> None:
    dice = numpy.random.Generator(numpy.random.Philox(6))
    two = numpy.concatenate((dice.normal(10e6, 1e6, 3_000), dice.normal(60e6, 5e6, 1_000))).astype(numpy.int64)
    fit = fit_law(two)
    assert fit is not None
    assert fit.duration.law is DurationLaw.TABLE
    table = numpy.array(fit.duration.table_us)
    assert len(table) == 500
    assert table.mean() == pytest.approx(two.mean(), rel=1e-4)
    assert table.std() == pytest.approx(two.std(), rel=1e-3)
    constant = fit_law(numpy.full(50, 700_000))
    assert constant is not None
    assert (constant.name, constant.duration.us(0.9)) == ("constant", 700_000)
    assert fit_law(numpy.arange(19)) is None


@pytest.mark.parametrize(
    "arrivals",
    [
        Arrivals(model=Regular(rate_milli=1_200_500, regular_permille=10), start_us=HOUR_US * 8),
        Arrivals(model=Poisson(rates_milli=(7,)), peak_milli=(3_100,)),
        Arrivals(model=Poisson(rates_milli=tuple(range(24))), peak_milli=tuple(range(100, 124))),
        Arrivals(model=Mmpp(rates_milli=(0, 2_000_001), leaving_milli=(1, 90_000))),
        Arrivals(model=Waves(batches_milli=30_000, size_law=BatchLaw.CONSTANT, size_milli=2_500, inner_us=0)),
        Arrivals(model=Waves(schedule_min=(5, 700), size_law=BatchLaw.TABLE, size_milli=2_000, size_table=(1, 3))),
        Arrivals(model=Renewal(headway=Duration(law=DurationLaw.LOGNORMAL, mean_us=3_000_001, cv_milli=700))),
        Arrivals(model=Renewal(headway=Duration(mean_us=1), sizes=(3, 4), inner=Duration(constant_us=1_000))),
        Arrivals(model=Renewal(headway=Duration(law=DurationLaw.TABLE, table_us=(1, 2_500_000)))),
        Arrivals(model=Saturated(gap_um=250_000, speed_um_s=400_000)),
    ],
    ids=lambda arrivals: type(arrivals.model).__name__,
)
def test_every_model_is_written_as_a_scenario_reads_it(arrivals: Arrivals, tmp_path: Path) -> None:
    path = tmp_path / "fragment.toml"
    path.write_text(arrivals_toml(arrivals, table="arrivals"), encoding="utf-8")
    file = TomlFile.load(path)
    assert parse_arrivals(file.root().table("arrivals"), tmp_path) == arrivals
    file.finish()


def test_the_fragment_of_a_fit_runs_as_a_scenario(tmp_path: Path) -> None:
    runner = CliRunner()
    made = runner.invoke(
        streams, ["make", str(DAY), "--parcels", "300", "--seed", "4", "--out", str(tmp_path / "s.jsonl")]
    )
    assert made.exit_code == 0, made.output
    done = runner.invoke(
        streams,
        ["fit", str(tmp_path / "s.jsonl"), "--out", str(tmp_path / "f.toml"), "--json", str(tmp_path / "f.json")],
    )
    assert done.exit_code == 0, done.output
    figures = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert figures["fit"]["recommended"] == "regular"
    assert figures["parcels"] == 300
    text = DAY.read_text(encoding="utf-8").replace("../lanes", str(DAY.parents[1] / "lanes"))
    (tmp_path / "own.toml").write_text(text + "\n" + figures["toml"], encoding="utf-8")
    plan = load_scenario(tmp_path / "own.toml")
    assert plan.stream.goods is not None
    assert isinstance(plan.stream.arrivals, Arrivals)
    assert len(plan.parcels(20, 1)) == 20
    assert (tmp_path / "f.toml").read_text(encoding="utf-8") == figures["toml"]


def test_a_record_that_no_model_meets_is_its_own_model(tmp_path: Path) -> None:
    poor = ModelFit(
        name="mmpp",
        arrivals=Arrivals(model=Poisson(rates_milli=(1,))),
        score=0.6,
        noise=0.1,
        sigmas=9.0,
        waits=(),
        index=(),
    )
    fit = ArrivalFit(
        parcels=80, rate_per_hour=900.0, waits=(), index=(), models=(poor,), recommended="trace", multipliers=()
    )
    text = fragment(tmp_path / "own.csv", fit, None, 0)
    assert 'model = "trace"' in text
    assert str(tmp_path / "own.csv") in text


def test_a_picture_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    runner = CliRunner()
    stream = tmp_path / "s.csv"
    runner.invoke(streams, ["make", str(DAY), "--parcels", "80", "--out", str(stream)])
    for name, start in (("p.html", b"<!doctype html"), ("p.svg", b"<?xml")):
        done = runner.invoke(streams, ["show", str(stream), "--out", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        assert (tmp_path / name).read_bytes().startswith(start)
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "SYNTHETIC" in page
    assert "src='data:image/png;base64," in page
    assert "http" not in page
    wrong = runner.invoke(streams, ["show", str(stream), "--out", str(tmp_path / "p.gif")])
    assert wrong.exit_code != 0
    assert "expected a name that ends in .html, .png, .svg" in wrong.output


@pytest.mark.parametrize("rows", [1, 20])
def test_a_stream_too_short_for_a_dispersion_has_a_picture_all_the_same(rows: int, tmp_path: Path) -> None:
    lines = [f"{number * 1_000_000},A{number},100,100,100,1\n" for number in range(rows)]
    (tmp_path / "s.csv").write_text("t_us,barcode,l_mm,w_mm,h_mm,g\n" + "".join(lines), encoding="utf-8")
    done = CliRunner().invoke(streams, ["show", str(tmp_path / "s.csv"), "--out", str(tmp_path / "p.svg")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "p.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["fit", "{bad}"], "unknown column buyer_name"),
        (["show", "{empty}"], "expected at least one parcel"),
        (["show", "{empty}", "--out", "nowhere/p.html"], "expected an existing folder"),
        (["fit", "{bad}", "--side-mm-min", "900"], "side_mm_min < side_mm_max"),
        (["fit", "{bad}", "--weight-g-max", "2000000"], "range 1<=x<=1000000"),
        (["make", "{day}", "--parcels", "5", "--out", "{folder}/s.xls"], "expected a name that ends in .csv"),
    ],
)
def test_a_command_that_can_not_work_ends_with_one_clear_line(arguments: list[str], text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("t_us,barcode,buyer_name,l_mm,w_mm,h_mm,g\n", encoding="utf-8")
    (tmp_path / "empty.csv").write_text("t_us,barcode,l_mm,w_mm,h_mm,g\n", encoding="utf-8")
    places = {"bad": tmp_path / "bad.csv", "empty": tmp_path / "empty.csv", "day": DAY, "folder": tmp_path}
    done = CliRunner().invoke(streams, [one.format(**places) for one in arguments])
    assert done.exit_code in (1, 2)
    assert text in done.output
    assert "Traceback" not in done.output


def test_the_schema_is_printed_and_goods_are_written_with_all_their_keys() -> None:
    printed = CliRunner().invoke(streams, ["schema"])
    assert json.loads(printed.output)["$id"] == "xray-lane-stream/1"
    text = goods_toml(FittedGoods(counted_only=True))
    assert all(field.name.removesuffix("_milli") in text for field in fields(FittedGoods))
    assert GoodsFit.__dataclass_fields__.keys() >= {"weight_mu", "rho"}
