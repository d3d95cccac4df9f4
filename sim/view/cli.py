"""``lane sim view``: a recorded run as a picture of the belt in one HTML page."""

from pathlib import Path

import click

from sim.arguments import RealRange
from sim.outputs import expect_folders, write_text
from sim.recording import RecordingError, open_recording
from sim.terminal import spinning
from sim.view.film import FilmError, film_of
from sim.view.page import page

LANE_S = RealRange(0, 1e9)
"""Seconds of lane time: no recording lasts thirty years."""


@click.command("view")
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="HTML file to write.")
@click.option("--from", "from_s", default=0.0, show_default=True, type=LANE_S, help="Begin here, seconds.")
@click.option("--to", "to_s", type=LANE_S, help="End here, seconds  [default: the end]")
def view(run: Path, out: Path, from_s: float, to_s: float | None) -> None:
    """Show a recorded run from above: play, scrub, jump to what happened.

    \b
    RUN is a run directory of a lane (or of `lane demo`), or a file of `lane sim run --record FILE`.
    The page needs no network and no server: open it in a browser; ? lists its keys.
    """
    expect_folders(out=out)
    try:
        with spinning() as progress:
            progress.add_task("reading records", total=None)
            film = film_of(open_recording(run)).plain(from_s, to_s)
    except (RecordingError, FilmError) as error:
        raise click.ClickException(str(error)) from error
    text = page(film)
    write_text(out, text)
    seconds, size = film["length_ms"] / 1000, len(text) / 1e6
    click.echo(
        f"{out}: {len(film['parcels'])} parcels, {len(film['events'])} events, {seconds:.0f} s of lane time, "
        f"{size:.1f} MB, {film['origin']}"
    )
