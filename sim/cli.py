"""Commands of the twin: ``lane sim run``; ``lane demo`` and ``lane learn`` are found here and live elsewhere."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sim.arguments import PARCELS, SEED
from sim.outputs import expect_folders, write_figures
from sim.terminal import counting, text_of

PROGRESS_PARCELS = 400
"""Runs of more parcels than this may last longer than two seconds and show a progress bar."""


class Forward(click.Group):
    """A command that lives in another module, imported only when it is used."""

    def __init__(self, name: str, target: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self._target = target

    def real(self) -> click.Command:
        """The command itself."""
        module, attribute = self._target.split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), self._target
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the arguments as the real command does."""
        return self.real().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the real command."""
        return ctx.command.invoke(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A subcommand of the real group."""
        real = self.real()
        return real.get_command(ctx, cmd_name) if isinstance(real, click.Group) else None


demo = Forward("demo", "sim.demo.cli:demo", "A whole lane on simulated devices.")
learn = Forward("learn", "sim.learn:learn", "Learn reference signatures and the decision bound from scanned goods.")


@click.group()
def sim() -> None:
    """The twin: the real controller in virtual time. Everything it gives is SYNTHETIC."""


sim.add_command(Forward("calibrate", "sim.calibrate.cli:calibrate", "Fit streams and plant to a recorded log."))
sim.add_command(Forward("streams", "sim.streamlab.cli:streams", "Make, fit and show parcel streams."))
sim.add_command(Forward("experiment", "sim.experiment.cli:experiment", "A study: scenarios, intervals, a report."))
sim.add_command(Forward("export", "sim.export.cli:export", "A recorded run as OCEL 2.0, XES, Parquet."))
sim.add_command(Forward("view", "sim.view.cli:view", "A recorded run as a picture of the belt, in one page."))
sim.add_command(Forward("oracles", "sim.oracles.cli:oracles", "Compare simulated queues and lines with theory."))
sim.add_command(Forward("drivers", "sim.drivertwin.cli:drivers", "Spoil the bytes between drivers and devices."))
sim.add_command(Forward("search", "sim.explore.cli:search_command", "Faults from seeds: is there a wrong release?"))
sim.add_command(Forward("story", "sim.explore.cli:story_command", "A failing case, made small and told."))
sim.add_command(Forward("museum", "sim.museum.cli:museum", "Deliberate bugs: does the search find each?"))
sim.add_command(Forward("residual", "sim.residual.cli:residual", "The risk that is left, by how the lane is built."))


@sim.command("run")
@click.argument("scenario", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--parcels", default=10_000, show_default=True, type=PARCELS, help="Parcels in the stream.")
@click.option("--seed", default=1, show_default=True, type=SEED, help="Seed of stream, people, verdicts.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here.")
@click.option(
    "--record", "record_file", type=click.Path(dir_okay=False, path_type=Path),
    help="Write all records here, for `lane sim view` and `lane sim export`.",
)  # fmt: skip
@click.option(
    "--driver", default="simpy", show_default=True, type=click.Choice(["simpy", "heap"]),
    help="What turns the clock: the SimPy kernel, or a bare heap loop to compare it with.",
)  # fmt: skip
@click.option(
    "--mode", default="records", show_default=True, type=click.Choice(["records", "sealed"]),
    help="Journal: canonicalised and hashed outside the timed span, or sealed (tree and all) as it comes.",
)  # fmt: skip
@click.option(
    "--referee/--no-referee", default=True, show_default=True,
    help="Judge the run by physical truth. Without it nobody knows whether a rule was broken, and it is faster.",
)  # fmt: skip
def run(
    scenario: Path, parcels: int, seed: int, json_file: Path | None, record_file: Path | None, driver: str, mode: str,
    referee: bool,
) -> None:  # fmt: skip
    """Run SCENARIO (see config/scenarios/) in virtual time and print its figures.

    The same controller code as on a real lane; the journal hash is equal on every run and on both drivers.
    """
    from lane.settings.reader import SettingsError
    from sim.kernel import DriverError
    from sim.recording import write_recording
    from sim.scenario import load_scenario
    from sim.twin import run_core_twin

    expect_folders(json=json_file, record=record_file)
    try:
        plan = load_scenario(scenario)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    with counting(disable=parcels <= PROGRESS_PARCELS) as progress:
        task = progress.add_task("making the stream", total=None)
        try:
            stream = plan.parcels(parcels, seed)
        except ValueError as error:  # a trace file that is no stream: it says where
            raise click.ClickException(f"{scenario}: {error}") from error
        progress.update(task, description="running the lane", total=parcels)
        try:
            result = run_core_twin(
                plan.config, stream, seed, mode, driver, replace(plan.settings, keep_records=record_file is not None),
                progress=lambda left: progress.update(task, completed=left), judging=referee,
            )  # fmt: skip
        except DriverError as error:
            raise click.ClickException(f"{scenario}: {error}") from error
        progress.update(task, completed=parcels)
    figures = result.figures | {"scenario": str(scenario)}
    if record_file is not None:
        facts = {name: figures[name] for name in ("scenario", "parcels", "journal_sha256")} | {"seed": seed}
        write_recording(record_file, plan.config, (body for _, body in result.journal.records()), facts)
    write_figures(json_file, figures)
    _show(Console(), figures)
    if figures["ended"] != "complete":
        raise click.ClickException(f"the run ended with: {figures['ended']}; see the lines above")
    if broken := referee and figures["referee"]["rule_violating_releases"]:
        raise click.ClickException(f"rule-violating releases: {broken}; see the lines above")


def _show(console: Console, figures: dict[str, Any]) -> None:
    table = Table(title="SYNTHETIC - core twin", show_header=False)
    for name in (
        "parcels", "parcels_per_s", "times_real_time", "wall_s", "cpu_s", "lane_s", "throughput_per_hour", "inputs",
        "records", "routes", "findings", "draw", "ended", "lane_time_mean_s", "feeder_wait_p95_s", "late_per_thousand",
        "available_percent", "stops_by_cause", "bench_wait_p95_s", "bench_queue_p95", "bench_utilisation_percent",
        "review_answered_percent", "review_utilisation_percent", "loop_sent",
    ):  # fmt: skip
        if name in figures:
            table.add_row(name, text_of(figures[name]))
    for down in figures.get("downtimes", ()):
        shown = {name: down[name] for name in ("due", "done", "dropped", "missed", "down_s", "available_percent")}
        table.add_row(f"downtime {down['name']}", text_of(shown))
    if "referee" in figures:
        _show_referee(table, figures["referee"])
    else:
        table.add_row("referee", "off: nobody looked whether a rule was broken")
    console.print(table)
    console.print(f"journal_sha256 {figures['journal_sha256']}", highlight=False, soft_wrap=True)


def _show_referee(table: Table, referee: dict[str, Any]) -> None:
    for name in (
        "rule_violating_releases", "violations", "missed_content", "content_errors", "unaccounted", "given_up",
        "untracked", "custody_unproven", "release_messages", "released_parcels", "moved_blade_under_body",
        "orders_refused", "alarms",
    ):  # fmt: skip
        table.add_row(f"referee.{name}", text_of(referee[name]))
    sound = referee["sound_parcels_inspected"]
    table.add_row("sound parcels inspected", f"{sound['inspected']} of {sound['sound']}: {text_of(sound['by_family'])}")
