"""Alarms after ISA-18.2: raise, acknowledge, clear, shelve; first-out and chattering. Pure, no text (``lane.errors``).

States: normal (no entry), unacknowledged, acknowledged, returned-unacknowledged, shelved until a time. An alarm that
comes more than three times in 60 s chatters: it is latched, counted and not announced again until acknowledged.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from lane.errors import ALARMS, Alarm, Priority

CHATTER_COUNT = 3
CHATTER_US = 60_000_000
"""More than three in 60 s is chattering (a figure in use beside ISA-18.2)."""
FIRST_OUT_US = 10_000_000
"""A related alarm within ten seconds of the first open one belongs to the same upset and names it."""
_CHAIN = (Alarm.EMERGENCY_STOP, Alarm.GUARD_OPEN, Alarm.INTERLOCK_OPEN, Alarm.KEY_OFF, Alarm.CHAIN_UNKNOWN)
_LINKS = (Alarm.LINK_LOST, Alarm.LINK_HELD, Alarm.DEVICE_RESTARTED)
_BELT = (Alarm.BELT_STUCK, Alarm.DRIVE_FAULT, Alarm.JAM)
CAUSED_BY: dict[Alarm, frozenset[Alarm]] = {
    Alarm.CHAIN_UNKNOWN: frozenset(_LINKS),
    Alarm.WATCHDOG_UNPROVEN: frozenset((Alarm.GATE_FAULT, *_LINKS)),
    Alarm.BELT_STUCK: frozenset((Alarm.JAM, *_LINKS)),
    Alarm.DRIVE_FAULT: frozenset((Alarm.JAM, *_LINKS)),
    Alarm.TRACKING_LOST: frozenset((*_CHAIN, *_LINKS, *_BELT)),
    Alarm.TRACKING_STRAY: frozenset((*_CHAIN, *_LINKS, *_BELT)),
    Alarm.BELT_FLUSHED: frozenset((*_CHAIN, *_LINKS, *_BELT)),
    Alarm.PARCEL_REMOVED: frozenset((*_CHAIN, *_LINKS, *_BELT)),
    Alarm.ENCODER_DOUBT: frozenset((*_LINKS, *_BELT)),
    Alarm.GATE_UNPROVEN: frozenset((*_CHAIN, *_LINKS)),
    Alarm.CUSTODY_UNPROVEN: frozenset((Alarm.EMERGENCY_STOP, Alarm.GUARD_OPEN, Alarm.INTERLOCK_OPEN)),
    Alarm.DRAW_MISSING: frozenset((Alarm.JOURNAL_FAILED,)),
    Alarm.IMAGE_UNBOUND: frozenset(
        (*_LINKS, *_BELT, Alarm.TRACKING_LOST, Alarm.TRACKING_STRAY, Alarm.BELT_FLUSHED, Alarm.ENCODER_DOUBT)
    ),
    Alarm.RECALL: frozenset((Alarm.STATUS_FEED_SILENT,)),
}
"""Alarms of another family that can bring an alarm about; those of its own family always can."""
FAMILY = 100
_RANK = {Priority.LOW: 0, Priority.MEDIUM: 1, Priority.HIGH: 2}
NEVER_SHELVED = frozenset((*_CHAIN, Alarm.JOURNAL_FAILED))
"""Safety chain and journal: nobody may silence what keeps people and records safe."""
ROLES_TOLD = frozenset((Alarm.LINK_LOST, Alarm.LINK_HELD, Alarm.AUXILIARY_LOST, Alarm.CHAIN_UNKNOWN))
"""Alarms whose detail lists the devices that do not answer; told again when that list changes."""
RETOLD_MAX = 16
"""Each of eight roles may go and come once before the list stands still until the alarm is acknowledged."""
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
    detail: str = ""
    retold: int = 0


@dataclass(slots=True, kw_only=True)
class AlarmBook:
    """All open alarms, in the order in which they were raised; at most one entry per number of the catalogue."""

    entries: dict[int, Entry] = field(default_factory=dict)


def _related(first: Alarm, number: Alarm) -> bool:
    """Whether ``first`` can be what brought ``number`` about, and is not less urgent than it."""
    kin = first // FAMILY == number // FAMILY or first in CAUSED_BY.get(number, ())
    return kin and _RANK[ALARMS[first].priority] >= _RANK[ALARMS[number].priority]


def _first_out(book: AlarmBook, number: Alarm, at_us: int) -> int:
    """The alarm of the same upset that came first (0: this one is the first)."""
    for other in book.entries.values():
        first = other.state is AlarmState.UNACKNOWLEDGED and not other.follows
        if first and at_us - other.raised_us <= FIRST_OUT_US and _related(Alarm(other.number), number):
            return other.number
    return 0


def raised(book: AlarmBook, number: Alarm, at_us: int, detail: str = "") -> Entry | None:
    """Note an alarm. Returns its entry when it must be announced, None when it is merged into an open one."""
    entry = book.entries.get(number)
    if entry is None:
        entry = Entry(
            number=int(number),
            state=AlarmState.UNACKNOWLEDGED,
            raised_us=at_us,
            follows=_first_out(book, number, at_us),
            window_us=at_us,
            detail=detail if number in ROLES_TOLD else "",
        )
        book.entries[int(number)] = entry
        return entry
    entry.count += 1
    if at_us - entry.window_us > CHATTER_US:
        entry.window_us, entry.count = at_us, 1
    again = entry.state is not AlarmState.UNACKNOWLEDGED and entry.count <= CHATTER_COUNT
    if again:
        entry.state, entry.raised_us, entry.retold = AlarmState.UNACKNOWLEDGED, at_us, 0
        entry.detail = detail if number in ROLES_TOLD else ""
    if at_us < entry.shelved_until_us:
        return None
    return entry if again else retold(book, number, detail)


def retold(book: AlarmBook, number: Alarm, detail: str) -> Entry | None:
    """The list of silent devices changed: the entry when it must be announced anew, unseen as it is."""
    entry = book.entries.get(number)
    if entry is None or number not in ROLES_TOLD or entry.state is not AlarmState.UNACKNOWLEDGED:
        return None
    if entry.detail == detail or entry.retold >= RETOLD_MAX:
        return None
    entry.detail = detail
    entry.retold += 1
    return entry


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
    if number in NEVER_SHELVED:
        return f"alarm {number} can't be shelved: {ALARMS[Alarm(number)].title}"
    if not at_us < until_us <= at_us + SHELF_US_MAX:
        return f"a shelf ends within {SHELF_US_MAX // 3_600_000_000} h"
    entry.shelved_until_us = until_us
    return ""
