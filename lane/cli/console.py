"""``lane console``: the officers' pages over a run, beside or after the lane."""

import subprocess
import sys
from pathlib import Path

import click

from lane.cli.people import data_option


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=8080, show_default=True, help="Port to serve on (0: any free one).")
@data_option
def console(run: Path, host: str, port: int, data: Path) -> None:
    """Serve the console over RUN (a run directory), until interrupted. Sign in as a user of `lane users`."""
    command = [sys.executable, "-m", "lane.console", "--run", str(run), "--users", str(data / "users.db")]
    click.echo(f"Console on http://{host}:{port} (Ctrl-C ends it)")
    raise SystemExit(subprocess.call([*command, "--host", host, "--port", str(port), "--keep"]))
