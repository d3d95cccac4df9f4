"""The cases of the campaign: an exact value, and a way to simulate it for many replications at once.

The simulations are the recursions of ``paths`` over columns (one per replication); the event-driven models give the
same times on equal draws, which tests prove. Random numbers: one Philox stream per (seed, replication, name).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from sim.oracles import closed
from sim.oracles.paths import kiefer_wolfowitz_columns
from sim.streams.philox import philox

Columns = NDArray[np.float64]
"""Shape (customers, replications)."""
Means = NDArray[np.float64]
"""Shape (replications,)."""
BLOCK = 10_000
"""Customers drawn at a time: bounds memory."""
LOGNORMAL_CV = 1.5


class Draws:
    """Random columns of one case: column r is the stream of replication r."""

    def __init__(self, seed: int, name: str, replications: int) -> None:
        self._generators = [philox(seed, replication, name) for replication in range(replications)]
        self.replications = replications

    def exponential(self, mean: float, customers: int) -> Columns:
        """Exponential with this mean."""
        return self._columns(lambda source: source.exponential(mean, customers))

    def lognormal(self, mean: float, cv: float, customers: int) -> Columns:
        """Lognormal with this mean and standard deviation over mean."""
        variance = log(1 + cv * cv)
        return self._columns(lambda source: source.lognormal(log(mean) - variance / 2, sqrt(variance), customers))

    def uniform(self, low: float, high: float, customers: int) -> Columns:
        """Uniform between low and high."""
        return self._columns(lambda source: source.uniform(low, high, customers))

    def _columns(self, draw: Callable[[np.random.Generator], NDArray[np.float64]]) -> Columns:
        return np.stack([draw(source) for source in self._generators], axis=1)


Simulate = Callable[[Draws, int, int], Means]
"""(draws, customers, customers dropped at the start) -> mean of each replication."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``customers`` per replication, of which the first ``dropped`` do not count.

    ``limit``: largest relative half-width of the 95 % interval over 40 replications; a wider one proves nothing.
    """

    name: str
    exact: float
    source: str
    simulate: Simulate
    customers: int = 200_000
    dropped: int = 20_000
    limit: float = 0.015


def _blocks(customers: int) -> Iterator[int]:
    for start in range(0, customers, BLOCK):
        yield min(BLOCK, customers - start)


def _waits(gap: Callable[[Draws, int], Columns | float], service: Callable[[Draws, int], Columns]) -> Callable[
    [Draws, int], Iterator[Columns]
]:  # fmt: skip
    """Blocks of waits at one server, by Lindley's recursion."""

    def blocks(draws: Draws, customers: int) -> Iterator[Columns]:
        wait = np.zeros(draws.replications)
        work = np.zeros(draws.replications)  # wait and service of the customer before
        for size in _blocks(customers):
            gaps, services = gap(draws, size), service(draws, size)
            gaps = np.broadcast_to(gaps, services.shape)
            waits = np.empty_like(services)
            for number in range(size):
                np.subtract(work, gaps[number], out=wait)
                np.maximum(wait, 0.0, out=waits[number])
                np.add(waits[number], services[number], out=work)
            yield waits

    return blocks


def _mean(
    blocks: Callable[[Draws, int], Iterator[Columns]], value: Callable[[Columns], Columns] = lambda waits: waits
) -> Simulate:
    """Mean of ``value`` of the waits after the dropped ones."""

    def simulate(draws: Draws, customers: int, dropped: int) -> Means:
        total, at = np.zeros(draws.replications), 0
        for waits in blocks(draws, customers):
            total += value(waits[max(0, dropped - at) :]).sum(axis=0)
            at += len(waits)
        return total / (customers - dropped)

    return simulate


def _single(gap_mean: float, service: Callable[[Draws, int], Columns]) -> Simulate:
    return _mean(_waits(lambda draws, size: draws.exponential(gap_mean, size), service))


def _many(servers: int, load: float) -> Simulate:
    """Mean wait of M/M/c with service mean 1."""

    def simulate(draws: Draws, customers: int, dropped: int) -> Means:
        gaps = np.concatenate([draws.exponential(1 / load, size) for size in _blocks(customers)])
        services = np.concatenate([draws.exponential(1.0, size) for size in _blocks(customers)])
        return np.asarray(kiefer_wolfowitz_columns(gaps, services, servers)[dropped:].mean(axis=0))

    return simulate


def _lost(servers: int, load: float) -> Simulate:
    """Share of arrivals that find all servers busy and go away."""

    def simulate(draws: Draws, customers: int, dropped: int) -> Means:
        work, lost, at = np.zeros((draws.replications, servers)), np.zeros(draws.replications), 0
        for size in _blocks(customers):
            gaps, services = draws.exponential(1 / load, size), draws.exponential(1.0, size)
            for number in range(size):
                work -= gaps[number][:, None]
                work.sort(axis=1)
                turned_away = work[:, 0] > 0
                work[:, 0] = np.where(turned_away, work[:, 0], services[number])
                if at >= dropped:
                    lost += turned_away
                at += 1
        return lost / (customers - dropped)

    return simulate


def _series(load: float, service_means: tuple[float, ...]) -> Simulate:
    """Mean time in a row of servers with unlimited queues."""

    def simulate(draws: Draws, customers: int, dropped: int) -> Means:
        free = [np.zeros(draws.replications) for _ in service_means]
        clock, total, at = np.zeros(draws.replications), np.zeros(draws.replications), 0
        for size in _blocks(customers):
            gaps = draws.exponential(1 / load, size)
            services = [draws.exponential(mean, size) for mean in service_means]
            for number in range(size):
                clock = clock + gaps[number]
                reached = clock
                for place, own in enumerate(services):
                    reached = free[place] = np.maximum(reached, free[place]) + own[number]
                if at >= dropped:
                    total += reached - clock
                at += 1
        return total / (customers - dropped)

    return simulate


def _few(people: int, away_mean: float) -> Simulate:
    """Mean wait of a few customers who always come back; service mean 1."""

    def simulate(draws: Draws, customers: int, dropped: int) -> Means:
        rows = np.arange(draws.replications)
        comes = draws.exponential(away_mean, people).T.copy()
        free, total, at = np.zeros(draws.replications), np.zeros(draws.replications), 0
        for size in _blocks(customers):
            services, away = draws.exponential(1.0, size), draws.exponential(away_mean, size)
            for number in range(size):
                first = comes.argmin(axis=1)
                came = comes[rows, first]
                start = np.maximum(came, free)
                free = start + services[number]
                comes[rows, first] = free + away[number]
                if at >= dropped:
                    total += start - came
                at += 1
        return total / (customers - dropped)

    return simulate


def _saturated(rates: tuple[float, ...]) -> Simulate:
    """Parcels per unit of time of a saturated line without buffers: the zones' recursion."""

    def simulate(draws: Draws, customers: int, dropped: int) -> Means:
        last = len(rates) - 1
        before = [np.zeros(draws.replications) for _ in rates]
        begin, at = np.zeros(draws.replications), 0
        for size in _blocks(customers):
            services = [draws.exponential(1 / rate, size) for rate in rates]
            for number in range(size):
                reached = before[0]
                for zone, own in enumerate(services):
                    done = np.maximum(reached, before[zone]) + own[number]
                    if zone < last:
                        done = np.maximum(done, before[zone + 1])
                    before[zone] = reached = done
                at += 1
                if at == dropped:
                    begin = before[last]
        return (customers - dropped) / (before[last] - begin)

    return simulate


def _line(name: str, rates: tuple[float, ...], source: str) -> Case:
    return Case(
        name=name, exact=closed.saturated_line_rate(rates), source=source, simulate=_saturated(rates),
        customers=100_000, dropped=1_000, limit=0.001,
    )  # fmt: skip


def _exponential(draws: Draws, size: int) -> Columns:
    return draws.exponential(1.0, size)


def _uniform(draws: Draws, size: int) -> Columns:
    return draws.uniform(0.0, 2.0, size)


_HUNT = "exact Markov chain; Hunt 1956"
REQUIRED: tuple[Case, ...] = (
    Case(
        name="M/M/1 rho 0.8, wait", exact=closed.wait_general_service(0.8, 1.0, 1.0), source="Pollaczek-Khinchine",
        simulate=_single(1.25, _exponential),
    ),
    Case(
        name="M/D/1 rho 0.8 (tunnel), wait", exact=closed.wait_general_service(0.8, 1.0, 0.0),
        source="Pollaczek-Khinchine",
        simulate=_single(1.25, lambda draws, size: np.ones((size, draws.replications))),
    ),
    Case(
        name="M/G/1 lognormal cv 1.5 rho 0.7, wait", exact=closed.wait_general_service(0.7, 1.0, LOGNORMAL_CV),
        source="Pollaczek-Khinchine",
        simulate=_single(1 / 0.7, lambda draws, size: draws.lognormal(1.0, LOGNORMAL_CV, size)),
    ),
    Case(
        name="M/M/4 load 2.83 (bench), wait", exact=closed.wait_many_servers(4, 2.83, 1.0), source="Erlang C",
        simulate=_many(4, 2.83),
    ),
    _line("saturated line K=2", (1.0,) * 2, _HUNT),
    _line("saturated line K=3", (1.0,) * 3, _HUNT),
    _line("saturated line K=4", (1.0,) * 4, _HUNT),
    _line("saturated line K=5", (1.0,) * 5, _HUNT),
)  # fmt: skip
"""Eight textbook queues: single and many servers, and lines without buffers between their stations."""
FURTHER: tuple[Case, ...] = (
    Case(
        name="M/M/1 rho 0.5, wait", exact=closed.wait_general_service(0.5, 1.0, 1.0), source="Pollaczek-Khinchine",
        simulate=_single(2.0, _exponential),
    ),
    Case(
        name="M/M/1 rho 0.8, P(wait > 4)", exact=0.8 * exp(-0.25 * 0.8 * 4), source="exponential tail",
        simulate=_mean(
            _waits(lambda draws, size: draws.exponential(1.25, size), _exponential),
            lambda waits: (waits > 4).astype(np.float64),
        ),
    ),
    Case(
        name="M/U/1 rho 0.8, wait", exact=closed.wait_general_service(0.8, 1.0, 1 / sqrt(3)),
        source="Pollaczek-Khinchine", simulate=_single(1.25, _uniform),
    ),
    Case(
        name="D/M/1 rho 0.8, wait", exact=closed.wait_regular_arrivals(1.25, 1.0), source="Kendall 1953",
        simulate=_mean(_waits(lambda draws, size: 1.25, _exponential)),
    ),
    Case(
        name="M/M/2 rho 0.8, wait", exact=closed.wait_many_servers(2, 1.6, 1.0), source="Erlang C",
        simulate=_many(2, 1.6),
    ),
    Case(
        name="M/M/4/4 load 2.83, lost", exact=closed.erlang_b(4, 2.83), source="Erlang B",
        simulate=_lost(4, 2.83),
    ),
    Case(
        name="five customers, one server, wait", exact=closed.wait_few_customers(5, 4.0, 1.0),
        source="machine repair, Palm 1947", simulate=_few(5, 4.0),
    ),
    Case(
        name="two servers in a row, sojourn", exact=closed.sojourn_in_series(0.7, (1.0, 1.25)), source="Jackson 1957",
        simulate=_series(0.7, (1.0, 0.8)),
    ),
    _line("saturated line 1.0, 2.0, 1.5", (1.0, 2.0, 1.5), "exact Markov chain"),
    _line("saturated line K=6", (1.0,) * 6, "exact Markov chain"),
)  # fmt: skip
"""Ten more."""
CASES = REQUIRED + FURTHER
