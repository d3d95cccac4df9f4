"""Queues with c equal servers, first come first served: who began when, how many servers, how long each took.

Recursion: a job begins at the later of its arrival and the time at which the first server is free (Kiefer and
Wolfowitz 1955; for one server Lindley 1952). Read backwards, arrivals and ends of a log give the beginnings.
"""

from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace

import numpy
from numpy.typing import NDArray

Column = NDArray[numpy.int64]
Floats = NDArray[numpy.float64]
SERVERS_MAX = 200
ROUNDING = 0.001
"""Share of jobs that may contradict a number of servers: logs are rounded, people are not always fair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A group of servers as a log shows it, jobs in order of arrival. ``told``: how the number of servers is known."""

    servers: int
    told: str
    arrived: Column
    began: Column
    ended: Column

    @property
    def services(self) -> Column:
        """Service times."""
        return self.ended - self.began

    @property
    def waits(self) -> Column:
        """Times before service."""
        return self.began - self.arrived


def begins(arrived: Floats, services: Floats, servers: int) -> Floats:
    """When each job begins, given its service time; jobs in order of arrival."""
    if servers == 1 and len(arrived):
        before = numpy.concatenate(([0.0], numpy.cumsum(services)[:-1]))
        found: Floats = before + numpy.maximum.accumulate(arrived - before)
        return found
    free = [0.0] * servers
    heapify(free)
    began = numpy.empty(len(arrived))
    for number, (at, service) in enumerate(zip(arrived.tolist(), services.tolist(), strict=True)):
        start = max(at, free[0])
        began[number] = start
        heapreplace(free, start + service)
    return began


def station(arrived: Column, ended: Column, began: Column | None = None, persons: int = 0) -> Station | None:
    """The group behind arrivals, ends and, if logged, beginnings; None without jobs. ``persons``: names in the log."""
    order = numpy.argsort(arrived, kind="stable")
    arrived, ended = arrived[order], ended[order]
    if not len(arrived):
        return None
    if began is not None:
        began = began[order]
        servers, told = (persons, "names") if persons else (_together(began, ended), "most at once")
        return Station(servers=servers, told=told, arrived=arrived, began=began, ended=ended)
    if persons:
        return Station(
            servers=persons, told="names", arrived=arrived, began=_read_back(arrived, ended, persons)[0], ended=ended
        )
    servers = _fewest(arrived, ended)
    return Station(
        servers=servers, told="fewest that explain the ends", arrived=arrived,
        began=_read_back(arrived, ended, servers)[0], ended=ended,
    )  # fmt: skip


def _fewest(arrived: Column, ended: Column) -> int:
    """The least number of servers with which (nearly) no job ends before it began."""
    low, high = 1, min(SERVERS_MAX, _together(arrived, ended))
    while low < high:
        middle = (low + high) // 2
        if _read_back(arrived, ended, middle)[1] <= ROUNDING * len(arrived):
            high = middle
        else:
            low = middle + 1
    return low


def _read_back(arrived: Column, ended: Column, servers: int) -> tuple[Column, int]:
    """(beginnings, jobs that would have ended before they began) for a number of servers.

    A job begins when it has arrived and one of the jobs before it has left a server: with c servers, at the time when
    all but c - 1 of the jobs before it have ended.
    """
    busy: list[int] = []
    began = numpy.empty_like(arrived)
    contradictions = 0
    for number, (at, end) in enumerate(zip(arrived.tolist(), ended.tolist(), strict=True)):
        start = at
        if len(busy) == servers:
            start = max(at, heappop(busy))
        if end < start:
            contradictions += 1
            start = end
        began[number] = start
        heappush(busy, end)
    return began, contradictions


def _together(began: Column, ended: Column) -> int:
    """Most jobs at once; one that ends at an instant is gone before another begins then."""
    times = numpy.concatenate((ended, began))
    steps = numpy.concatenate((numpy.full(len(ended), -1), numpy.ones(len(began), dtype=int)))
    order = numpy.lexsort((steps, times))
    return max(1, int(numpy.cumsum(steps[order]).max()))
