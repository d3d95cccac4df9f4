"""Event by event or by a recursion: equal draws give equal times, exactly in whole microseconds."""

from collections.abc import Callable

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.heap import HeapLoop
from sim.kernel import Kernel
from sim.oracles import paths, vectors
from sim.oracles.models import Belt, Driver, Queue, belt_of_processes, queue_of_processes

TIMES = st.integers(0, 9)
DRIVERS: list[Callable[[], Driver]] = [Kernel, HeapLoop]
CUSTOMERS = st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=40)
PARCELS = st.integers(1, 5).flatmap(
    lambda zones: st.lists(st.tuples(TIMES, st.lists(TIMES, min_size=zones, max_size=zones)), min_size=1, max_size=25)
)


@settings(max_examples=120, derandomize=True, deadline=None)
@given(CUSTOMERS, st.integers(1, 4))
def test_the_queue_gives_the_waits_of_kiefer_and_wolfowitz_and_keeps_every_law(
    customers: list[tuple[int, int]], servers: int
) -> None:
    gaps, services = [gap for gap, _ in customers], [service for _, service in customers]
    expected = paths.kiefer_wolfowitz(gaps, services, servers)
    for make in DRIVERS:
        queue = Queue(make(), gaps, services, servers).run()
        assert queue.waits == expected
        starts = [start for start, _ in queue.served]
        ends = [end for _, end in queue.served]
        waiting = paths.little(queue.arrived, starts)
        present = paths.little(queue.arrived, ends)
        assert waiting[0] == waiting[1] == sum(expected)
        assert present[0] == present[1] == sum(expected) + sum(services)
        busy, work = paths.utilisation(queue.served, servers, max(ends))
        assert busy == work == sum(services)


@settings(max_examples=120, derandomize=True, deadline=None)
@given(CUSTOMERS)
def test_one_server_gives_the_waits_of_lindley(customers: list[tuple[int, int]]) -> None:
    gaps, services = [gap for gap, _ in customers], [service for _, service in customers]
    expected = paths.lindley(gaps, services)
    assert paths.kiefer_wolfowitz(gaps, services, 1) == expected
    assert Queue(Kernel(integer_time=True), gaps, services).run().waits == expected
    assert queue_of_processes(Kernel(integer_time=True), gaps, services) == expected
    assert queue_of_processes(simpy.Environment(), gaps, services) == expected


@settings(max_examples=120, derandomize=True, deadline=None)
@given(PARCELS)
def test_the_belt_gives_the_times_of_the_zones_recursion_and_no_zone_ever_holds_two(
    parcels: list[tuple[int, list[int]]],
) -> None:
    arrivals = np.cumsum([gap for gap, _ in parcels]).tolist()
    services = [own for _, own in parcels]
    expected = paths.zones(arrivals, services)
    for make in DRIVERS:
        assert Belt(make(), arrivals, services).run().left == expected
    assert belt_of_processes(Kernel(integer_time=True), arrivals, services) == [own[-1] for own in expected]
    for zone in range(1, len(services[0])):
        entered = [own[zone - 1] for own in expected]
        assert all(entered[n] >= expected[n - 1][zone] for n in range(1, len(expected)))


def test_columns_of_replications_are_the_single_paths_side_by_side() -> None:
    source = np.random.default_rng(7)
    gaps, services = source.exponential(0.5, (200, 6)), source.exponential(1.0, (200, 6))
    columns = paths.kiefer_wolfowitz_columns(gaps, services, 3)
    for number in range(6):
        single = paths.kiefer_wolfowitz(gaps[:, number].tolist(), services[:, number].tolist(), 3)
        assert columns[:, number] == pytest.approx(single, abs=1e-9)


@pytest.mark.parametrize("make", DRIVERS)
def test_the_published_single_server_gives_its_published_wait_by_events(make: Callable[[], Driver]) -> None:
    gaps, services = vectors.single_server(30_000)
    waits = Queue(make(), gaps, services).run().waits
    assert np.mean(waits) == pytest.approx(vectors.SINGLE_SERVER[30_000], abs=6e-7)
    assert waits == pytest.approx(paths.lindley(gaps, services), abs=1e-8)


@pytest.mark.parametrize("customers", vectors.SINGLE_SERVER)
def test_the_published_single_server_gives_its_published_wait_by_recursion(customers: int) -> None:
    waits = paths.lindley(*vectors.single_server(customers))
    assert sum(waits) / customers == pytest.approx(vectors.SINGLE_SERVER[customers], abs=6e-7)


@pytest.mark.parametrize("make", DRIVERS)
def test_the_published_belt_gives_its_published_sojourn_by_events(make: Callable[[], Driver]) -> None:
    arrivals, services = vectors.tandem(3_000)
    left = Belt(make(), arrivals, services).run().left
    sojourn = np.mean([own[-1] for own in left]) - np.mean(arrivals)
    assert sojourn == pytest.approx(vectors.TANDEM[3_000], abs=6e-7)
    assert np.array(left) == pytest.approx(np.array(paths.zones(arrivals, services)), abs=1e-9)


@pytest.mark.parametrize("parcels", vectors.TANDEM)
def test_the_published_belt_gives_its_published_sojourn_by_recursion(parcels: int) -> None:
    arrivals, services = vectors.tandem(parcels)
    left = paths.zones(arrivals, services)
    sojourn = sum(own[-1] - came for own, came in zip(left, arrivals, strict=True)) / parcels
    assert sojourn == pytest.approx(vectors.TANDEM[parcels], abs=6e-7)


def test_public_simpy_models_on_the_kernel_give_the_published_values_too() -> None:
    gaps, services = vectors.single_server(3_000)
    assert queue_of_processes(Kernel(), gaps, services) == queue_of_processes(simpy.Environment(), gaps, services)
    arrivals, own = vectors.tandem(3_000)
    left = belt_of_processes(Kernel(), arrivals, own)
    assert np.mean(left) - np.mean(arrivals) == pytest.approx(vectors.TANDEM[3_000], abs=6e-7)


def test_a_law_that_is_broken_is_noticed() -> None:
    assert paths.little([0, 1], [4, 3]) == (6, 6)
    with pytest.raises(ValueError, match="one left before one came"):
        paths.little([5], [3])
    with pytest.raises(ValueError, match="as many departures as arrivals"):
        paths.little([5, 6], [7])
    with pytest.raises(ValueError, match="at most 1 at work at once, were 2"):
        paths.utilisation([(0, 4), (3, 5)], 1, 10)
