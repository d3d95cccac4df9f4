"""Files into the store: finds the adapter, keeps each file whole or out, and reports every place that was doubtful."""

import gc
import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lane.declarations.keys import wall_digits_of
from lane.declarations.records import Item, Problem
from lane.declarations.schema import StoreError
from lane.declarations.store import DeclarationStore
from lane.declarations.writer import FileCounts, Writer
from lane.interfaces.ceb import read_ceb
from lane.interfaces.csv_lists import ENCODINGS, ScatteredRowsError, read_csv
from lane.interfaces.faults import FILE_BYTES_MAX, FileRefusedError
from lane.interfaces.json_lists import read_json

SUFFIXES = (".xml", ".csv", ".jsonl", ".ndjson", ".json")
PROBLEMS_KEPT_MAX = 1_000
"""Problems kept word for word in one import; the rest is counted."""
FOLDER_FILES_MAX = 2_000_000
"""More files than that are not listed at once: give folders in parts."""


COLLECT_EVERY = 100_000
"""Net new objects between two looks for reference cycles during an import: a parser's own are few and small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProblem:
    """One problem and its file; ``refused``: the whole file was left out."""

    file: Path
    problem: Problem
    refused: bool = False

    def __str__(self) -> str:
        """``lists/a.xml: list 3: logisticsNo: expected ..., was absent``."""
        return f"{self.file}: {self.problem}"


@dataclass(slots=True)
class ImportReport:
    """What an import did. ``rejected``: lists and receipts left out; ``refused``: whole files left out."""

    files: int = 0
    unchanged: int = 0
    refused: int = 0
    lists: int = 0
    repeats: int = 0
    receipts: int = 0
    other: int = 0
    rejected: int = 0
    rejected_before: int = 0
    warned: int = 0
    bytes_read: int = 0
    wall_s: float = 0.0
    problems: list[FileProblem] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was left out, also not in an earlier import of the same files."""
        return not (self.refused or self.rejected or self.rejected_before)

    def note(self, file: Path, problem: Problem, *, refused: bool = False) -> None:
        """Keep a problem for the report; what leaves something out is never pushed aside by warnings."""
        if len(self.problems) < PROBLEMS_KEPT_MAX:
            self.problems.append(FileProblem(file=file, problem=problem, refused=refused))
        elif problem.rejects:
            spare = next((i for i, kept in enumerate(self.problems) if not kept.problem.rejects), None)
            if spare is not None:
                self.problems[spare] = FileProblem(file=file, problem=problem, refused=refused)


Progress = Callable[[ImportReport], None]


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Files to import: those named, and in folders every file with a known suffix, in order of name.

    Raises ``FileNotFoundError`` for a path that is not there.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            found.extend(sorted(inside))
        elif path.exists():
            found.append(path)
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
        if len(found) > FOLDER_FILES_MAX:
            raise ValueError(f"{path}: more than {FOLDER_FILES_MAX} files, import its folders one by one")
    return found


def import_paths(
    store: DeclarationStore,
    paths: Sequence[Path],
    *,
    encoding: str = "utf-8",
    now_wall: float | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import files and folders. ``encoding`` is that of CSV files, never guessed.

    A file that can't be read, or holds anything but what it claims, is left out whole and reported; the same file
    again changes nothing. Raises ``FileNotFoundError`` and ``ValueError`` (unknown encoding) before it starts, and
    ``StoreError`` when the store can't be written.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding: expected {' or '.join(ENCODINGS)}, was {encoding!r}")
    return import_files(store, find_files(paths), encoding=encoding, now_wall=now_wall, progress=progress)


def import_files(
    store: DeclarationStore,
    files: Sequence[Path],
    *,
    encoding: str = "utf-8",
    now_wall: float | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import these files in this order. Raises ``StoreError`` when the store can't be written (disk full, locked)."""
    report = ImportReport()
    started = time.monotonic()
    writer = store.writer()
    try:
        with _rare_collections():
            for file in files:
                import_file(writer, file, report, encoding=encoding, now_wall=now_wall)
                report.wall_s = time.monotonic() - started
                if progress is not None:
                    progress(report)
            writer.commit()
    except sqlite3.Error as error:
        writer.rollback()
        words = "files since its last batch were not stored, import them again"
        raise StoreError(f"{store.path}: can't be written: {error}; {words}") from None
    except BaseException:
        writer.rollback()
        raise
    report.wall_s = time.monotonic() - started
    return report


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Lets the collector of reference cycles look a hundred times less often: records hold none, and its walks over a
    batch of live ones cost a quarter of the import."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_EVERY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def import_file(
    writer: Writer, file: Path, report: ImportReport, *, encoding: str = "utf-8", now_wall: float | None = None
) -> None:
    """Import one file into the writer's batch; what goes wrong with it is noted in the report."""
    report.files += 1
    now = int(time.time() if now_wall is None else now_wall)
    problem = ""
    try:
        data = _read(file)
        sha256 = hashlib.sha256(data)
        before = writer.rejected_before(sha256.digest())
        if before is not None:
            report.unchanged += 1
            report.rejected_before += before
            return
        report.bytes_read += len(data)
        _import_data(writer, file, data, sha256.digest(), report, encoding, now)
    except FileRefusedError as error:
        problem = str(error)
    except OSError as error:
        problem = f"can't be read: {error.strerror or type(error).__name__}"
    if problem:
        report.refused += 1
        report.note(file, Problem(place=problem, field="", text="nothing of it was stored", rejects=True), refused=True)


def _read(file: Path) -> bytes:
    """The whole file, within the limit."""
    with file.open("rb") as stream:
        data = stream.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise FileRefusedError(f"expected at most {FILE_BYTES_MAX // 2**20} MiB, was larger")
    if not data.strip():
        raise FileRefusedError("expected a message or a table, the file is empty")
    return data


def _import_data(
    writer: Writer, file: Path, data: bytes, sha256: bytes, report: ImportReport, encoding: str, now: int
) -> None:
    problems: list[Problem] = []
    for gather in (False, True):
        problems.clear()
        try:
            with writer.file(sha256, file.name, len(data), now) as counts:
                for item in _items(file, data, sha256.hex(), encoding, now, gather):
                    if isinstance(item, Problem):
                        _count(counts, item, problems)
                    else:
                        writer.add(item)
            break
        except ScatteredRowsError:
            continue
    report.lists += counts.lists
    report.repeats += counts.repeats
    report.receipts += counts.receipts
    report.other += counts.other
    report.rejected += counts.rejected
    report.warned += counts.warned
    for kept in problems:
        report.note(file, kept)


def _count(counts: FileCounts, problem: Problem, problems: list[Problem]) -> None:
    if problem.rejects:
        counts.rejected += 1
    else:
        counts.warned += 1
    if len(problems) < PROBLEMS_KEPT_MAX or problem.rejects:
        problems.append(problem)


def _items(file: Path, data: bytes, sha256: str, encoding: str, now: int, gather: bool) -> Iterator[Item]:
    """Records of a file by its suffix."""
    imported_at = wall_digits_of(now)
    match file.suffix.lower():
        case ".xml":
            return read_ceb(data, sha256)
        case ".csv":
            return read_csv(data, encoding=encoding, imported_at=imported_at, source_sha256=sha256, gather=gather)
        case ".jsonl" | ".ndjson":
            return read_json(data, imported_at=imported_at, source_sha256=sha256)
        case ".json":
            return read_json(data, imported_at=imported_at, source_sha256=sha256, lines=False)
        case _:
            raise FileRefusedError(f"expected a file ending in {', '.join(SUFFIXES)}, was another")
