"""What is measured of a group of persons with a queue before it: waiting, work and staff over time, exactly.

All integrals are integers (persons times microseconds); a figure is divided once, at the end.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Sequence

from devices.ranks import nearest_rank

SECOND_US = 1_000_000


class Meter:
    """One group. Calls must come in order of time. ``on_busy`` hears when somebody begins and when nobody works."""

    __slots__ = (
        "_busy_us",
        "_levels",
        "_now_us",
        "_staff_us",
        "busy",
        "gave_up",
        "on_busy",
        "served",
        "staff",
        "waiting",
        "waits",
    )

    def __init__(self, staff: int) -> None:
        self._now_us = -1  # nothing is counted before the first task
        self._levels: Counter[int] = Counter()
        self._busy_us = self._staff_us = 0
        self.staff = staff
        self.waiting = self.busy = self.served = self.gave_up = 0
        self.waits = array("q")
        self.on_busy: Callable[[bool], object] | None = None

    def _to(self, now_us: int) -> None:
        passed = now_us - self._now_us
        if passed and self._now_us >= 0:
            self._levels[self.waiting] += passed
            self._busy_us += self.busy * passed
            self._staff_us += max(self.staff, self.busy) * passed  # who leaves late is there until he is done
        self._now_us = now_us

    def arrived(self, now_us: int) -> None:
        """A task waits."""
        self._to(now_us)
        self.waiting += 1

    def began(self, now_us: int, arrived_us: int) -> None:
        """A person took a task that had arrived at ``arrived_us``."""
        self._to(now_us)
        self.waiting -= 1
        self.busy += 1
        self.waits.append(now_us - arrived_us)
        if self.busy == 1 and self.on_busy is not None:
            self.on_busy(True)

    def ended(self, now_us: int, *, done: bool = True) -> None:
        """A person is free again; not ``done``: the task was withdrawn under his hands."""
        self._to(now_us)
        self.busy -= 1
        self.served += done
        self.gave_up += not done
        if not self.busy and self.on_busy is not None:
            self.on_busy(False)

    def withdrawn(self, now_us: int) -> None:
        """A waiting task is no longer wanted."""
        self._to(now_us)
        self.waiting -= 1
        self.gave_up += 1

    def staffed(self, now_us: int, persons: int) -> None:
        """So many persons are there from now on."""
        if self._now_us >= 0:
            self._to(now_us)
        self.staff = persons

    def figures(self, name: str, until_us: int) -> dict[str, float | int | None]:
        """Figures from the first task to ``until_us``; waits of the tasks that were begun. None: nothing to tell."""
        if self._now_us >= 0:
            self._to(max(until_us, self._now_us))
        span_us = sum(self._levels.values())
        waits = sorted(self.waits)
        return {
            f"{name}_served": self.served,
            f"{name}_queue_mean": _ratio(sum(n * held for n, held in self._levels.items()), span_us, 3),
            **{f"{name}_queue_p{p}": self._level(p, span_us) for p in (50, 95, 99)},
            f"{name}_wait_mean_s": _ratio(sum(waits), len(waits) * SECOND_US, 3),
            **{f"{name}_wait_p{p}_s": seconds(quantile(waits, p)) for p in (50, 95, 99)},
            f"{name}_staff_mean": _ratio(self._staff_us, span_us, 3),
            f"{name}_utilisation_percent": _ratio(100 * self._busy_us, self._staff_us, 2),
        }

    def _level(self, percent: int, span_us: int) -> int | None:
        """Smallest queue that is not passed for at least ``percent`` of the time."""
        reached = 0
        for level in sorted(self._levels):
            reached += self._levels[level]
            if reached * 100 >= percent * span_us:
                return level
        return None


def quantile(ordered: Sequence[int], percent: int) -> int | None:
    """Smallest value that at least ``percent`` of the values do not pass; None of no values."""
    return nearest_rank(ordered, 10 * percent)


def _ratio(part: int, whole: int, digits: int) -> float | None:
    return round(part / whole, digits) if whole else None


def seconds(value_us: int | None) -> float | None:
    """Seconds to the millisecond; nothing of nothing."""
    return None if value_us is None else round(value_us / SECOND_US, 3)
