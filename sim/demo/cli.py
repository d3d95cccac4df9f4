"""``lane demo``: a whole lane on simulated devices, from declared lists to proven releases."""

import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import click
from rich.console import Console

from sim.arguments import SEED
from sim.demo.cable_campaign import CableCampaign
from sim.demo.kill_campaign import KillCampaign
from sim.demo.live import Screen
from sim.demo.processes import ProcessFailed
from sim.demo.report import print_summary
from sim.demo.session import Session
from sim.demo.setup import SAMPLE_PARCELS, SAMPLE_SEED, DemoPlan, make_files, next_run
from sim.outputs import expect_folders, write_figures

SPEED_MAX = 12
"""Rendering and counting take some 0.3 CPU-seconds a parcel: no common machine keeps up beyond this."""

EXIT_INTERRUPTED = 130
"""What a shell reports of a command that Ctrl-C ended."""


@click.command()
@click.option("--parcels", default=SAMPLE_PARCELS, show_default=True, type=click.IntRange(1, 10_000), help="Parcels.")
@click.option("--seed", default=SAMPLE_SEED, show_default=True, type=SEED, help="Seed of the stream.")
@click.option(
    "--speed", default=3, show_default=True, type=click.IntRange(1, SPEED_MAX), help="Times real time (plant and lane)."
)
@click.option("--out", type=click.Path(path_type=Path), help="Run directory, new or empty  [default: runs/demo-N]")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here.")
@click.option(
    "--no-officers",
    is_flag=True,
    help="Leave alarms, Unhold, reviews and the bench to you, in the console; ends with Ctrl-C or when all is done.",
)
@click.option("--no-console", is_flag=True, help="Without the officers' web pages.")
@click.option(
    "--campaign",
    type=click.Choice(["none", "kill", "cable"]),
    default="none",
    help="Kill the core, or pull cables, while parcels are on the belt.",
)
@click.option("--personal-marker", default="", hidden=True, help="Text for every personal field of the declared lists.")
def demo(
    parcels: int,
    seed: int,
    speed: int,
    out: Path | None,
    json_file: Path | None,
    no_officers: bool,
    no_console: bool,
    campaign: str,
    personal_marker: str,
) -> None:
    """Run a whole lane on simulated devices and show every parcel.

    \b
    Declared lists are imported, plant and devices start on real sockets and serial ports, the controller runs the
    lane, twin officers press Reset and Start, open what is diverted and record it. Everything is marked SYNTHETIC.
    """
    expect_folders(json=json_file)
    if no_officers and (no_console or campaign != "none"):
        raise click.UsageError("--no-officers needs the console, and no campaign: a person attends the lane there")
    plan = DemoPlan(
        parcels=parcels,
        seed=seed,
        speed=speed,
        console=not no_console,
        officers=not no_officers,
        personal_marker=personal_marker,
    )
    screen_console = Console()
    try:
        files = make_files(out or next_run(Path("runs")))
    except OSError as error:
        raise click.ClickException(str(error)) from error
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        figures = _run(plan, campaign, Session(plan=plan, files=files, console=screen_console))
    except ProcessFailed as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        screen_console.print("interrupted before there was anything to tell")
        raise SystemExit(EXIT_INTERRUPTED) from None
    write_figures(json_file, figures)
    print_summary(screen_console, figures, files, json_file)
    if figures["referee"]["rule_violating_releases"] or figures["referee"]["unaccounted"] or figures.get("failed"):
        raise SystemExit(1)
    if figures.get("interrupted"):
        text = f"interrupted: the lane was stopped in order; {files.run} holds the run so far"
        screen_console.print(text, highlight=False, soft_wrap=True)
        raise SystemExit(EXIT_INTERRUPTED)


def _run(plan: DemoPlan, campaign: str, session: Session) -> dict[str, Any]:
    """The demo or a campaign; its figures. Ctrl-C ends the run in order and still gives the figures so far."""
    console = session.console
    console.print(f"{plan.parcels} parcels, seed {plan.seed}, {plan.speed} times real time. All data are SYNTHETIC.")
    way = _way(campaign, session)
    with session, Screen(console, plan.parcels, plan.speed) as screen:
        extra: dict[str, Any] = {}
        try:
            session.tell_console(screen)
            extra = way(screen)
        except KeyboardInterrupt:
            screen.say("stopping in order ...")
            extra = {"interrupted": True}
        session.finish(screen)
        return session.figures() | extra


def _way(campaign: str, session: Session) -> Callable[[Screen], dict[str, Any]]:
    """What happens between start and end; made before the processes, whose environment it may change."""
    if campaign == "kill":
        return KillCampaign(session).run
    if campaign == "cable":
        return CableCampaign(session).run

    def attended(screen: Screen) -> dict[str, Any]:
        screen.say("No twin officers: alarms, Unhold, reviews and the bench are yours, in the console.")
        session.attend(screen)
        return {}

    def undisturbed(screen: Screen) -> dict[str, Any]:
        session.run(screen)
        return {}

    return undisturbed if session.plan.officers else attended


def _interrupt(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends a demo as Ctrl-C does."""
    del number, frame
    raise KeyboardInterrupt
