"""``lane sim streams``: make parcel streams as files, fit models to them, look at them."""

import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy
from rich.console import Console
from rich.table import Table as Grid

from lane.settings.reader import SettingsError
from sim.arguments import PARCELS, SEED, RealRange
from sim.outputs import expect_ending, expect_folders, write_figures, write_text
from sim.scenario import load_scenario
from sim.streamlab.arrivals_fit import ArrivalFit, TooShort, fit_arrivals
from sim.streamlab.dispersion import LOADS, WINDOW_NAMES, dispersions, hourly_rates
from sim.streamlab.fragment import arrivals_toml, goods_toml, toml_text
from sim.streamlab.goods_fit import GoodsFit, fit_goods
from sim.streamlab.profile import StreamProfile, profile_of
from sim.streams.arrivals import Arrivals, Trace
from sim.streams.files import CSV_SUFFIX, JSON_SUFFIXES, read_parcels, write_parcels
from sim.streams.fitted import FittedGoods
from sim.streams.goods_file import SIDE_MM, WEIGHT_G
from sim.streams.make import make_stream
from sim.streams.rates import HOUR_US
from sim.streams.rows import stream_schema
from sim.terminal import spinning

IN_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT_FILE = click.Path(dir_okay=False, path_type=Path)
START = click.option(
    "--start-hour", default=0.0, show_default=True, type=RealRange(0, 24),
    help="Hour of the day at which the stream begins.",
)  # fmt: skip
SIDE = click.IntRange(*SIDE_MM)
JSON = click.option("--json", "json_file", type=OUT_FILE, help="Write the figures here.")


@click.group()
def streams() -> None:
    """Parcel streams: arrival times, sizes, weights, declared lines and true contents. All made ones are SYNTHETIC.

    A stream file is CSV or JSON Lines, one parcel a row: t_us, barcode, l_mm, w_mm, h_mm, g and, if known, declared,
    declared_lines, true_items, image_ref. Columns with data on persons are refused. Replay one with
    [stream.arrivals] model = "trace", file = "FILE" in a scenario.
    """


@streams.command("make")
@click.argument("scenario", type=IN_FILE)
@click.option("--parcels", default=10_000, show_default=True, type=PARCELS, help="Parcels in the stream.")
@click.option("--seed", default=1, show_default=True, type=SEED, help="Seed of everything drawn.")
@click.option("--replication", default=0, show_default=True, type=SEED, help="Another stream of the seed.")
@click.option("--out", required=True, type=OUT_FILE, help=f"{CSV_SUFFIX} or {JSON_SUFFIXES[0]} file to write.")
@JSON
def make(scenario: Path, parcels: int, seed: int, replication: int, out: Path, json_file: Path | None) -> None:
    """Make the stream of SCENARIO (see config/scenarios/) as a file that replays to the identical run."""
    expect_folders(out=out, json=json_file)
    expect_ending("--out", out, (CSV_SUFFIX, *JSON_SUFFIXES))

    def work(progress: Callable[[int], object]) -> dict[str, Any]:
        from dataclasses import replace

        plan = load_scenario(scenario)
        spec = replace(plan.sized(parcels, seed), replication=replication)
        made = make_stream(spec, progress)
        write_parcels(out, made)
        return {
            "file": str(out), "scenario": str(scenario), "seed": seed, "replication": replication,
            "numpy": numpy.__version__, "python": platform.python_version(), "origin": "SYNTHETIC",
            **_told(profile_of(made), 0),
        }  # fmt: skip

    figures = _working("making the stream", work)
    _finish(figures, json_file, f"{out}: {figures['parcels']} parcels")


@streams.command("fit")
@click.argument("file", type=IN_FILE)
@START
@click.option("--out", type=OUT_FILE, help="Write [stream.arrivals] and [stream.goods] for a scenario here (TOML).")
@click.option(
    "--side-mm-min", default=120, show_default=True, type=SIDE, help="The lane takes no shorter longest side."
)
@click.option("--side-mm-max", default=600, show_default=True, type=SIDE, help="The lane takes no longer one.")
@click.option(
    "--weight-g-max", default=30_000, show_default=True, type=click.IntRange(*WEIGHT_G),
    help="The lane takes no heavier parcel.",
)  # fmt: skip
@JSON
def fit(
    file: Path, start_hour: float, out: Path | None, side_mm_min: int, side_mm_max: int, weight_g_max: int,
    json_file: Path | None,
) -> None:  # fmt: skip
    """Fit arrival models and size and weight laws to a recorded stream FILE.

    Every arrival model is fitted and tried: streams made from it are compared with FILE by the index of dispersion of
    counts (1 is Poisson, above: batches or bursts) and by the wait before a plain server. The score tells how far off
    it is: 0.05 is five per cent. Weights and longest sides are lognormal, cut at what the lane takes.
    """
    expect_folders(out=out, json=json_file)
    try:
        limits = FittedGoods(side_mm_min=side_mm_min, side_mm_max=side_mm_max, weight_g_max=weight_g_max)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    start_us = round(start_hour * HOUR_US)

    def work(progress: Callable[[int], object]) -> dict[str, Any]:
        profile = profile_of(read_parcels(file), progress)
        arrivals = fit_arrivals(profile.times, start_us)
        goods = fit_goods(profile.weights_g, profile.sides_mm, limits)
        text = fragment(file, arrivals, goods, start_us)
        if out is not None:
            write_text(out, text)
        return {"file": str(file), **_told(profile, start_us), "fit": _fit_figures(arrivals, goods), "toml": text}

    figures = _working("reading and fitting", work)
    _show_fit(figures)
    _finish(figures, json_file, "" if out is None else f"{out}: paste it into a scenario below [stream]")


@streams.command("show")
@click.argument("file", type=IN_FILE)
@START
@click.option("--out", type=OUT_FILE, help="Picture to write: .html (self-contained), .png or .svg.")
@JSON
def show(file: Path, start_hour: float, out: Path | None, json_file: Path | None) -> None:
    """Show a stream FILE: a table, and with --out a picture (arrivals, dispersion, sizes, weights)."""
    expect_folders(out=out, json=json_file)
    if out is not None:
        from sim.streamlab.picture import SUFFIXES

        expect_ending("--out", out, SUFFIXES)

    def work(progress: Callable[[int], object]) -> dict[str, Any]:
        profile = profile_of(read_parcels(file), progress)
        if not profile.parcels:
            raise ValueError(f"{file}: expected at least one parcel, was none")
        if out is not None:
            from sim.streamlab.picture import Panel, save, stream_figure

            note = "Above 1 in the upper right: arrivals come in batches or bursts; below: a steady feeder."
            save(out, str(file.name), [Panel(heading="Stream", note=note, figure=stream_figure(profile, file.name))])
        return {"file": str(file), **_told(profile, round(start_hour * HOUR_US))}

    figures = _working("reading the stream", work)
    _show_table(figures)
    _finish(figures, json_file, "" if out is None else f"{out}: written")


@streams.command("schema")
def schema() -> None:
    """Print the JSON Schema of one row of a stream file."""
    click.echo(json.dumps(stream_schema(), indent=2))


def fragment(file: Path, arrivals: ArrivalFit, goods: GoodsFit | None, start_us: int) -> str:
    """The TOML for a scenario, with where it comes from."""
    chosen = arrivals.chosen()
    if arrivals.recommended == "trace":
        why = f"# No model is near enough (best: {chosen.name}, {chosen.score:.2f}): the record itself is the model."
        model = Arrivals(model=Trace(path=file.absolute()), start_us=start_us)
    else:
        why = f"# Score {chosen.score:.3f} (0.05: five per cent off; streams of the model itself: {chosen.noise:.3f})."
        model = chosen.arrivals
    fitted = f"{arrivals.parcels} parcels, {arrivals.rate_per_hour:.1f} an hour"
    text = f"# Fitted to {toml_text(file.name)}: {fitted}.\n{why}\n" + arrivals_toml(model)
    if goods is None:
        return text
    note = f"\n# Fitted to {goods.parcels} parcels inside the lane's limits; {goods.outside} were outside.\n"
    return text + note + goods_toml(goods.goods)


def _told(profile: StreamProfile, start_us: int) -> dict[str, Any]:
    """Plain figures of a stream."""
    times = profile.times
    span_us = int(times[-1] - times[0]) if profile.parcels else 0
    quantiles = (5, 50, 95, 99)
    return {
        "parcels": profile.parcels,
        "span_s": span_us / 1e6,
        "rate_per_hour": (profile.parcels - 1) * HOUR_US / span_us if span_us else None,
        "rates_by_hour": [_finite(rate) for rate in hourly_rates(times, start_us)] if span_us else [],
        "index_of_dispersion": {
            one.window: {"value": one.value, "low": one.low, "high": one.high, "windows": one.windows}
            for one in (dispersions(times) if span_us else [])
        },
        "length_mm": {f"p{q}": float(numpy.percentile(profile.lengths_mm, q)) for q in quantiles},
        "weight_g": {f"p{q}": float(numpy.percentile(profile.weights_g, q)) for q in quantiles},
        "pieces_mean": float(profile.pieces.mean()),
        "kinds": profile.counts,
    }


def _finite(value: float) -> float | None:
    return value if numpy.isfinite(value) else None


def _fit_figures(arrivals: ArrivalFit, goods: GoodsFit | None) -> dict[str, Any]:
    laws = ("weight_mu", "weight_sigma", "side_mu", "side_sigma", "rho")
    return {
        "recommended": arrivals.recommended,
        "hourly_multipliers": list(arrivals.multipliers),
        "loads": list(LOADS),
        "waits": list(arrivals.waits),
        "models": [
            {
                "name": one.name, "score": one.score, "own_noise": one.noise, "waits": list(one.waits),
                "index": dict(zip(WINDOW_NAMES, map(_finite, one.index), strict=True)),
                "parameters": str(one.arrivals.model),
            }
            for one in arrivals.models
        ],
        "goods": None
        if goods is None
        else {
            name: {"value": figure.value, "low": figure.low, "high": figure.high}
            for name, figure in ((law, getattr(goods, law)) for law in laws)
        }
        | {"parcels": goods.parcels, "outside": goods.outside},
    }  # fmt: skip


def _show_table(figures: dict[str, Any]) -> None:
    grid = Grid(title=figures["file"], show_header=False)
    rate = figures["rate_per_hour"]
    grid.add_row("parcels", f"{figures['parcels']} in {figures['span_s'] / 3600:.2f} h")
    grid.add_row("rate per hour", "-" if rate is None else f"{rate:.1f}")
    for window, one in figures["index_of_dispersion"].items():
        interval = f"{one['value']:.2f} ({one['low']:.2f} to {one['high']:.2f}, {one['windows']} windows)"
        grid.add_row(f"dispersion at {window}", interval)
    for name in ("length_mm", "weight_g"):
        grid.add_row(name, ", ".join(f"{q} {value:.0f}" for q, value in figures[name].items()))
    grid.add_row("pieces, mean", f"{figures['pieces_mean']:.2f}")
    grid.add_row("kinds", ", ".join(f"{name} {number}" for name, number in figures["kinds"].items()))
    Console().print(grid)


def _show_fit(figures: dict[str, Any]) -> None:
    _show_table(figures)
    found = figures["fit"]
    grid = Grid(title=f"arrival models; use: {found['recommended']}")
    for name in ("model", "score", "own noise", *(f"wait at {load:.0%}" for load in LOADS)):
        grid.add_column(name)
    grid.add_row("(the stream)", "", "", *(f"{wait:.2f}" for wait in found["waits"]))
    for one in found["models"]:
        cells = (f"{one['score']:.3f}", f"{one['own_noise']:.3f}", *(f"{wait:.2f}" for wait in one["waits"]))
        grid.add_row(one["name"], *cells)
    Console().print(grid)
    if found["goods"]:
        goods = Grid(title="goods: lognormal, 95 % intervals")
        for name in ("parameter", "value", "low", "high"):
            goods.add_column(name)
        for name, one in found["goods"].items():
            if isinstance(one, dict):
                goods.add_row(name, *(f"{one[key]:.3f}" for key in ("value", "low", "high")))
        Console().print(goods)
    click.echo(figures["toml"])


def _working(what: str, work: Callable[[Callable[[int], object]], dict[str, Any]]) -> dict[str, Any]:
    """Run with a spinner that counts parcels; faults of the user's files end the command with one line each."""
    with spinning() as progress:
        task = progress.add_task(what, total=None)
        try:
            return work(lambda number: progress.update(task, description=f"{what}: {number:,} parcels"))
        except TooShort as error:
            raise click.ClickException(f"the stream: {error}") from error
        except (SettingsError, ValueError) as error:
            raise click.ClickException(str(error)) from error


def _finish(figures: dict[str, Any], json_file: Path | None, text: str) -> None:
    write_figures(json_file, figures)
    if text:
        click.echo(text)
