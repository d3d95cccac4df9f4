"""Recorded runs as others read them: a run directory of a lane, or the file that ``lane sim run --record`` writes.

A recording file is JSON Lines: a header line (schema, origin, configuration, seed, versions, journal's hash), then the
journal's records in order, each as its canonical bytes, which end with the count that the header cannot know.
"""

import itertools
import json
import platform
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from lane.codec import CodecError, canonical, decode, from_plain, to_plain
from lane.journal.log import JOURNAL_NAME, connect_closed, connect_reader
from lane.journal.memory import RunHash
from lane.model.config import CoreConfig
from lane.model.words import LaneKind
from lane.replay import ReplayError, load_config
from sim.outputs import whole_file

SCHEMA = "sim-recording/1"
END = "RecordingEnded"
LINE_BYTES_MAX = 1 << 24
"""A longer line is no record (a snapshot of a full belt has some 100 kB); reading stays within bounded memory."""
AGAIN = "record the run again"


class RecordingError(Exception):
    """Not a recorded run: names file, line, what was expected, and what to do."""


class Record(Protocol):
    """What every record has."""

    @property
    def at_us(self) -> int:
        """Lane clock."""
        ...

    @property
    def belt_um(self) -> int:
        """Belt position."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recorded run. ``facts``: what its header says of seed, scenario and versions (empty for a run directory)."""

    path: Path
    config: CoreConfig
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Folder or file."""
        return self.path.absolute().name

    @property
    def synthetic(self) -> bool:
        """Whether a twin made it."""
        return self.config.kind is LaneKind.TWIN

    @property
    def config_sha256(self) -> str:
        """Hash of the core's configuration."""
        return sha256(canonical(to_plain(self.config))).hexdigest()

    def records(self) -> Iterator[Any]:
        """Inputs and events in order. Raises RecordingError on one that can't be read, is missing or out of order."""
        if self.path.is_dir():
            yield from journal_records(self.path)
            return
        found = RunHash()
        for place, body in _file(self.path):
            found.add(body)
            yield _decoded(body, place, AGAIN)
        wanted = self.facts.get("journal_sha256", found.hexdigest())
        if found.hexdigest() != wanted:
            raise RecordingError(f"{self.path}: its records are not those that were recorded, or not in their order "
                                 f"(journal_sha256 expected {wanted}, was {found.hexdigest()}); {AGAIN}")  # fmt: skip


def open_recording(path: Path) -> Recording:
    """A run directory or a recording file. Raises RecordingError when it is neither."""
    if path.is_dir():
        if not (path / JOURNAL_NAME).is_file():
            raise RecordingError(f"{path}: expected a run directory with {JOURNAL_NAME}, or a file of --record")
        try:
            return Recording(path=path, config=load_config(path))
        except ReplayError as error:
            raise RecordingError(str(error)) from error
    try:
        header = json.loads(next(_lines(path), (1, b""))[1])
    except (RecursionError, ValueError) as error:
        raise RecordingError(
            f"{path}:1: expected a run directory or a file of `lane sim run --record` ({error}); {AGAIN}"
        ) from error
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        found = header.get("schema") if isinstance(header, dict) else header
        raise RecordingError(f"{path}:1: expected a header with schema {SCHEMA}, was {str(found)[:40]!r}; {AGAIN}")
    try:
        config = from_plain(CoreConfig, header["config"])
    except (KeyError, CodecError, RecursionError, TypeError, ValueError) as error:
        raise RecordingError(f"{path}:1: expected the core's configuration ({error}); {AGAIN}") from error
    facts = {name: header[name] for name in header if name not in ("config", "config_sha256")}
    recording = Recording(path=path, config=config, facts=facts)
    if header.get("config_sha256", recording.config_sha256) != recording.config_sha256:
        raise RecordingError(f"{path}:1: its configuration is not the one that was recorded; {AGAIN}")
    return recording


def write_recording(path: Path, config: CoreConfig, bodies: Iterable[bytes], facts: Mapping[str, Any]) -> int:
    """Write canonical records; returns how many. The file appears whole or not at all."""
    header = {
        "schema": SCHEMA, "origin": "SYNTHETIC", "python": platform.python_version(), **facts,
        "config": to_plain(config), "config_sha256": sha256(canonical(to_plain(config))).hexdigest(),
    }  # fmt: skip
    count = 0
    with whole_file(path) as fresh, fresh.open("wb") as lines:
        lines.write(json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        for count, body in enumerate(bodies, start=1):  # noqa: B007  # the last one is the number of records
            lines.write(body + b"\n")
        lines.write(json.dumps({"kind": END, "records": count}).encode() + b"\n")
    return count


def journal_records(run: Path) -> Iterator[Any]:
    """Inputs and events of a run directory's journal. Raises RecordingError naming the record."""
    path = run / JOURNAL_NAME
    way = f"run `lane verify {run}`"
    waits = path.with_name(JOURNAL_NAME + "-wal").exists()  # a run that has not ended, or ended in disorder
    try:
        with closing(connect_reader(path) if waits else connect_closed(path)) as connection:
            rows = connection.execute("SELECT idx, body FROM record ORDER BY idx")
            for expected, (index, body) in enumerate(rows):
                if index != expected or not isinstance(body, bytes):
                    raise RecordingError(f"{path}: expected record {expected} as bytes, was {index}; {way}")
                yield _decoded(body, f"{path}: record {index}", way)
    except sqlite3.Error as error:
        raise RecordingError(f"{path}: can't be read ({error}); {way}") from error


def _decoded(body: bytes, place: str, way: str) -> Any:
    try:
        return decode(body)
    except (AttributeError, CodecError, TypeError, ValueError) as error:
        raise RecordingError(f"{place}: {error}; {way}") from error


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, line without its end) of a file. Raises RecordingError for a line that is too long, or has no end."""
    if not path.is_file():
        raise RecordingError(f"{path}: expected a run directory or a file of `lane sim run --record`, was neither")
    try:
        with path.open("rb") as file:
            for number in itertools.count(1):
                line = file.readline(LINE_BYTES_MAX)
                if not line:
                    return
                if not line.endswith(b"\n"):
                    fault = f"over {LINE_BYTES_MAX:,} bytes" if len(line) == LINE_BYTES_MAX else "cut: the file was cut"
                    raise RecordingError(f"{path}:{number}: expected a whole line, was {fault}; {AGAIN}")
                yield number, line[:-1]
    except OSError as error:
        raise RecordingError(f"{path}: can't be read ({error.strerror})") from error


def _file(path: Path) -> Iterator[tuple[str, bytes]]:
    """Places and canonical bytes of the records between header and end."""
    lines = _lines(path)
    next(lines)
    for number, line in lines:
        if line.startswith(b'{"kind": "' + END.encode()):
            told, found = _told(line), number - 2
            if told != found:
                raise RecordingError(f"{path}:{number}: expected {told} records, were {found}; {AGAIN}")
            if next(lines, None) is not None:
                raise RecordingError(f"{path}:{number + 1}: expected nothing after {END}; {AGAIN}")
            return
        yield f"{path}:{number}", line
    raise RecordingError(f"{path}: expected {END} in the last line: the file was cut; {AGAIN}")


def _told(line: bytes) -> object:
    """Number of records that the last line tells, or words for a line that tells none."""
    try:
        return json.loads(line)["records"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "a number of"
