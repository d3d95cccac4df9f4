"""Our own records as an event log: of a run directory on disk, or of a twin's journal in memory."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lane.codec import CodecError, decode
from lane.events.parcel import (
    BenchRecorded,
    ContentCompared,
    ParcelDiverted,
    ParcelInducted,
    ParcelReleased,
    ParcelScanned,
    ReviewAnswered,
    ReviewRequested,
)
from lane.journal.log import JOURNAL_NAME, connect_closed, connect_reader
from lane.model.words import Via
from sim.calibrate.moments import Log, Moment, NoLog, log_of
from sim.streams.truth import ParcelTruth

OWN = {moment.value: moment for moment in Moment}
MOMENT_OF: dict[type, Moment] = {
    ParcelInducted: Moment.INDUCTED,
    ParcelScanned: Moment.SCANNED,
    ContentCompared: Moment.JUDGED,
    ReviewRequested: Moment.REVIEW_ASKED,
    ReviewAnswered: Moment.REVIEW_DONE,
    ParcelReleased: Moment.RELEASED,
    ParcelDiverted: Moment.BENCH_QUEUED,
    BenchRecorded: Moment.BENCH_DONE,
}

Row = tuple[str, str, int, str]


def journal_log(
    run: Path, arrivals: Iterable[ParcelTruth] | None = None, progress: Callable[[int], object] | None = None
) -> Log:
    """The journal of a run directory. ``arrivals``: the stream that was fed, in order, for the waits at the feeder.

    Raises ``NoLog`` for a directory without a journal, or one that can't be read.
    """
    path = run / JOURNAL_NAME
    if not path.is_file():
        raise NoLog(f"{run}: expected a run directory with {JOURNAL_NAME} in it")
    open_still = (run / f"{JOURNAL_NAME}-wal").exists()  # its last records are in the write-ahead log
    connection = connect_reader(path) if open_still else connect_closed(path)
    try:
        bodies = (bytes(body) for (body,) in connection.execute("SELECT body FROM record ORDER BY idx"))
        return records_log(bodies, str(run), arrivals, progress)
    except sqlite3.Error as error:
        raise NoLog(f"{path}: can't be read ({error}); run `lane verify {run}`") from error
    finally:
        connection.close()


def records_log(
    bodies: Iterable[bytes], source: str, arrivals: Iterable[ParcelTruth] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Log:  # fmt: skip
    """Canonical records of a journal as a log."""
    return log_of(_rows(bodies, source, arrivals, progress), OWN, source)


def _rows(
    bodies: Iterable[bytes], source: str, arrivals: Iterable[ParcelTruth] | None,
    progress: Callable[[int], object] | None,
) -> Iterator[Row]:  # fmt: skip
    fed = iter(arrivals or ())
    for number, body in enumerate(bodies):
        if progress is not None and number % 20_000 == 0:
            progress(number)
        try:
            event = decode(body)
        except CodecError as error:
            raise NoLog(f"{source}: record {number} is no record of a lane: {error}") from error
        moment = MOMENT_OF.get(type(event))
        if moment is None:
            continue
        if isinstance(event, ParcelReleased) and event.via is not Via.GATE:
            continue  # released by an officer at the bench: it never left by the release exit
        parcel = str(event.seq)  # type: ignore[union-attr]  # every event of the table has it
        if isinstance(event, ParcelInducted) and (truth := next(fed, None)) is not None:
            yield parcel, Moment.ARRIVED.value, truth.arrival_us, ""
        person = event.person if isinstance(event, BenchRecorded | ReviewAnswered) else ""
        yield parcel, moment.value, event.at_us, person
