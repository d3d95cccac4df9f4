"""Alarms after ISA-18.2: raise, acknowledge, clear, shelve; first-out and chattering. Pure, no text (``lane.errors``).

States: normal (no entry), unacknowledged, acknowledged, returned-unacknowledged, shelved until a time. An alarm that
comes more than three times in 60 s chatters: it is latched, counted and not announced again until acknowledged.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from lane.errors import ALARMS, Alarm

CHATTER_COUNT = 3
CHATTER_US = 60_000_000
"""More than three in 60 s is chattering (ISA-18.2 figures, domain design section 9)."""
FIRST_OUT_US = 10_000_000
"""Alarms within ten seconds of the first open one belong to the same upset and name it."""
SHELF_US_MAX = 8 * 3_600_000_000
"""A shelf ends with the shift at the latest."""


class AlarmState(StrEnum):
    """Where an alarm stands; an alarm that is normal has no entry."""

    UNACKNOWLEDGED = "UNACKNOWLEDGED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RETURNED = "RETURNED"


@dataclass(slots=True, kw_only=True)
class Entry:
    """One open alarm. ``shelved_until_us`` 0: not shelved."""

    number: int
    state: AlarmState
    raised_us: int
    follows: int
    count: int = 1
    window_us: int = 0
    shelved_until_us: int = 0


@dataclass(slots=True, kw_only=True)
class AlarmBook:
    """All open alarms, in the order in which they were raised; at most one entry per number of the catalogue."""

    entries: dict[int, Entry] = field(default_factory=dict)


def raised(book: AlarmBook, number: Alarm, at_us: int) -> Entry | None:
    """Note an alarm. Returns its entry when it must be announced, None when it is merged into an open one."""
    entry = book.entries.get(number)
    if entry is None:
        follows = 0
        for other in book.entries.values():
            first = other.state is AlarmState.UNACKNOWLEDGED and not other.follows
            if first and at_us - other.raised_us <= FIRST_OUT_US:
                follows = other.number
                break
        entry = Entry(
            number=int(number), state=AlarmState.UNACKNOWLEDGED, raised_us=at_us, follows=follows, window_us=at_us
        )
        book.entries[int(number)] = entry
        return entry
    entry.count += 1
    if at_us - entry.window_us > CHATTER_US:
        entry.window_us, entry.count = at_us, 1
    again = entry.state is not AlarmState.UNACKNOWLEDGED and entry.count <= CHATTER_COUNT
    if again:
        entry.state, entry.raised_us = AlarmState.UNACKNOWLEDGED, at_us
    shelved = at_us < entry.shelved_until_us
    return entry if again and not shelved else None


def cleared(book: AlarmBook, number: Alarm) -> bool:
    """Its cause is gone. True when the alarm returns to normal or waits for its acknowledgement only."""
    entry = book.entries.get(number)
    if entry is None or entry.state is AlarmState.RETURNED or ALARMS[number].latched:
        return False
    if entry.state is AlarmState.ACKNOWLEDGED:
        del book.entries[int(number)]
    else:
        entry.state = AlarmState.RETURNED
    return True


def acknowledged(book: AlarmBook, number: int) -> bool | None:
    """A person has seen it. None: no such alarm waits; True: it also ended (returned, or one that latches)."""
    entry = book.entries.get(number)
    if entry is None or entry.state is AlarmState.ACKNOWLEDGED:
        return None
    if entry.state is AlarmState.RETURNED or ALARMS[Alarm(number)].latched:
        del book.entries[number]
        return True
    entry.state = AlarmState.ACKNOWLEDGED
    return False


def shelved(book: AlarmBook, number: int, at_us: int, until_us: int) -> str:
    """Silence an open alarm until a time. Returns why not ("" when done)."""
    entry = book.entries.get(number)
    if entry is None:
        return f"alarm {number} is not open"
    if not at_us < until_us <= at_us + SHELF_US_MAX:
        return f"a shelf ends within {SHELF_US_MAX // 3_600_000_000} h"
    entry.shelved_until_us = until_us
    return ""
