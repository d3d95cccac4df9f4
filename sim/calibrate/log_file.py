"""Event logs as files: CSV with a header, JSON Lines of objects or arrays, or our own run's journal.

Columns of a plain log: ``parcel`` (any text), ``event`` (any word), ``time``, and if known ``resource``; other columns
are not read. ``Naming`` maps columns and events of another system to these. A time is a number in a stated unit, or
an ISO 8601 date and time. Numbers in another unit than the stated one make a lane that can't be: such a log is refused.
"""

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy

from sim.calibrate.moments import Log, Moment, NoLog, log_of
from sim.outputs import whole_file
from sim.streams.lines import text_lines
from sim.streams.rates import HOUR_US
from sim.streams.rows import TIME_US_MAX

PROGRESS_ROWS = 20_000
COLUMNS = ("parcel", "event", "time", "resource")
UNITS_US = {"us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": HOUR_US}
CLOCK_US_MAX = 10**17
"""Some three thousand years: a larger number is no time, and differences stay exact."""
SHOWN_CHARS = 200
"""Of a header, so much stands in a complaint."""

DOUBT_PARCELS_MIN = 20
"""Fewer parcels tell nothing on the unit of their times."""
RATE_PER_HOUR_MAX = 36_000
"""Ten a second: more than any belt takes one by one."""
RATE_PER_HOUR_USUAL = 1_500
"""Of the units that make a lane of a log, the one nearest to this is proposed."""
BELT_US = (50_000, HOUR_US)
"""Usual time between two inductions, or from induction to image or exit: a body of 0.1 m at 2 m/s, to an hour."""

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
    clock = _Clock(chosen.unit)
    rows = _csv(path, chosen, clock) if suffix == ".csv" else _json(path, chosen, clock)
    log = log_of(_counted(rows, progress), chosen.moments(), str(path))
    if not clock.dated:
        _doubt(log, chosen.unit)
    return log


def _doubt(log: Log, unit: str) -> None:
    """Raises ``NoLog`` when numbers in this unit are times of no belt lane, with the unit in which they would be."""
    wrong = _impossible(log, 1)
    if not wrong:
        return
    scales = {name: factor / UNITS_US[unit] for name, factor in UNITS_US.items()}
    fitting = [name for name, scale in scales.items() if not _impossible(log, scale)]
    best = min(fitting, key=lambda name: abs(math.log(_per_hour(log, scales[name]) / RATE_PER_HOUR_USUAL)), default="")
    hint = (
        f"--time-unit {best} makes it {_per_hour(log, scales[best]):,.0f} parcels an hour"
        if best
        else f"name their unit with --time-unit {' | '.join(UNITS_US)}, or mend the times"
    )
    raise NoLog(f"{log.source}: read as {unit}, its times are of no belt lane ({wrong}); {hint}")


def _per_hour(log: Log, scale: float) -> float:
    """Parcels an hour over the whole log, which has at least two different times (else infinite)."""
    entry = log.of(log.entry)
    span_us = float(entry[-1] - entry[0]) * scale
    return (log.parcels - 1) * HOUR_US / span_us if span_us else math.inf


def _impossible(log: Log, scale: float) -> str:
    """What no belt lane does ("": nothing), times being multiplied by ``scale``."""
    if log.parcels < DOUBT_PARCELS_MIN:
        return ""
    rate = _per_hour(log, scale)
    if rate > RATE_PER_HOUR_MAX:
        return f"{rate:,.0f} parcels an hour, expected at most {RATE_PER_HOUR_MAX:,}"
    inducted = log.of(Moment.INDUCTED)
    spans = {"from parcel to parcel": (numpy.diff(log.of(log.entry)), 0)}
    spans["from induction to induction"] = numpy.diff(numpy.sort(inducted[inducted >= 0])), BELT_US[0]
    for moment in (Moment.SCANNED, Moment.RELEASED, Moment.BENCH_QUEUED):
        spans[f"from inducted to {moment}"] = log.between(Moment.INDUCTED, moment), BELT_US[0]
    for what, (span, least) in spans.items():
        passed = span[span > 0]
        usual = float(numpy.median(passed)) * scale if len(passed) >= DOUBT_PARCELS_MIN else least
        if not least <= usual <= BELT_US[1]:
            return f"{usual / 1e6:,.9g} s {what}, expected {least / 1e6:g} s to {BELT_US[1] / 1e6:,.0f} s"
    return ""


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


def _csv(path: Path, naming: Naming, clock: "_Clock") -> Iterator[Row]:
    rows = csv.reader(text_lines(path, NoLog))
    header = _header(path, rows, naming)
    places = [header.index(naming.column(ours)) for ours in COLUMNS[:3]]
    person = header.index(naming.column("resource")) if naming.column("resource") in header else -1
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


def _header(path: Path, rows: Iterator[list[str]], naming: Naming) -> list[str]:
    """The first row, with each of our columns once (the resource at most once)."""
    try:
        header = next(rows, [])
    except csv.Error as error:
        raise NoLog(f"{path}:1: no valid CSV: {error}") from error
    wanted = [naming.column(ours) for ours in COLUMNS]
    missing = [name for name in wanted[:3] if name not in header]
    if missing:
        raise NoLog(
            f"{path}:1: expected columns {', '.join(missing)}, found {', '.join(header)[:SHOWN_CHARS] or 'none'}; "
            "name yours with --column OURS=THEIRS"
        )
    twice = [name for name in wanted if header.count(name) > 1]
    if twice:
        raise NoLog(f"{path}:1: expected column {', '.join(twice)} once, is there twice; take one out or rename it")
    return header


def _json(path: Path, naming: Naming, clock: "_Clock") -> Iterator[Row]:
    parcel_key, event_key, time_key, person_key = (naming.column(ours) for ours in COLUMNS)
    for number, line in enumerate(text_lines(path, NoLog), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            plain = json.loads(line, object_pairs_hook=_once)
        except (RecursionError, ValueError) as error:
            raise NoLog(f"{where}: no valid JSON: {error}") from error
        if isinstance(plain, list):
            plain = dict(zip((parcel_key, event_key, time_key, person_key), plain, strict=False))
        if not isinstance(plain, dict) or not {parcel_key, event_key, time_key} <= plain.keys():
            expected = f"expected an object with {parcel_key}, {event_key}, {time_key}"
            raise NoLog(f"{where}: {expected}; name yours with --column OURS=THEIRS")
        at_us = _timed(clock, plain[time_key], where)
        yield str(plain[parcel_key]), str(plain[event_key]), at_us, str(plain.get(person_key) or "")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"expected each key once, twice there is {next(n for n in names if names.count(n) > 1)!r}")
    return plain


def _timed(clock: "_Clock", value: Any, where: str) -> int:
    try:
        return clock.us(value)
    except ValueError as error:
        raise NoLog(f"{where}: time: {error}") from error


class _Clock:
    """Times of a log as microseconds; ``dated``: they are dates, counted from midnight of the first one's day."""

    def __init__(self, unit: str) -> None:
        self._factor = UNITS_US[unit]
        self._midnight: datetime | None = None
        self._first_us: int | None = None

    @property
    def dated(self) -> bool:
        """Whether there was a date among the times."""
        return self._midnight is not None

    def us(self, value: Any) -> int:
        """A number in the log's unit, or a date and time. Raises ValueError."""
        at_us = self._counted(value)
        if self._first_us is None:
            self._first_us = at_us
        if abs(at_us - self._first_us) > TIME_US_MAX:
            raise ValueError(f"expected a time within three years of the first row's, was {_shown(value)}; "
                             "is --time-unit right?")  # fmt: skip
        return at_us

    def _counted(self, value: Any) -> int:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        except (TypeError, ValueError):
            return self._dated(value)
        if self.dated:
            raise ValueError(f"expected a date and time as in the rows above, was {_shown(value)}")
        if isinstance(value, bool) or not 0 <= number * self._factor <= CLOCK_US_MAX:
            raise ValueError(f"expected a time of 0 or more, at most {CLOCK_US_MAX:.0e} us, was {_shown(value)}")
        return value * self._factor if isinstance(value, int) else round(number * self._factor)

    def _dated(self, value: Any) -> int:
        try:
            moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        except ValueError:
            raise ValueError(f"expected a number or an ISO 8601 date and time, was {_shown(value)}") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if self._midnight is None and self._first_us is not None:
            raise ValueError(f"expected a number as in the rows above, was {_shown(value)}")
        if self._midnight is None:
            self._midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        passed = moment - self._midnight
        if passed.days < 0:
            raise ValueError(f"expected a time not before the day of the first row, was {_shown(value)}")
        return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def _shown(value: Any) -> str:
    return repr(value)[:40]
