"""``lane sim export``: a recorded run for tools of process mining, and for archives."""

import time
from collections.abc import Callable
from pathlib import Path

import click

from sim.export.log import event_log
from sim.export.ocel import write_json, write_sqlite
from sim.export.parquet import ParquetMissing, write_parquet
from sim.export.xes import write_xes
from sim.outputs import expect_ending, expect_folders
from sim.recording import Recording, RecordingError, open_recording
from sim.terminal import spinning

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("export")
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option("--ocel2", type=FILE, help="OCEL 2.0: FILE.json or FILE.sqlite, by the name.")
@click.option("--xes", type=FILE, help="XES, one trace per parcel.")
@click.option("--parquet", type=FILE, help="All records, compressed (needs the extra `archive`).")
def export(run: Path, ocel2: Path | None, xes: Path | None, parquet: Path | None) -> None:
    """Write a recorded run in the formats of other tools.

    \b
    RUN is a run directory of a lane (or of `lane demo`), or a file of `lane sim run --record FILE`.
    Objects of the OCEL: parcel, declared list, order, officer, device. No buyer's data exist in a run.
    """
    wanted = [path for path in (ocel2, xes, parquet) if path is not None]
    if not wanted:
        raise click.UsageError("nothing to write: name at least one of --ocel2, --xes, --parquet")
    expect_folders(ocel2=ocel2, xes=xes, parquet=parquet)
    expect_ending("--ocel2", ocel2, (".json", ".jsonocel", ".sqlite"))
    try:
        recording = open_recording(run)
        with spinning() as progress:
            task = progress.add_task("reading records", total=None)
            _write(recording, ocel2, xes, parquet, lambda doing: progress.update(task, description=doing))
    except (RecordingError, ParquetMissing) as error:
        raise click.ClickException(str(error)) from error


def _write(
    recording: Recording, ocel2: Path | None, xes: Path | None, parquet: Path | None, doing: Callable[[str], object]
) -> None:
    if parquet is not None:
        doing(f"writing {parquet.name}")
        began = time.perf_counter()
        records = write_parquet(parquet, recording)
        _told(parquet, f"{records:,} records", began)
    if ocel2 is None and xes is None:
        return
    doing("reading records")
    log = event_log(recording)
    if ocel2 is not None:
        doing(f"writing {ocel2.name}")
        began = time.perf_counter()
        if ocel2.suffix.lower() == ".sqlite":
            write_sqlite(ocel2, log)
        else:
            write_json(ocel2, log)
        _told(ocel2, f"{len(log.events):,} events, {len(log.objects):,} objects", began)
    if xes is not None:
        doing(f"writing {xes.name}")
        began = time.perf_counter()
        traces = write_xes(xes, log)
        _told(xes, f"{traces:,} traces", began)


def _told(path: Path, what: str, began: float) -> None:
    click.echo(f"{path}: {what}, {path.stat().st_size / 1e6:.1f} MB, {time.perf_counter() - began:.1f} s")
