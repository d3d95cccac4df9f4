"""``lane console``: the officers' pages over a run, beside or after the lane."""

import json
import subprocess
import sys
import time
from pathlib import Path

import click

from lane.cli.data import lane_kind

ADDRESS_S_MAX = 15.0
"""The server binds its port within a second; longer means that it failed and said why."""


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=0, show_default="any free one", help="Port to serve on.")
def console(run: Path, host: str, port: int) -> None:
    """Serve the console over RUN (a run directory), until interrupted.

    Sign in as a user of `lane users add NAME --data RUN`; a twin lane's address signs in by itself, once.
    """
    kind = lane_kind(run)
    command = [sys.executable, "-m", "lane.console", "--run", str(run), "--users", str(run / "users.db"), "--keep"]
    address = run / "console.json"
    address.unlink(missing_ok=True)
    process = subprocess.Popen([*command, "--kind", kind.value, "--host", host, "--port", str(port)])
    try:
        click.echo(f"Console: {_address(address, process)}   (Ctrl-C ends it)")
        raise SystemExit(process.wait())
    except KeyboardInterrupt:
        process.terminate()
        raise SystemExit(process.wait()) from None


def _address(path: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the console serves: the one-time entry of a twin lane, else the sign-in page."""
    deadline = time.monotonic() + ADDRESS_S_MAX
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise click.ClickException("the console did not start; its message stands above")
        time.sleep(0.05)
    told = json.loads(path.read_text(encoding="utf-8"))
    return str(told["one_time"] or told["url"])
