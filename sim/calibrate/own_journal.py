"""Our own records as an event log: of a run directory on disk, or of a twin's journal in memory."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from lane.codec import decode
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
from lane.journal.log import JOURNAL_NAME
from lane.model.words import Via
from sim.calibrate.moments import Log, Moment, NoLog, log_of
from sim.recording import RecordingError, journal_records
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
    if not (run / JOURNAL_NAME).is_file():
        raise NoLog(f"{run}: expected a run directory with {JOURNAL_NAME} in it")
    try:
        return log_of(_rows(journal_records(run), arrivals, progress), OWN, str(run))
    except RecordingError as error:
        raise NoLog(str(error)) from error


def records_log(
    bodies: Iterable[bytes], source: str, arrivals: Iterable[ParcelTruth] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Log:  # fmt: skip
    """Canonical records of a journal as a log."""
    return log_of(_rows(map(decode, bodies), arrivals, progress), OWN, source)


def _rows(
    records: Iterable[Any], arrivals: Iterable[ParcelTruth] | None, progress: Callable[[int], object] | None
) -> Iterator[Row]:
    fed = iter(arrivals or ())
    for number, event in enumerate(records):
        if progress is not None and number % 20_000 == 0:
            progress(number)
        moment = MOMENT_OF.get(type(event))
        if moment is None:
            continue
        if isinstance(event, ParcelReleased) and event.via is not Via.GATE:
            continue  # released by an officer at the bench: it never left by the release exit
        parcel = str(event.seq)
        if isinstance(event, ParcelInducted) and (truth := next(fed, None)) is not None:
            yield parcel, Moment.ARRIVED.value, truth.arrival_us, ""
        person = event.person if isinstance(event, BenchRecorded | ReviewAnswered) else ""
        yield parcel, moment.value, event.at_us, person
