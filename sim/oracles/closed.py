"""Exact results of queueing theory, each with its source. Rates per unit of time; times in the same unit."""

from collections.abc import Callable, Sequence
from math import exp

import numpy as np

State = tuple[int, ...]

IDLE, BUSY, BLOCKED = 0, 1, 2
"""States of a station of a line without buffers."""


def erlang_b(servers: int, load: float) -> float:
    """Share of arrivals lost by ``servers`` without a queue at an offered ``load`` in Erlang (Erlang 1917).

    Computed by the recursion B(c) = a B(c-1) / (c + a B(c-1)), which does not overflow.
    """
    lost = 1.0
    for server in range(1, servers + 1):
        lost = load * lost / (server + load * lost)
    return lost


def erlang_c(servers: int, load: float) -> float:
    """Share of arrivals that wait for one of ``servers`` at an offered ``load`` in Erlang, load < servers.

    C = B / (1 - rho (1 - B)), rho = load / servers (Erlang 1917). Raises ValueError for an unstable queue.
    """
    if load >= servers:
        raise ValueError(f"load: expected less than {servers} servers can serve, was {load}")
    lost = erlang_b(servers, load)
    return lost / (1 - load / servers * (1 - lost))


def wait_many_servers(servers: int, arrival_rate: float, service_rate: float) -> float:
    """Mean wait before service of M/M/c: ErlangC / (c mu - lambda)."""
    return erlang_c(servers, arrival_rate / service_rate) / (servers * service_rate - arrival_rate)


def wait_general_service(arrival_rate: float, service_mean: float, service_cv: float) -> float:
    """Mean wait before service of M/G/1 (Pollaczek 1930, Khinchine 1932): rho s (1 + cv^2) / (2 (1 - rho)).

    ``service_cv``: standard deviation over mean; 0 is a constant service (M/D/1), 1 an exponential one (M/M/1).
    Raises ValueError for an unstable queue.
    """
    rho = arrival_rate * service_mean
    if rho >= 1:
        raise ValueError(f"utilisation: expected less than 1, was {rho}")
    return rho * service_mean * (1 + service_cv**2) / (2 * (1 - rho))


def wait_regular_arrivals(gap: float, service_rate: float) -> float:
    """Mean wait before service of D/M/1: sigma / (mu (1 - sigma)), sigma = exp(-mu gap (1 - sigma)) (Kendall 1953).

    Raises ValueError for an unstable queue.
    """
    if service_rate * gap <= 1:
        raise ValueError(f"service rate times gap: expected more than 1, was {service_rate * gap}")
    sigma = 0.0
    for _ in range(10_000):
        fresh = exp(-service_rate * gap * (1 - sigma))
        if abs(fresh - sigma) < 1e-15:
            break
        sigma = fresh
    return sigma / (service_rate * (1 - sigma))


def wait_few_customers(customers: int, away_mean: float, service_mean: float) -> float:
    """Mean wait of ``customers`` who come, are served by one server, and stay away (machine repair, Palm 1947).

    Exponential times. Mean value analysis: W(n) = s L(n-1), L(n) = n W / (W + away), W with service.
    """
    at_server = sojourn = 0.0
    for number in range(1, customers + 1):
        sojourn = service_mean * (1 + at_server)
        at_server = number * sojourn / (sojourn + away_mean)
    return sojourn - service_mean


def sojourn_in_series(arrival_rate: float, service_rates: Sequence[float]) -> float:
    """Mean time in a row of exponential servers with unlimited queues (Jackson 1957): sum of 1 / (mu - lambda)."""
    return sum(1 / (rate - arrival_rate) for rate in service_rates)


def saturated_line_rate(service_rates: Sequence[float]) -> float:
    """Parcels per unit of time of exponential stations in a row, without buffers, blocking after service.

    The first station never waits for parcels, the last is never blocked. Exact: stationary solution of the Markov
    chain whose states say idle, busy or blocked for each station. Two equal stations give 2/3, three 22/39 (Hunt,
    Sequential arrays of waiting lines, Operations Research 4, 1956).
    """
    stations = len(service_rates)
    if stations < 1 or min(service_rates) <= 0:
        raise ValueError(f"service_rates: expected at least one rate, all above 0, was {list(service_rates)}")
    start = (BUSY,) + (IDLE,) * (stations - 1)
    places, moves = _reachable(start, _completed, service_rates)
    rates = np.zeros((len(places), len(places)))
    for left, reached, rate in moves:
        rates[left, reached] += rate
        rates[left, left] -= rate
    balance = rates.T.copy()
    balance[-1] = 1.0  # the probabilities add up to one; one balance equation is redundant
    right = np.zeros(len(places))
    right[-1] = 1.0
    shares = np.linalg.solve(balance, right)
    last_busy = sum(shares[place] for state, place in places.items() if state[-1] == BUSY)
    return float(last_busy * service_rates[-1])


def _reachable(
    start: State, completed: Callable[[State, int], State], rates: Sequence[float]
) -> tuple[dict[State, int], list[tuple[int, int, float]]]:
    """All states that follow from ``start``, numbered, and the moves between them with their rates."""
    places, moves, waiting = {start: 0}, [], [start]
    while waiting:
        state = waiting.pop()
        for station, word in enumerate(state):
            if word == BUSY:
                reached = completed(state, station)
                if reached not in places:
                    places[reached] = len(places)
                    waiting.append(reached)
                moves.append((places[state], places[reached], rates[station]))
    return places, moves


def _completed(state: State, station: int) -> State:
    """The state after a service ends at ``station``: its parcel goes on, or stands blocked."""
    line = list(state)
    last = len(line) - 1
    if station < last and line[station + 1] != IDLE:
        line[station] = BLOCKED
        return tuple(line)
    if station < last:
        line[station + 1] = BUSY
    free = station
    while free > 0 and line[free - 1] == BLOCKED:  # the parcels behind that stood blocked all move up by one
        line[free] = BUSY
        free -= 1
    line[free] = BUSY if free == 0 else IDLE
    return tuple(line)
