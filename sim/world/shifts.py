"""Shift calendar: how many persons of a group are there at which time of day. It repeats every 24 hours.

Times of day are microseconds from midnight; the lane's clock begins at ``starts_us`` of the first day.
"""

from dataclasses import dataclass

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """``persons`` from ``from_us`` to ``to_us`` (over midnight when that is earlier), all away in the breaks.

    ``breaks``: (time of day, length) in microseconds.
    """

    from_us: int
    to_us: int
    persons: int
    breaks: tuple[tuple[int, int], ...] = ()

    def present(self, time_us: int) -> int:
        """Persons at this time of day."""
        if not _within(time_us, self.from_us, self.to_us):
            return 0
        away = any(_within(time_us, at_us, (at_us + for_us) % DAY_US) for at_us, for_us in self.breaks)
        return 0 if away else self.persons

    def edges(self) -> set[int]:
        """Times of day at which the number may change."""
        ends = {self.from_us % DAY_US, self.to_us % DAY_US}
        return ends.union(*({at_us, (at_us + for_us) % DAY_US} for at_us, for_us in self.breaks))


def _within(time_us: int, from_us: int, to_us: int) -> bool:
    """Whether a time of day lies in [from, to); the whole day when both are equal."""
    if from_us < to_us:
        return from_us <= time_us < to_us
    return time_us >= from_us or time_us < to_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The shifts of one group; their persons add up."""

    shifts: tuple[Shift, ...]
    starts_us: int = 0

    @property
    def persons_max(self) -> int:
        """Most persons at any time."""
        return max((self.level(edge - self.starts_us) for edge in sorted(self._edges())), default=0)

    def level(self, now_us: int) -> int:
        """Persons at this time of the lane's clock."""
        time_us = (now_us + self.starts_us) % DAY_US
        return sum(shift.present(time_us) for shift in self.shifts)

    def next_change_us(self, now_us: int) -> int:
        """Time of the lane's clock, after ``now_us``, at which the number may change."""
        time_us = (now_us + self.starts_us) % DAY_US
        return now_us + min((edge - time_us - 1) % DAY_US + 1 for edge in self._edges())

    def _edges(self) -> set[int]:
        return set[int]().union(*(shift.edges() for shift in self.shifts))
