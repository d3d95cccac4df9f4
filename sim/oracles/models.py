"""Small models as events on a driver: what the twin's way of simulating must give, held against the recursions.

Each model takes its draws as lists and returns times, so that every driver and every recursion can be fed alike. Times
are whatever the draws are: floats, or whole microseconds when two ways must agree exactly.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import simpy

Time = Any
"""An int or a float."""


class Driver(Protocol):
    """What turns the clock: the kernel, the bare heap loop, or another with their two methods."""

    @property
    def now(self) -> Any:
        """The time."""
        ...

    def call_at(self, at: Any, target: Callable[[Any], object], arg: Any = None, priority: int = 1) -> None:
        """Call ``target(arg)`` at time ``at``."""
        ...

    def run(self) -> Any:
        """Run until nothing is scheduled any more."""
        ...


class Queue:
    """Customers who wait in one line for the next free of ``servers``; first come, first served.

    ``waits``: time before service, by customer. ``served``: (start, end) of each service.
    """

    def __init__(self, driver: Driver, gaps: Sequence[Time], services: Sequence[Time], servers: int = 1) -> None:
        self._driver, self._gaps, self._services = driver, gaps, services
        self._free = servers
        self._waiting: deque[tuple[int, Time]] = deque()
        self.arrived: list[Time] = []
        self.waits: list[Time] = [0] * len(services)
        self.served: list[tuple[Time, Time]] = [(0, 0)] * len(services)

    def run(self) -> "Queue":
        """Serve all customers."""
        if self._gaps:
            self._driver.call_at(self._gaps[0], self._arrive, 0)
        self._driver.run()
        return self

    def _arrive(self, customer: int) -> None:
        now = self._driver.now
        self.arrived.append(now)
        if customer + 1 < len(self._gaps):
            self._driver.call_at(now + self._gaps[customer + 1], self._arrive, customer + 1)
        if self._free:
            self._free -= 1
            self._serve(customer, now, now)
        else:
            self._waiting.append((customer, now))

    def _serve(self, customer: int, came: Time, now: Time) -> None:
        self.waits[customer] = now - came
        end = now + self._services[customer]
        self.served[customer] = (now, end)
        self._driver.call_at(end, self._leave)

    def _leave(self, _: None) -> None:
        if self._waiting:
            customer, came = self._waiting.popleft()
            self._serve(customer, came, self._driver.now)
        else:
            self._free += 1


class Belt:
    """One-place zones in a row, blocking after service, an unlimited queue before the first.

    ``left[parcel][zone]``: time at which the parcel leaves the zone.
    """

    def __init__(self, driver: Driver, arrivals: Sequence[Time], services: Sequence[Sequence[Time]]) -> None:
        self._driver, self._arrivals, self._services = driver, arrivals, services
        self._last = len(services[0]) - 1 if services else 0
        self._holds: list[int] = [-1] * (self._last + 1)
        self._stands = [False] * (self._last + 1)  # its parcel is served and blocked
        self._waiting: deque[int] = deque()
        self.left: list[list[Time]] = [[0] * (self._last + 1) for _ in services]

    def run(self) -> "Belt":
        """Move all parcels to the end."""
        if self._arrivals:
            self._driver.call_at(self._arrivals[0], self._arrive, 0)
        self._driver.run()
        return self

    def _arrive(self, parcel: int) -> None:
        if parcel + 1 < len(self._arrivals):
            self._driver.call_at(self._arrivals[parcel + 1], self._arrive, parcel + 1)
        if self._holds[0] < 0:
            self._enter(parcel, 0)
        else:
            self._waiting.append(parcel)

    def _enter(self, parcel: int, zone: int) -> None:
        self._holds[zone] = parcel
        self._driver.call_at(self._driver.now + self._services[parcel][zone], self._served, zone)

    def _served(self, zone: int) -> None:
        if zone < self._last and self._holds[zone + 1] >= 0:
            self._stands[zone] = True
        else:
            self._leave(zone)

    def _leave(self, zone: int) -> None:
        """The parcel goes on, and everything that stood blocked behind it moves up."""
        while True:
            parcel = self._holds[zone]
            self.left[parcel][zone] = self._driver.now
            self._holds[zone], self._stands[zone] = -1, False
            if zone < self._last:
                self._enter(parcel, zone + 1)
            if zone == 0:
                if self._waiting:
                    self._enter(self._waiting.popleft(), 0)
                return
            zone -= 1
            if not self._stands[zone]:
                return


def queue_of_processes(env: simpy.Environment, gaps: Sequence[Time], services: Sequence[Time]) -> list[Time]:
    """The single-server queue as public SimPy models are written: a process per customer and a Resource; waits."""
    server = simpy.Resource(env)
    waits: list[Time] = [0] * len(services)

    def customer(number: int) -> Any:
        came = env.now
        with server.request() as turn:
            yield turn
            waits[number] = env.now - came
            yield env.timeout(services[number])

    def door() -> Any:
        for number, gap in enumerate(gaps):
            yield env.timeout(gap)
            env.process(customer(number))

    env.process(door())
    env.run()
    return waits


def belt_of_processes(
    env: simpy.Environment, arrivals: Sequence[Time], services: Sequence[Sequence[Time]]
) -> list[Time]:
    """The zones as a process per parcel and a Resource per zone; times at which the parcels leave the last zone."""
    places = [simpy.Resource(env) for _ in services[0]]
    left: list[Time] = [0] * len(services)

    def parcel(number: int) -> Any:
        turn = places[0].request()
        yield turn
        for zone, service in enumerate(services[number]):
            yield env.timeout(service)
            if zone + 1 < len(places):
                ahead = places[zone + 1].request()
                yield ahead
                places[zone].release(turn)
                turn = ahead
        places[-1].release(turn)
        left[number] = env.now

    def door() -> Any:
        for number, at in enumerate(arrivals):
            yield env.timeout(at - env.now)
            env.process(parcel(number))

    env.process(door())
    env.run()
    return left
