"""Reads people and breakdowns of a scenario file: calendars, durations, downtimes. Complaints name the line."""

from collections.abc import Sequence

from lane.settings.reader import Table
from sim.streams.durations import SECOND_US, Duration, parse_duration
from sim.world.downtime import PENDING_MAX, Counted, Downtime, Nature
from sim.world.shifts import DAY_US, Calendar, Shift

CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
MINUTE_US = 60_000_000
LONG_S = 10_000_000
"""Longest mean of an interval or a repair: some four months."""


def clock_us(text: str) -> int:
    """``08:30`` as microseconds from midnight."""
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * MINUTE_US


def parse_calendar(table: Table, starts_us: int) -> Calendar | None:
    """``[[x.shift]]`` of a group: from, to, persons, breaks. None when the group has none."""
    shifts = [_shift(item) for item in table.tables("shift")]
    if not shifts:
        return None
    if table.has("officers") or table.has("persons"):
        key = "officers" if table.has("officers") else "persons"
        table.complain(key, f"expected either {key} or [[{table.where}.shift]], not both")
    return Calendar(shifts=tuple(shifts), starts_us=starts_us)


def _shift(table: Table) -> Shift:
    shift = Shift(
        from_us=clock_us(table.text("from", pattern=CLOCK, hint='a time of day such as "08:00"') or "00:00"),
        to_us=clock_us(table.text("to", pattern=CLOCK, hint='a time of day such as "16:00"') or "00:00"),
        persons=table.scaled("persons", 1, 500),
        breaks=_breaks(table),
    )
    table.close()
    return shift


def _breaks(table: Table) -> tuple[tuple[int, int], ...]:
    """``10:00+15 12:30+45``: time of day and minutes."""
    one = rf"{CLOCK}\+[1-9][0-9]{{0,2}}"
    text = table.text("breaks", "", pattern=rf"({one}( {one})*)?", hint='breaks such as "10:00+15 12:00+45" (minutes)')
    parts = [part.split("+") for part in text.split()]
    return tuple((clock_us(at), int(minutes) * MINUTE_US % DAY_US) for at, minutes in parts)


def parse_law(table: Table) -> Duration:
    """``law``, ``constant_s``, ``mean_s``, ``cv`` or ``table_s``: as the bench's opening times, but longer."""
    spec = parse_duration(table, Duration(), mean_s_max=LONG_S, table_s_max=LONG_S)
    if not spec.whole_mean_us:
        table.complain("", "expected constant_s, mean_s or both above 0")
    table.close()
    return spec


def parse_downtimes(tables: Sequence[Table], devices: Sequence[str], fitters: int) -> tuple[Downtime, ...]:
    """``[[breakdown]]`` tables; ``devices``: what may break down; ``fitters``: how many there are at most."""
    found = [_downtime(table, devices, fitters) for table in tables]
    names = [spec.name for spec in found]
    for table, name in zip(tables, names, strict=True):
        if names.count(name) > 1:
            table.complain("name", f"expected a name of its own, {name!r} stands twice: its luck follows from it")
    return tuple(found)


def _downtime(table: Table, devices: Sequence[str], fitters: int) -> Downtime:
    device = table.text("device", pattern="|".join(devices), hint=" | ".join(devices))
    needed = table.scaled("fitters", 0, 100, default=0)
    if needed > fitters:
        table.complain("fitters", f"expected at most {fitters} (there are no more, see [fitters]), was {needed}")
    spec = Downtime(
        name=table.text("name", device or "downtime", pattern=r"[^\x00-\x1f]{1,60}", hint="a short name"),
        device=device,
        interval=parse_law(table.table("interval")),
        duration=parse_law(table.table("duration")),
        first=parse_law(table.table("first")) if table.has("first") else None,
        nature=table.word("nature", Nature, Nature.BREAKDOWN),
        interval_in=table.word("interval_in", Counted, Counted.CALENDAR),
        duration_in=table.word("duration_in", Counted, Counted.CALENDAR),
        concurrent=table.boolean("concurrent", False),
        pending_max=table.scaled("pending_max", 1, PENDING_MAX, default=PENDING_MAX),
        limit_us=table.scaled("limit_s", 0, LONG_S, SECOND_US, 0, "s"),
        fitters=needed,
    )
    table.close()
    return spec
