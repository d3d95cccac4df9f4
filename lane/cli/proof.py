"""``lane verify`` and ``lane replay``: what anybody can prove about a finished run."""

import json
import sys
import time
from pathlib import Path

import click

from lane.replay import ReplayError, ReplayReport
from lane.replay import replay as replay_run
from lane.runtime.run_directory import build_sha256
from lane.verifier.main import run_and_print

QUIET_S = 2.0
"""Progress is shown on work that takes longer than this."""
TEXT_SHOWN_MAX = 400


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--key", metavar="PUB", help="Trusted public key of the lane: a file, or the text itself.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as JSON.")
def verify(run: Path, key: str | None, json_file: Path | None) -> None:
    """Prove a finished RUN: tree, signatures, draws, order of records, gate proofs, images.

    \b
    The verifier shares no code with the controller and needs nothing but Python:
      python -m lane.verifier RUN              the same check
      python -m lane.verifier.pack FILE.pyz    one file to take away
    A key found in the run itself proves only that nothing was altered since; give --key to prove by whom.
    Exit status: 0 PASS, 1 FAIL, 2 wrong usage, 3 UNVERIFIABLE (something could not be checked).
    """
    sys.exit(run_and_print(run, key, json_file, sys.stdout, sys.stderr))


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as JSON.")
def replay(run: Path, json_file: Path | None) -> None:
    """Run the recorded inputs of RUN through the bare controller and compare every event and snapshot.

    Exit status: 0 identical, 1 different (the first differing record is shown), 2 can't be replayed.
    """
    started = time.monotonic()
    shown = False

    def progress(index: int) -> None:
        nonlocal shown
        if sys.stderr.isatty() and time.monotonic() - started > QUIET_S:
            shown = True
            click.echo(f"\r  record {index:,} ", nl=False, err=True)

    try:
        report = replay_run(run, progress)
    except ReplayError as error:
        click.echo(f"lane replay: {error}", err=True)
        sys.exit(2)
    if shown:
        click.echo("\r" + " " * 40 + "\r", nl=False, err=True)
    elapsed = time.monotonic() - started
    _print(report, elapsed)
    if json_file is not None:
        plain = {"run": str(run), **report.plain(), "wall_s": round(elapsed, 3)}
        json_file.write_text(json.dumps(plain, ensure_ascii=False, indent=1) + "\n")
    sys.exit(0 if report.equal else 1)


def _print(report: ReplayReport, elapsed_s: float) -> None:
    rate = report.inputs / elapsed_s if elapsed_s else 0.0
    click.echo(
        f"replayed  {report.inputs:,} inputs, {report.events:,} events, {report.snapshots:,} snapshots"
        f" in {elapsed_s:.1f} s ({rate:,.0f} inputs/s)"
    )
    click.echo(f"recorded  {report.recorded_sha256}")
    click.echo(f"replayed  {report.replayed_sha256}")
    if report.difference is not None:
        click.echo(f"first difference at record {report.difference.index}")
        click.echo(f"  recorded {report.difference.recorded[:TEXT_SHOWN_MAX] or 'nothing'}")
        click.echo(f"  replayed {report.difference.replayed[:TEXT_SHOWN_MAX] or 'nothing'}")
    if not report.equal and report.builds != [build_sha256()]:
        click.echo(
            f"note      recorded by build {', '.join(build[:16] for build in report.builds)}, replayed by"
            f" {build_sha256()[:16]}: the program may differ, not the run; replay with the build that recorded it"
        )
    click.echo("IDENTICAL" if report.equal else "DIFFERENT")
