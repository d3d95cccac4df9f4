"""Event logs as files: CSV with a header, JSON Lines of objects or arrays, or our own run's journal.

Columns of a plain log: ``parcel`` (any text), ``event`` (any word), ``time``, and if known ``resource``; other columns
are not read. ``Naming`` maps columns and events of another system to these. A time is a number in a stated unit, or
an ISO 8601 date and time; which, the first row tells.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sim.calibrate.moments import Log, Moment, NoLog, log_of
from sim.outputs import whole_file
from sim.streams.lines import text_lines

PROGRESS_ROWS = 20_000
COLUMNS = ("parcel", "event", "time", "resource")
UNITS_US = {"us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000}

Progress = Callable[[int], object]
Row = tuple[str, str, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How another system calls things: its column for each of ours, its event words for our moments, its time unit."""

    columns: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    unit: str = "us"

    def __post_init__(self) -> None:
        unknown = [name for name in self.columns if name not in COLUMNS]
        if unknown:
            raise NoLog(f"--column: expected OURS=THEIRS with ours of {', '.join(COLUMNS)}, was {', '.join(unknown)}")
        words = [moment.value for moment in Moment]
        wrong = [ours for ours in self.events.values() if ours not in words]
        if wrong:
            raise NoLog(f"--event: expected THEIRS=OURS with ours of {', '.join(words)}, was {', '.join(wrong)}")
        if self.unit not in UNITS_US:
            raise NoLog(f"--time-unit: expected one of {', '.join(UNITS_US)}, was {self.unit}")

    def column(self, ours: str) -> str:
        """Their name of a column."""
        return self.columns.get(ours, ours)

    def moments(self) -> dict[str, Moment]:
        """Moment of each of their event words; ours stay valid."""
        return {moment.value: moment for moment in Moment} | {
            theirs: Moment(ours) for theirs, ours in self.events.items()
        }


def read_log(path: Path, naming: Naming | None = None, progress: Progress | None = None) -> Log:
    """Read a plain log. Raises ``NoLog`` naming file, line and what was expected."""
    chosen = naming or Naming()
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".jsonl", ".ndjson"):
        raise NoLog(f"{path}: expected a log that ends in .csv, .jsonl or .ndjson, or a run directory with a journal")
    rows = _csv(path, chosen) if suffix == ".csv" else _json(path, chosen)
    return log_of(_counted(rows, progress), chosen.moments(), str(path))


def write_log(path: Path, log: Log) -> int:
    """Write a log as CSV in our own words; returns the number of rows."""
    columns = [(moment, log.of(moment)) for moment in Moment if log.has(moment)]
    rows = 0
    with whole_file(path) as fresh, fresh.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS[:3])
        for number in range(log.parcels):
            for moment, column in columns:
                if column[number] >= 0:
                    writer.writerow((number + 1, moment.value, int(column[number])))
                    rows += 1
    return rows


def _counted(rows: Iterator[Row], progress: Progress | None) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if progress is not None and number % PROGRESS_ROWS == 0:
            progress(number)
        yield row


def _csv(path: Path, naming: Naming) -> Iterator[Row]:
    rows = csv.reader(text_lines(path, NoLog))
    header = next(rows, [])
    missing = [name for name in (naming.column(ours) for ours in COLUMNS[:3]) if name not in header]
    if missing:
        raise NoLog(
            f"{path}:1: expected columns {', '.join(missing)}, found {', '.join(header) or 'none'}; "
            "name yours with --column OURS=THEIRS"
        )
    places = [header.index(naming.column(ours)) for ours in COLUMNS[:3]]
    person = header.index(naming.column("resource")) if naming.column("resource") in header else -1
    clock = _Clock(naming.unit)
    try:
        for cells in rows:
            if not cells:
                continue
            if len(cells) != len(header):
                raise NoLog(f"{path}:{rows.line_num}: expected {len(header)} columns, was {len(cells)}")
            parcel, event, time = (cells[place] for place in places)
            at_us = _timed(clock, time, f"{path}:{rows.line_num}")
            yield parcel, event, at_us, cells[person] if person >= 0 else ""
    except csv.Error as error:
        raise NoLog(f"{path}:{rows.line_num}: no valid CSV: {error}") from error


def _json(path: Path, naming: Naming) -> Iterator[Row]:
    clock = _Clock(naming.unit)
    parcel_key, event_key, time_key, person_key = (naming.column(ours) for ours in COLUMNS)
    for number, line in enumerate(text_lines(path, NoLog), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            plain = json.loads(line)
        except ValueError as error:
            raise NoLog(f"{where}: no valid JSON: {error}") from error
        if isinstance(plain, list):
            plain = dict(zip((parcel_key, event_key, time_key, person_key), plain, strict=False))
        if not isinstance(plain, dict) or not {parcel_key, event_key, time_key} <= plain.keys():
            expected = f"expected an object with {parcel_key}, {event_key}, {time_key}"
            raise NoLog(f"{where}: {expected}; name yours with --column OURS=THEIRS")
        at_us = _timed(clock, plain[time_key], where)
        yield str(plain[parcel_key]), str(plain[event_key]), at_us, str(plain.get(person_key) or "")


def _timed(clock: "_Clock", value: Any, where: str) -> int:
    try:
        return clock.us(value)
    except (ValueError, OverflowError) as error:
        raise NoLog(f"{where}: time: {error}") from error


class _Clock:
    """Times of a log as microseconds after its first one."""

    def __init__(self, unit: str) -> None:
        self._factor = UNITS_US[unit]
        self._origin: datetime | None = None

    def us(self, value: Any) -> int:
        """A number in the log's unit, or a date and time (counted from midnight of the first one's day)."""
        if isinstance(value, int):
            number = value * self._factor
        else:
            try:
                number = round(float(value) * self._factor)
            except (TypeError, ValueError):
                return self._dated(str(value))
        if number < 0:
            raise ValueError(f"expected a time of 0 or more, was {value!r}")
        return number

    def _dated(self, text: str) -> int:
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            raise ValueError(f"expected a number or an ISO 8601 date and time, was {text!r}") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if self._origin is None:
            self._origin = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        passed = moment - self._origin
        if passed.days < 0:
            raise ValueError(f"expected a time not before the day of the first row, was {text!r}")
        return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
