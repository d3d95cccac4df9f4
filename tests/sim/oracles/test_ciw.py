"""Another simulator, written by others, gives the same times: Ciw's blocking of Type I is our blocking belt."""

import ciw
import numpy as np
import pytest

from sim.heap import HeapLoop
from sim.kernel import Kernel
from sim.oracles import paths, vectors
from sim.oracles.models import Belt, Queue

PARCELS = 3_000


def _times_of_ciw(
    gaps: list[float], services: list[list[float]], *, queues: list[float], servers: list[int]
) -> list[list[float]]:
    """(arrival, then the exit from each node) of each customer in order of arrival; nodes in a row."""
    nodes = len(queues)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential(gaps), *[None] * (nodes - 1)],
        service_distributions=[ciw.dists.Sequential(list(column)) for column in zip(*services, strict=True)],
        queue_capacities=queues,
        number_of_servers=servers,
        routing=[[float(to == node + 1) for to in range(nodes)] for node in range(nodes)],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(len(gaps), method="Finish")
    times: dict[int, dict[int, tuple[float, float]]] = {}
    for record in simulation.get_all_records():
        times.setdefault(record.id_number, {})[record.node] = record.arrival_date, record.exit_date
    whole = [times[number] for number in sorted(times) if len(times[number]) == nodes][: len(gaps)]
    return [[one[1][0], *[one[node][1] for node in range(1, nodes + 1)]] for one in whole]


def test_ciw_gives_the_published_belt_zone_by_zone() -> None:
    arrivals, services = vectors.tandem(PARCELS)
    gaps = [arrivals[0], *np.diff(arrivals).tolist()]
    queues = [float("inf"), *[0] * (vectors.ZONES - 1)]
    found = _times_of_ciw(gaps, services, queues=queues, servers=[1] * vectors.ZONES)
    sojourn = np.mean([one[-1] - one[0] for one in found])
    assert len(found) == PARCELS
    assert sojourn == pytest.approx(vectors.TANDEM[PARCELS], abs=6e-7)
    left = np.array([one[1:] for one in found])
    assert left == pytest.approx(np.array(paths.zones(arrivals, services)), abs=1e-6)
    assert left == pytest.approx(np.array(Belt(Kernel(), arrivals, services).run().left), abs=1e-6)


def test_ciw_gives_the_waits_of_a_bench_of_four() -> None:
    source = np.random.default_rng(4)
    gaps, services = source.exponential(1 / 2.83, PARCELS).tolist(), source.exponential(1.0, PARCELS).tolist()
    found = _times_of_ciw(gaps, [[one] for one in services], queues=[float("inf")], servers=[4])
    waits = [left - came - service for (came, left), service in zip(found, services, strict=True)]
    assert waits == pytest.approx(Queue(HeapLoop(), gaps, services, 4).run().waits, abs=1e-6)
    assert waits == pytest.approx(paths.kiefer_wolfowitz(gaps, services, 4), abs=1e-6)
