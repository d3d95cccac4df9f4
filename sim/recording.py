"""Recorded runs as others read them: a run directory of a lane, or the file that ``lane sim run --record`` writes.

A recording file is JSON Lines: a header line (schema, origin, configuration, seed, versions), then the journal's
records in order, each as its canonical bytes, which end with the count that the header cannot know.
"""

import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from lane.codec import CodecError, canonical, decode, from_plain, to_plain
from lane.journal.log import JOURNAL_NAME, connect_closed, connect_reader
from lane.model.config import CoreConfig
from lane.model.words import LaneKind
from lane.replay import ReplayError, load_config

SCHEMA = "sim-recording/1"
END = "RecordingEnded"


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
        """Inputs and events in order. Raises RecordingError on one that can't be read."""
        bodies = _journal(self.path) if self.path.is_dir() else _file(self.path)
        for place, body in bodies:
            try:
                yield decode(body)
            except CodecError as error:
                way = "run `lane verify` on the run" if self.path.is_dir() else "record the run again"
                raise RecordingError(f"{place}: {error}; {way}") from error


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
        with path.open(encoding="utf-8") as lines:
            header = json.loads(next(lines, ""))
    except (OSError, ValueError) as error:
        raise RecordingError(
            f"{path}: expected a run directory or a file of `lane sim run --record` ({error})"
        ) from error
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        found = header.get("schema") if isinstance(header, dict) else header
        raise RecordingError(f"{path}:1: expected a header with schema {SCHEMA}, was {found!r}; record the run again")
    try:
        config = from_plain(CoreConfig, header["config"])
    except (KeyError, CodecError) as error:
        raise RecordingError(f"{path}:1: expected the core's configuration ({error}); record the run again") from error
    return Recording(path=path, config=config, facts={name: header[name] for name in header if name != "config"})


def write_recording(path: Path, config: CoreConfig, bodies: Iterable[bytes], facts: Mapping[str, Any]) -> int:
    """Write canonical records; returns how many. The file appears whole or not at all."""
    header = {
        "schema": SCHEMA, "origin": "SYNTHETIC", "python": platform.python_version(), **facts,
        "config": to_plain(config),
    }  # fmt: skip
    fresh, count = path.with_name(path.name + ".new"), 0
    with fresh.open("wb") as lines:
        lines.write(json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        for count, body in enumerate(bodies, start=1):  # noqa: B007  # the last one is the number of records
            lines.write(body + b"\n")
        lines.write(json.dumps({"kind": END, "records": count}).encode() + b"\n")
    fresh.replace(path)
    return count


def _journal(run: Path) -> Iterator[tuple[str, bytes]]:
    path = run / JOURNAL_NAME
    waits = path.with_name(JOURNAL_NAME + "-wal").exists()  # a run that has not ended, or ended in disorder
    with closing(connect_reader(path) if waits else connect_closed(path)) as connection:
        for index, body in connection.execute("SELECT idx, body FROM record ORDER BY idx"):
            yield f"{path}: record {index}", bytes(body)


def _file(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as lines:
        next(lines)
        for number, line in enumerate(lines, start=2):
            if line.startswith(b'{"kind": "' + END.encode()):
                told, found = json.loads(line)["records"], number - 2
                if told != found:
                    raise RecordingError(
                        f"{path}:{number}: expected {told} records, were {found}; record the run again"
                    )
                return
            yield f"{path}:{number}", line.rstrip(b"\n")
    raise RecordingError(f"{path}: expected {END} in the last line: the file was cut; record the run again")
