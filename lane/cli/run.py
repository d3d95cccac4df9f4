"""``lane run`` and ``lane check``."""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import click

from lane.clock import SPEED_MAX, wall_now
from lane.codec import INTEGER_MAX
from lane.permits import decision_um
from lane.runtime.run_directory import RunDirectory, RunError
from lane.runtime.supervisor import Supervisor, lane_children
from lane.runtime.watch import LaneWatch
from lane.settings.lane_file import load_lane
from lane.settings.reader import SettingsError
from lane.settings.station import StationConfig


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--run", "run_path", type=click.Path(path_type=Path), help="Run directory (default: runs/<lane>-<day>).")
@click.option("--speed", type=click.IntRange(1, SPEED_MAX), default=1, show_default=True, help="Twin lanes only.")
@click.option(
    "--seed", type=click.IntRange(0, INTEGER_MAX), default=1, show_default=True, help="Draw seed of a twin lane."
)
@click.option("--no-console", is_flag=True, help="Do not start the web console.")
@click.option("--leashed", is_flag=True, hidden=True, help="End in order when standard input closes.")
def run(config: Path, run_path: Path | None, speed: int, seed: int, no_console: bool, leashed: bool) -> None:
    """Run a lane: CONFIG names real ports (tcp://, rtu://, serial://).

    \b
    Starts the core, the scan receiver, the counting workers, the message sender and the console as processes.
    Ctrl-C (or SIGTERM) ends the lane in order: belt stopped, gate at INSPECT, journal signed and closed.
    Starting again with the same --run goes on from the journal; what was on the belt goes to INSPECT.
    """
    station = _load(config, for_run=True)
    if not station.twin and speed != 1:
        raise click.ClickException("--speed: a live lane runs at speed 1; only twin lanes run faster")
    directory = RunDirectory(run_path or Path("runs") / f"{station.core.lane}-{wall_now():%Y%m%d}")
    try:
        directory.prepare(station, speed=speed, seed=seed if station.twin else -1)
    except RunError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{directory.path}: can't be written ({error.strerror})") from error
    for warning in station.warnings:
        click.echo(f"warning: {warning}", err=True)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    click.echo(_headline(station, directory, speed))
    children = lane_children(
        directory.path,
        console=not no_console,
        host=station.console_host,
        port=station.console_port,
        users=directory.users,
        kind=station.core.kind.value,
    )
    supervisor = Supervisor(children, directory.logs, tell=lambda text: click.echo(text, err=True))
    watch = LaneWatch(directory.path, station, tell=click.echo)
    sys.exit(asyncio.run(_supervise(supervisor, watch, leashed=leashed)))


async def _supervise(supervisor: Supervisor, watch: LaneWatch, *, leashed: bool) -> int:
    """Run the children; ``leashed``: until standard input closes, that is, until our parent is gone."""

    def leash() -> None:
        if not os.read(sys.stdin.fileno(), 4_096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            supervisor.stop()

    if leashed:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), leash)
    watching = asyncio.create_task(watch.follow())
    try:
        return await supervisor.run()
    finally:
        watching.cancel()


def _headline(station: StationConfig, directory: RunDirectory, speed: int) -> str:
    core = station.core
    banner = f"  SYNTHETIC: twin lane, speed {speed}x" if station.twin else ""
    lane = f"lane {core.site}/{core.lane} ({core.kind.value}), run {directory.path}{banner}"
    return f"{lane}\nlogs in {directory.logs}; Ctrl-C ends the lane in order"


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--for-run", is_flag=True, help="Also refuse what `lane run` refuses (sim:// addresses).")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the summary to this file.")
def check(config: Path, for_run: bool, json_path: Path | None) -> None:
    """Validate CONFIG with everything it names; no device is touched.

    Every fault is one line: file, line, key, what was expected, what was there. Exit code 1 when there is one.
    """
    station = _load(config, for_run=for_run)
    summary = summary_of(station)
    for name, value in summary.items():
        text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
        click.echo(f"{name.replace('_', ' '):22} {text}")
    for warning in station.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo("OK")
    if json_path is not None:
        json_path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def summary_of(station: StationConfig) -> dict[str, Any]:
    """What a person wants to see of a valid configuration."""
    core, layout = station.core, station.core.layout
    return {
        "lane": f"{core.site}/{core.lane}",
        "kind": core.kind.value,
        "mode": core.mode.value,
        "belt": f"{core.speed_um_s // 1000} mm/s, gap at least {layout.gap_um_min // 1000} mm",
        "parcels": f"{layout.parcel_um_min // 1000}..{layout.parcel_um_max // 1000} mm",
        "decision_point": f"{decision_um(core) // 1000} mm from the induct eye",
        "decision_bound": f"{core.content.bound_ppm / 1_000_000:g}",
        "draw": f"{core.draw.rate} {core.draw.design.value}",
        "matrix": f"{len(core.matrix)} cells, sha256 {core.matrix_sha256[:16]}",
        "model": f"sha256 {core.model_sha256[:16]}",
        "carriers": len(core.carriers),
        "vision_workers": station.vision.workers,
        "messages_to": [f"{item.name} ({item.kind})" for item in station.destinations],
        "devices": [f"{entry.role} {entry.profile} at {entry.address}" for entry in station.devices],
    }


def _load(config: Path, *, for_run: bool) -> StationConfig:
    """Lane file with all it names, or all problems as one message."""
    try:
        return load_lane(config, for_run=for_run)
    except SettingsError as error:
        raise click.ClickException(_numbered(error.problems)) from error


def _numbered(problems: tuple[str, ...]) -> str:
    return "\n".join([f"{len(problems)} problem{'s' if len(problems) > 1 else ''}", *problems])
