"""Recursions that give every time of one path without any clock, and laws that hold on every path.

All of them take numbers or numpy columns (one per replication) alike: an element of ``arrivals`` may be a float, an
int, or an array with one entry per replication. In integers they are exact.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

Number = Any
"""A float, an int, or a numpy array with one entry per replication."""


def _larger(one: Number, other: Number) -> Number:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.maximum(one, other)
    return max(one, other)


def lindley(gaps: Iterable[Number], services: Iterable[Number], first_wait: Number = 0) -> list[Number]:
    """Waits of customers at one server: W' = max(0, W + S - A) (Lindley 1952).

    ``gaps``: time between a customer and the one before; that of the first is not used.
    """
    waits, wait, service = [], first_wait, None
    for gap, own in zip(gaps, services, strict=True):
        if service is not None:
            wait = _larger(0, wait + service - gap)
        waits.append(wait)
        service = own
    return waits


def kiefer_wolfowitz(gaps: Sequence[Number], services: Sequence[Number], servers: int) -> list[Number]:
    """Waits at ``servers`` alike with one queue: the sorted residual works of the servers (Kiefer, Wolfowitz 1955)."""
    work: list[Number] = [0] * servers
    waits = []
    for number, (gap, service) in enumerate(zip(gaps, services, strict=True)):
        if number:
            work = [max(0, one - gap) for one in work]
        wait = work.pop(0)
        waits.append(wait)
        insort(work, wait + service)
    return waits


def kiefer_wolfowitz_columns(gaps: Any, services: Any, servers: int) -> Any:
    """The same for many replications at once: arrays (customers, replications) in, waits of that shape out."""
    work = np.zeros((services.shape[1], servers))
    waits = np.empty_like(services)
    for number in range(len(services)):
        if number:
            work -= gaps[number][:, None]
            np.maximum(work, 0.0, out=work)
        work.sort(axis=1)
        waits[number] = work[:, 0]
        work[:, 0] += services[number]
    return waits


def zones(arrivals: Iterable[Number], services: Iterable[Sequence[Number]]) -> list[list[Number]]:
    """Times at which each parcel leaves each one-place zone of a belt, blocking after service.

    D[n,k] = max(max(D[n,k-1], D[n-1,k]) + S[n,k], D[n-1,k+1]); the last zone is never blocked. An unlimited queue
    stands before the first zone.
    """
    left: list[list[Number]] = []
    before: list[Number] | None = None
    for arrival, times in zip(arrivals, services, strict=True):
        own: list[Number] = []
        reached = arrival
        for zone, service in enumerate(times):
            free = reached if before is None else _larger(reached, before[zone])
            done = free + service
            if before is not None and zone + 1 < len(times):
                done = _larger(done, before[zone + 1])
            own.append(done)
            reached = done
        left.append(own)
        before = own
    return left


def area_under_queue(came: Sequence[int], went: Sequence[int]) -> int:
    """Integral over time of the number present, counted event by event; integers, so exact.

    ``came`` and ``went``: times of arrival and departure in any order. Raises ValueError when someone leaves an empty
    place or not all have left.
    """
    if len(came) != len(went):
        raise ValueError(f"expected as many departures as arrivals, was {len(went)} and {len(came)}")
    present = area = last = 0
    comes, goes = deque(sorted(came)), deque(sorted(went))
    while goes:
        arrival = bool(comes) and comes[0] <= goes[0]
        at = comes.popleft() if arrival else goes.popleft()
        area += present * (at - last) if present else 0
        last = at
        present += 1 if arrival else -1
        if present < 0:
            raise ValueError(f"at {at}: one left before one came")
    return area


def little(came: Sequence[int], went: Sequence[int]) -> tuple[int, int]:
    """(integral of the number present, sum of the times spent): equal on every path that starts and ends empty.

    Little's law L = lambda W with matched end effects (Little 1961; Stidham 1974), both sides times the length of the
    run, so that integers stay exact. ``came`` and ``went`` are matched by position.
    """
    return area_under_queue(came, went), sum(went) - sum(came)


def utilisation(busy: Iterable[tuple[int, int]], servers: int, length: int) -> tuple[int, int]:
    """(integral of the number of busy servers, sum of the service times): equal, and at most servers x length.

    ``busy``: (start, end) of each service. Raises ValueError when more than ``servers`` were ever at work at once.
    """
    spans = list(busy)
    at_work = 0
    for _, change in sorted([(end, -1) for _, end in spans] + [(start, 1) for start, _ in spans]):
        at_work += change
        if at_work > servers:
            raise ValueError(f"expected at most {servers} at work at once, were {at_work}")
    total = sum(end - start for start, end in spans)
    if total > servers * length:
        raise ValueError(f"expected at most {servers * length} of work, was {total}")
    return area_under_queue([start for start, _ in spans], [end for _, end in spans]), total
