"""Words of an event log, and the log as arrays: one time per parcel and moment.

A log is a table of (parcel, event, time) and, if known, who did it (resource). Only ``arrived`` or ``inducted`` must
be there; each further moment lets one more part of the lane be fitted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy
from numpy.typing import NDArray

NONE_US = -1
"""No such moment for this parcel."""

Column = NDArray[numpy.int64]


class Moment(StrEnum):
    """What can be known of a parcel's way; times of one parcel must not go back in this order (reviews may be late)."""

    ARRIVED = "arrived"  # waits at the feeder from then on
    INDUCTED = "inducted"  # its head stood at the induct eye: the lane took it
    SCANNED = "scanned"  # its image was complete
    JUDGED = "judged"  # vision gave its verdict
    REVIEW_ASKED = "review_asked"  # waits for a person at the screen
    REVIEW_STARTED = "review_started"
    REVIEW_DONE = "review_done"
    RELEASED = "released"  # left by the release exit
    BENCH_QUEUED = "bench_queued"  # reached the bench and waits there
    BENCH_STARTED = "bench_started"
    BENCH_DONE = "bench_done"


@dataclass(slots=True)
class Log:
    """``times``: per moment the time of each parcel (microseconds, ``NONE_US``: none), parcels in order of arrival.

    ``persons``: names seen at a moment. ``repeats``: later events of the same parcel and moment, left out. ``other``:
    events with other names, left out, by name. ``unentered``: parcels without the log's entry, left out.
    """

    times: dict[Moment, Column]
    persons: dict[Moment, frozenset[str]] = field(default_factory=dict)
    repeats: int = 0
    other: dict[str, int] = field(default_factory=dict)
    unentered: int = 0
    source: str = ""

    @property
    def parcels(self) -> int:
        """Parcels in the log."""
        return len(next(iter(self.times.values()), ()))

    def has(self, moment: Moment) -> bool:
        """Whether at least one parcel has this moment."""
        return moment in self.times

    def of(self, moment: Moment) -> Column:
        """The moment's times (all ``NONE_US`` when the log has none)."""
        found = self.times.get(moment)
        return numpy.full(self.parcels, NONE_US, dtype=numpy.int64) if found is None else found

    @property
    def entry(self) -> Moment:
        """The first moment that every parcel has: the arrival, or the induction when arrivals are not logged."""
        return Moment.ARRIVED if self.has(Moment.ARRIVED) else Moment.INDUCTED

    def between(self, first: Moment, second: Moment) -> Column:
        """Microseconds between two moments, of the parcels that have both."""
        one, other = self.of(first), self.of(second)
        both = (one != NONE_US) & (other != NONE_US)
        passed: Column = other[both] - one[both]
        return passed

    def part(self, first: int, last: int) -> "Log":
        """Parcels ``first`` to ``last`` (not included), as a log of its own; what was left out is told of the whole."""
        times = {moment: column[first:last] for moment, column in self.times.items()}
        kept = {moment: column for moment, column in times.items() if (column != NONE_US).any()}
        return replace(self, times=kept, source=f"{self.source} [{first}:{last}]")


class NoLog(ValueError):
    """A log that can't be used: names what is missing."""


def log_of(rows: Iterable[tuple[str, str, int, str]], names: Mapping[str, Moment], source: str) -> Log:
    """Gather (parcel, event, time in us, resource) rows; ``names`` maps the log's words to moments.

    Raises ``NoLog`` when nothing of use is in it.
    """
    parcels: dict[str, int] = {}
    found: dict[Moment, dict[int, int]] = {}
    persons: dict[Moment, set[str]] = {}
    other: dict[str, int] = {}
    repeats = 0
    for parcel, event, at_us, resource in rows:
        moment = names.get(event)
        if moment is None:
            other[event] = other.get(event, 0) + 1
            continue
        number = parcels.setdefault(parcel, len(parcels))
        seen = found.setdefault(moment, {})
        if number in seen:
            repeats += 1
            continue
        seen[number] = at_us
        if resource:
            persons.setdefault(moment, set()).add(resource)
    if Moment.ARRIVED not in found and Moment.INDUCTED not in found:
        known = ", ".join(moment.value for moment in Moment)
        raise NoLog(
            f"{source}: no event {Moment.ARRIVED.value} or {Moment.INDUCTED.value} in it; events found: "
            f"{', '.join(sorted(other)[:12]) or 'none'}; name yours with --event THEIRS=OURS, ours are: {known}"
        )
    entry = found.get(Moment.ARRIVED) or found[Moment.INDUCTED]
    taken = found.get(Moment.INDUCTED, {})  # of a batch that arrives at once, the lane's own order counts
    order = sorted(entry, key=lambda number: (entry[number], taken.get(number, entry[number]), number))
    place = {number: index for index, number in enumerate(order)}
    times = {}
    for moment in Moment:
        if moment in found:
            column = numpy.full(len(order), NONE_US, dtype=numpy.int64)
            for number, at_us in found[moment].items():
                if number in place:
                    column[place[number]] = at_us
            times[moment] = column
    kept = {moment: frozenset(names_) for moment, names_ in persons.items()}
    left_out = len(parcels) - len(order)
    return Log(times=times, persons=kept, repeats=repeats, other=other, unentered=left_out, source=source)
