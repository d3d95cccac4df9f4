"""``lane sim experiment``: a study from its file to a report that a manager can read."""

import os
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.arguments import PARCELS, SEED, WORKERS
from sim.outputs import expect_folders, make_folder, whole_file, write_figures, write_text
from sim.terminal import counting

TERMINAL_FIGURES = 4
"""Figures shown in the terminal; the report has them all."""


def _list_figures(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    from sim.experiment.meanings import FIGURES, GROUND_PREFIX, STOPPED_PREFIX

    for name, meaning in FIGURES.items():
        click.echo(f"{name:28} {meaning.title}, {meaning.unit}")
    click.echo(f"{GROUND_PREFIX + '<GROUND>':28} Inspected for this ground, % of all parcels")
    click.echo(f"{STOPPED_PREFIX + '<CAUSE>':28} Lane stopped for this cause, % of the time")
    context.exit()


@click.command("experiment")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of runs, results and report; FILE's name with .study when not given.",
)
@click.option("--workers", type=WORKERS, help="Processes on this machine; all cores when not given.")
@click.option("--cluster", default="", help="Address of a Dask scheduler (tcp://host:8786) that runs it instead.")
@click.option("--parcels", type=click.IntRange(20, PARCELS.max), help="Parcels in each run instead of the file's.")
@click.option("--seed", type=SEED, help="Seed instead of the file's.")
@click.option(
    "--replications", type=click.IntRange(1, 10_000), help="Replications instead of the file's; not for a selection."
)
@click.option(
    "--list-figures", is_flag=True, is_eager=True, expose_value=False, callback=_list_figures,
    help="Name every figure that a study can report, and leave.",
)  # fmt: skip
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here.")
def experiment(
    file: Path,
    out: Path | None,
    workers: int | None,
    cluster: str,
    parcels: int | None,
    seed: int | None,
    replications: int | None,
    json_file: Path | None,
) -> None:
    """Run the study in FILE (see config/experiments/) and write results.json and report.html.

    Every scenario meets the same luck in each replication; every figure has its 95 % interval. Finished replications
    are kept in the folder, so a study that was stopped goes on where it was. The results are the same bytes for any
    number of workers.

    \b
    lane sim experiment config/experiments/peak-1111.toml
    lane sim experiment config/experiments/capacity.toml --parcels 200 --replications 3
    """
    from dataclasses import replace

    from lane.settings.reader import SettingsError
    from sim.experiment.plan import load_plan
    from sim.experiment.staffing import persons_of
    from sim.experiment.study import at_least, load_scenarios
    from sim.experiment.task import RefusedTaskError
    from sim.experiment.workers import ClusterError

    expect_folders(json=json_file)
    try:
        plan = load_plan(file)
        changed: dict[str, Any] = {"parcels": parcels, "seed": seed, "replications": replications}
        if replications is not None and plan.batches:
            raise click.ClickException("--replications: this study makes batches of one long run")
        if replications is not None and plan.select is not None:
            raise click.ClickException(f"--replications: {at_least(plan)}; set [select] first and replications_max "
                                       f"in {file}")  # fmt: skip
        plan = replace(plan, **{name: value for name, value in changed.items() if value is not None})
        scenarios = load_scenarios(plan)
        if plan.staffing is not None:
            persons_of(plan)  # a wrong key is told before hours of runs, not after
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    if plan.select is not None:
        click.echo(at_least(plan), err=True)
    folder = out or Path(f"{file.stem}.study")
    make_folder("--out", folder)
    try:
        count = workers or os.cpu_count() or 1
        results, wall_s = _run(plan, scenarios, folder, count, cluster)
    except (ClusterError, RefusedTaskError, SettingsError, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if json_file is not None:
        conditions = {"wall_s": round(wall_s, 1), "workers": cluster or count}
        write_figures(json_file, results | {"conditions": conditions})
    _show(Console(), results, folder, wall_s)


def _run(plan: Any, scenarios: Any, folder: Path, workers: int, cluster: str) -> tuple[dict[str, Any], float]:
    """(results, seconds of wall time); results and report stand in the folder."""
    from sim.experiment.cache import Cache
    from sim.experiment.report.page import page
    from sim.experiment.results import encoded, results_of
    from sim.experiment.study import Study
    from sim.experiment.workers import Workers

    begun = time.monotonic()
    with counting() as progress, Workers(workers, cluster) as who:
        bar = progress.add_task("replications", total=None)
        study = Study(
            plan, scenarios, who, Cache(folder / "runs"),
            tell=lambda done, wanted: progress.update(bar, completed=done, total=wanted),
        )  # fmt: skip
        done = study.run()
        progress.update(bar, description="report")
        results = results_of(done)
        with whole_file(folder / "results.json") as fresh:
            fresh.write_bytes(encoded(results))
        write_text(folder / "report.html", page(results))
    return results, time.monotonic() - begun


def _show(console: Console, results: dict[str, Any], folder: Path, wall_s: float) -> None:
    from sim.experiment.meanings import meaning_of
    from sim.experiment.report.words import answer, shown

    console.print("SYNTHETIC", style="bold")
    for sentence in answer(results):
        console.print(sentence, highlight=False, markup=False)
    shown_figures = results["figures"][:TERMINAL_FIGURES]
    table = Table(title=f"95 % intervals; all {len(results['figures'])} figures: report", title_justify="left")
    for heading in ("scenario", "n", *(f"{meaning_of(name).title}, {meaning_of(name).unit}" for name in shown_figures)):
        table.add_column(heading, justify="left" if heading == "scenario" else "right")
    for scenario in results["scenarios"]:
        cells = (shown(scenario["figures"][name], meaning_of(name).digits) for name in shown_figures)
        table.add_row(escape(scenario["name"]), str(scenario["replications"]), *cells)
    console.print(table)
    for warning in results["warnings"]:
        console.print(f"[yellow]warning[/yellow] {escape(warning)}", highlight=False)
    runs = sum(scenario["replications"] for scenario in results["scenarios"])
    console.print(
        f"{runs} runs of {results['parcels']} parcels in {wall_s:.1f} s: {folder / 'report.html'}", markup=False
    )
