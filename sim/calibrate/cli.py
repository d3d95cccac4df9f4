"""``lane sim calibrate``: fit streams and plant to a recorded event log, and say how well the fit predicts."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table as Grid

from lane.settings.reader import SettingsError
from sim.arguments import PARCELS, SEED, RealRange
from sim.calibrate.fit import Fit, begun_with, fit_line
from sim.calibrate.in_twin import against, run_in_twin
from sim.calibrate.log_file import UNITS_US, Naming, read_log, write_log
from sim.calibrate.moments import Log, Moment, NoLog
from sim.calibrate.own_journal import journal_log
from sim.calibrate.predict import REPLAYS, Compared, Paired, predict, replayed, too_short, with_replay
from sim.calibrate.report import COMPARED, PAIRED, compared_row, law_rows, paired_row, write_report
from sim.calibrate.scenario_file import scenario_toml
from sim.outputs import expect_ending, expect_folders, whole_file, write_figures
from sim.scenario import load_scenario
from sim.streamlab.arrivals_fit import TooShort
from sim.streamlab.fragment import arrivals_toml
from sim.streamlab.picture import SUFFIXES
from sim.streams.files import read_parcels
from sim.streams.rates import HOUR_US
from sim.terminal import spinning

DEMO_LANE = Path(__file__).resolve().parents[2] / "config" / "lanes" / "demo.toml"

PREDICTED_MIN = 20
"""Parcels: fewer have no figures to hold a model against."""

OUT_FILE = click.Path(dir_okay=False, path_type=Path)
Told = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command was asked."""

    log: Path
    naming: Naming
    start_us: int
    replications: int
    seed: int
    holdout: float
    against: Path | None
    stream: Path | None
    lane: Path
    out: Path | None
    report: Path | None
    write_log: Path | None
    twin_parcels: int


@click.command("calibrate")
@click.argument("log", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Name of a column: parcel, event, time or resource, such as parcel=case_id.",
)
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="THEIRS=OURS",
    help=f"Meaning of an event word. Ours: {', '.join(moment.value for moment in Moment)}.",
)
@click.option(
    "--time-unit",
    default="us",
    show_default=True,
    type=click.Choice(list(UNITS_US)),
    help="Unit of numeric times; dates and times (ISO 8601) need none.",
)
@click.option("--start-hour", default=0.0, show_default=True, type=RealRange(0, 24), help="Hour of the day at time 0.")
@click.option(
    "--stream",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For a run directory: the stream file that was fed, whose times are the arrivals.",
)
@click.option(
    "--holdout",
    default=0.0,
    show_default=True,
    type=RealRange(0, 0.9),
    help="Keep this share of the parcels, the last ones, from the fit and predict them.",
)
@click.option(
    "--against",
    type=click.Path(exists=True, path_type=Path),
    help="Predict this log (of the same kind) instead of LOG itself.",
)
@click.option(
    "--replications",
    default=40,
    show_default=True,
    type=click.IntRange(2, 1_000),
    help="Runs of the model behind each interval.",
)
@click.option("--seed", default=1, show_default=True, type=SEED, help="Seed of the model's runs.")
@click.option(
    "--lane",
    "lane_file",
    default=DEMO_LANE,
    show_default="config/lanes/demo.toml of the installation",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Lane of the scenario.",
)
@click.option("--out", type=OUT_FILE, help="Scenario to write (TOML), for lane sim run and experiment.")
@click.option(
    "--twin-parcels",
    default=0,
    show_default=True,
    type=click.IntRange(0, PARCELS.max),
    help="With --out: run the scenario in the twin with so many parcels and compare it, too.",
)
@click.option("--report", type=OUT_FILE, help="Page to write (.html): pictures of log and model, errors, laws.")
@click.option("--write-log", type=OUT_FILE, help="Write LOG in our own words as CSV.")
@click.option("--json", "json_file", type=OUT_FILE, help="Write the figures here.")
def calibrate(
    log: Path, columns: Sequence[str], events: Sequence[str], time_unit: str, start_hour: float, stream: Path | None,
    holdout: float, against: Path | None, replications: int, seed: int, lane_file: Path, out: Path | None,
    twin_parcels: int, report: Path | None, write_log: Path | None, json_file: Path | None,
) -> None:  # fmt: skip
    """Fit streams and plant to LOG and say how well the fit predicts it.

    LOG is a run directory of ours, or a plain event log of any system (.csv with a header, .jsonl): parcel, event,
    time and, if known, resource (who did it). Fitted are: the arrival model (by dispersion of counts and the waits it
    causes), the induct's cycle, times on the belt, the verdict's latency, and people at screen and bench: how many,
    how long each parcel takes them, what share of the parcels comes. Whatever the log lacks is left out and told.

    Example: lane sim calibrate export.csv --column parcel=case --column event=activity --column time=at
    --event come=arrived --event taken=inducted --time-unit s --out mine.toml --report mine.html
    """
    expect_folders(out=out, report=report, write_log=write_log, json=json_file)
    expect_ending("--report", report, SUFFIXES)
    if twin_parcels and out is None:
        raise click.ClickException("--twin-parcels: expected --out too: the twin runs the scenario that it writes")
    try:
        naming = Naming(columns=_pairs(columns), events=_pairs(events), unit=time_unit)
    except NoLog as error:
        raise click.ClickException(str(error)) from error
    options = Options(
        log=log, naming=naming, start_us=round(start_hour * HOUR_US), replications=replications, seed=seed,
        holdout=holdout, against=against, stream=stream, lane=lane_file, out=out, report=report,
        write_log=write_log, twin_parcels=twin_parcels,
    )  # fmt: skip
    with spinning() as progress:
        task = progress.add_task("reading the log", total=None)
        try:
            figures = run(options, lambda text: progress.update(task, description=text))
        except (NoLog, TooShort, SettingsError, ValueError) as error:
            raise click.ClickException(str(error)) from error
    _show(figures)
    write_figures(json_file, figures)
    for file in (out, report, write_log):
        if file is not None:
            click.echo(f"{file}: written")


def run(options: Options, told: Told) -> dict[str, Any]:
    """Read, fit, predict, replay, write. Raises ``NoLog``, ``TooShort`` or ``SettingsError``."""
    whole = _read(options.log, options, told)
    cut = round(whole.parcels * (1 - options.holdout))
    known = whole.part(0, cut) if options.holdout else whole
    target = whole.part(cut, whole.parcels) if options.holdout else whole
    if options.against is not None:
        target = _read(options.against, options, told)
    if target is not known and target.parcels < PREDICTED_MIN:
        option = "--holdout keeps" if options.against is None else "--against has"
        raise NoLog(
            f"{option} too few parcels to compare with: expected at least {PREDICTED_MIN}, was {target.parcels}"
        )
    fit = fit_line(known, options.start_us, options.seed, told)
    told("running the model")
    compared, model = predict(
        begun_with(fit, target, options.start_us), target, seed=options.seed, replications=options.replications,
        progress=lambda one: told(f"running the model: {one} of {options.replications}"),
    )  # fmt: skip
    told("replaying the log")
    replay = replayed(
        fit, target, options.seed, min(REPLAYS, options.replications),
        progress=lambda one: told(f"replaying the log: {one} of {min(REPLAYS, options.replications)}"),
    )  # fmt: skip
    compared, pairs = with_replay(compared, replay), replay.pairs
    twin, remarks = _in_scenario(options, fit, target, told)
    remarks = [*fit.remarks, *too_short(compared), *remarks]
    if options.report is not None:
        told("drawing")
        write_report(options.report, fit, target, model, compared, pairs, twin, remarks)
    if options.write_log is not None:
        write_log(options.write_log, whole)
    return _figures(options, fit, known, target, compared, pairs, twin, remarks)


def _read(path: Path, options: Options, told: Told) -> Log:
    def progress(rows: int) -> object:
        return told(f"reading {path.name}: {rows} rows")

    if path.is_dir():
        fed = None if options.stream is None else read_parcels(options.stream)
        return journal_log(path, fed, progress)
    return read_log(path, options.naming, progress)


def _in_scenario(options: Options, fit: Fit, target: Log, told: Told) -> tuple[list[Compared], list[str]]:
    """Write the scenario and, if asked, run it in the twin."""
    if options.out is None:
        return [], []
    written = scenario_toml(fit, options.lane, options.out.parent, options.log.name)
    _write_scenario(options.out, written.text)
    remarks = list(written.remarks)
    if not options.twin_parcels:
        return [], remarks
    twin, ended = run_in_twin(
        options.out, options.twin_parcels, options.seed,
        lambda left: told(f"running the twin: {left} of {options.twin_parcels} parcels"),
    )  # fmt: skip
    if ended != "complete":
        remarks.append(f"the twin's run ended with: {ended}")
    line = fit.line
    reviewers, officers = (desk.servers if desk else 0 for desk in (line.review, line.bench))
    return against(target, twin, reviewers=reviewers, officers=officers), remarks


def _write_scenario(out: Path, text: str) -> None:
    """Write a scenario that `lane sim run` takes. Raises ``SettingsError`` with what in the log makes it none."""
    with whole_file(out) as fresh:
        fresh.write_text(text, encoding="utf-8", errors="backslashreplace")
        try:
            load_scenario(fresh)
        except SettingsError as error:
            told = [problem.replace(str(fresh.parent / fresh.name), str(out)) for problem in error.problems]
            raise SettingsError([f"{out}: not written, the log makes no scenario of this lane:", *told]) from error


def _figures(
    options: Options, fit: Fit, known: Log, target: Log, compared: Sequence[Compared], pairs: Sequence[Paired],
    twin: Sequence[Compared], remarks: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    chosen = fit.arrivals.chosen()
    return {
        "log": str(options.log),
        "fitted_parcels": known.parcels,
        "predicted": target.source,
        "predicted_parcels": target.parcels,
        "origin": "SYNTHETIC",
        "seed": options.seed,
        "replications": options.replications,
        "arrivals": {
            "recommended": fit.arrivals.recommended,
            "model": chosen.name,
            "score": chosen.score,
            "own_noise": chosen.noise,
            "toml": arrivals_toml(chosen.arrivals),
        },
        "laws": [dict(zip(("what", "law", "mean_s", "deviation_s", "samples", "distance"), row, strict=True))
                 for row in law_rows(fit)],
        "figures": [_finite(asdict(one)) for one in compared],
        "replay": [_finite(asdict(one)) for one in pairs],
        "twin": [_finite(asdict(one)) for one in twin],
        "remarks": list(remarks),
    }  # fmt: skip


def _finite(plain: dict[str, Any]) -> dict[str, Any]:
    """NaN is no JSON: what isn't known is null."""
    return {name: None if isinstance(value, float) and value != value else value for name, value in plain.items()}


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    wrong = [text for text in texts if "=" not in text]
    if wrong:
        raise click.ClickException(f"expected NAME=NAME, was {', '.join(wrong)}")
    return {left.strip(): right.strip() for left, _, right in (text.partition("=") for text in texts)}


def _show(figures: dict[str, Any]) -> None:
    console = Console()
    fitted, predicted = figures["fitted_parcels"], figures["predicted_parcels"]
    console.print(f"SYNTHETIC. Fitted to {fitted} parcels of {figures['log']}; compared with {predicted} parcels.")
    arrivals = figures["arrivals"]
    console.print(f"Arrivals: {arrivals['recommended']} (nearest model {arrivals['model']}, score "
                  f"{arrivals['score']:.3f}, its own noise {arrivals['own_noise']:.3f})")  # fmt: skip
    _grid("fitted times", ("what", "law", "mean s", "deviation s", "samples", "distance"),
          [tuple(row.values()) for row in figures["laws"]])  # fmt: skip
    for title, name in (("log and model", "figures"), ("log and twin, one run", "twin")):
        if figures[name]:
            _grid(title, COMPARED, [compared_row(Compared(**_known(one))) for one in figures[name]])
    if figures["replay"]:
        _grid("replay: model less log, parcel by parcel", PAIRED,
              [paired_row(Paired(**_known(one))) for one in figures["replay"]])  # fmt: skip
    for remark in figures["remarks"]:
        console.print(f"- {remark}", markup=False)


def _known(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: float("nan") if value is None else value for name, value in plain.items()}


def _grid(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    grid = Grid(title=title)
    for name in header:
        grid.add_column(name, justify="left" if name == header[0] else "right")
    for row in rows:
        grid.add_row(*row)
    Console().print(grid)
