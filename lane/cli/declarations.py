"""``lane declarations``: import, watch, show, stats."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
from platformdirs import user_data_path
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lane.cli.declarations_view import print_report, print_stats, print_waybill, waybill_plain
from lane.declarations.schema import StoreError
from lane.declarations.store import DeclarationStore
from lane.declarations.tables import TableError
from lane.interfaces.csv_lists import ENCODINGS
from lane.interfaces.drop_folder import HEARTBEAT_FILE, DropFolder
from lane.interfaces.importer import SUFFIXES, ImportReport, find_files, import_paths

Command = TypeVar("Command", bound=Callable[..., Any])
POLL_S = 2.0


def default_data() -> Path:
    """The platform's folder for data of this user."""
    return user_data_path("xray-lane")


def _data(command: Command) -> Command:
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=default_data,
        show_default="your user data folder",
        help="Folder with declarations.db (a run directory works too).",
    )(command)


def _json(command: Command) -> Command:
    return click.option(
        "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Also write the figures here."
    )(command)


def _encoding(command: Command) -> Command:
    return click.option(
        "--encoding",
        type=click.Choice(ENCODINGS),
        default=ENCODINGS[0],
        show_default=True,
        help="Encoding of CSV files. Never guessed: say gb18030 when they are.",
    )(command)


@click.group()
def declarations() -> None:
    """Declared lists and customs receipts: read them in, look them up.

    \b
    Formats, by file ending
      .xml             customs messages CEB621 lists, CEB622 receipts, 623-626, 711, 311 and 511
      .csv             one row per declared line (lane-declaration-csv/1)
      .jsonl, .json    lane-declaration/1 and lane-postal/1
    Buyers' and consignees' data are dropped while a file is read.
    """


@declarations.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@_data
@_encoding
@_json
def import_command(paths: tuple[Path, ...], data: Path, encoding: str, json_file: Path | None) -> None:
    """Read files, or every file of a folder, into the store.

    A file is stored whole or not at all; importing it again changes nothing. One bad list is left out and named with
    file, place and field. The exit code is 1 when a file or a list was left out.

    \b
    Examples
      lane declarations import lists.xml receipts.xml --data RUN
      lane declarations import inbox/ --encoding gb18030
    """
    console = Console(stderr=True)
    with _store(data) as store:
        report = _import(console, store, paths, encoding)
    print_report(Console(), report)
    if json_file is not None:
        _write_json(json_file, report_plain(report))
    if not report.clean:
        raise SystemExit(1)


def _import(console: Console, store: DeclarationStore, paths: tuple[Path, ...], encoding: str) -> ImportReport:
    try:
        files = find_files(paths)
    except (FileNotFoundError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if not files:
        named = ", ".join(map(str, paths))
        raise click.ClickException(f"{named}: expected files ending in {', '.join(SUFFIXES)}, found none")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files  {task.fields[figures]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("importing", total=len(files), figures="")

        def show(report: ImportReport) -> None:
            rate = (report.lists + report.receipts) / report.wall_s if report.wall_s else 0
            figures = f"{report.lists:,} lists, {report.receipts:,} receipts, {rate:,.0f} records/s"
            progress.update(task, completed=report.files, figures=figures)

        try:
            return import_paths(store, files, encoding=encoding, progress=show)
        except StoreError as error:
            raise click.ClickException(str(error)) from None


@declarations.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_data
@_encoding
@click.option("--every", "every_s", type=click.FloatRange(0.1, 3600), default=POLL_S, show_default=True, metavar="S")
@click.option("--once", is_flag=True, help="Look once and stop (exit code 1 when something was left out).")
def watch(folder: Path, data: Path, encoding: str, every_s: float, once: bool) -> None:
    """Import new files of a drop folder until interrupted.

    Originals are neither moved nor copied; what was imported is remembered by its content. A file is taken when it
    has not changed for a second. A feed that is alive but has nothing to say touches a file named "heartbeat" there.
    """
    console = Console()
    drop = DropFolder(folder=folder, encoding=encoding)
    console.print(f"watching {folder} every {every_s:g} s, heartbeat file {folder / HEARTBEAT_FILE}; stop with Ctrl-C")
    with _store(data) as store:
        while True:
            try:
                report = drop.poll(store)
            except (FileNotFoundError, StoreError) as error:
                raise click.ClickException(str(error)) from None
            if report.files:
                print_report(console, report)
            if once:
                raise SystemExit(0 if report.clean else 1)
            time.sleep(every_s)


@declarations.command()
@click.argument("waybill")
@_data
@_json
def show(waybill: str, data: Path, json_file: Path | None) -> None:
    """Show what is declared for a waybill (or for a list number): goods, expected counts, status, flags."""
    now = time.time()
    with _store(data, readonly=True) as store:
        numbers = [waybill] if store.lists_of(waybill, now) else store.waybills_of(waybill)
        plain = [waybill_plain(store, number, now) for number in numbers]
        if json_file is not None:
            _write_json(json_file, plain)
        if not numbers:
            raise click.ClickException(
                f"no list in {store.path} for this waybill or list number; "
                "see what is there with: lane declarations stats"
            )
        for number in numbers:
            print_waybill(Console(), store, number, now)


@declarations.command()
@_data
@_json
def stats(data: Path, json_file: Path | None) -> None:
    """Count lists, receipts, files and feeds of the store."""
    with _store(data, readonly=True) as store:
        figures = store.stats()
    print_stats(Console(), figures, time.time())
    if json_file is not None:
        _write_json(json_file, asdict(figures))


def report_plain(report: ImportReport) -> dict[str, Any]:
    """The figures of an import for ``--json``."""
    rate = report.lists / report.wall_s if report.wall_s else 0.0
    plain = {name: getattr(report, name) for name in ImportReport.__dataclass_fields__ if name != "problems"}
    plain["lists_per_s"] = round(rate)
    plain["clean"] = report.clean
    plain["problems"] = [
        {
            "file": str(entry.file),
            "place": entry.problem.place,
            "field": entry.problem.field,
            "text": entry.problem.text,
            "rejects": entry.problem.rejects,
        }
        for entry in report.problems
    ]
    return plain


def _store(data: Path, *, readonly: bool = False) -> DeclarationStore:
    try:
        return DeclarationStore.open(data, readonly=readonly)
    except (StoreError, TableError) as error:
        raise click.ClickException(str(error)) from None


def _write_json(file: Path, plain: object) -> None:
    try:
        file.write_text(json.dumps(plain, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{file}: can't be written: {error.strerror}") from None
