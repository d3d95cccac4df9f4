"""Queues read back from logs: who began when, how many servers there were."""

import random

import numpy
import pytest
from numpy.typing import NDArray

from sim.calibrate.queues import begins, station

Column = NDArray[numpy.int64]


def _desk(seed: int, servers: int, jobs: int, load: float) -> tuple[Column, Column, Column]:
    """(arrived, began, ended) in microseconds of a desk written down by a plain loop."""
    dice = random.Random(seed)
    free, at = [0] * servers, 0
    arrived, began, ended = [], [], []
    for _ in range(jobs):
        at += round(dice.expovariate(1 / 1e6))
        service = round(dice.gammavariate(2, servers * load * 1e6 / 2))
        first = min(range(servers), key=lambda one: free[one])
        start = max(at, free[first])
        free[first] = start + service
        arrived.append(at)
        began.append(start)
        ended.append(start + service)
    return numpy.array(arrived), numpy.array(began), numpy.array(ended)


@pytest.mark.parametrize("servers", [1, 2, 3, 5, 8])
def test_number_of_people_and_beginnings_follow_from_arrivals_and_ends(servers: int) -> None:
    arrived, began, ended = _desk(servers, servers, 2_000, 0.8)
    order = numpy.random.Generator(numpy.random.Philox(1)).permutation(2_000)
    found = station(arrived[order], ended[order])
    assert found is not None
    assert (found.servers, found.told) == (servers, "fewest that explain the ends")
    assert (found.began == began).all()
    assert (found.services == ended - began).all()


def test_logged_beginnings_and_names_are_taken_as_they_are() -> None:
    arrived, began, ended = _desk(3, 4, 500, 0.9)
    seen, named = station(arrived, ended, began), station(arrived, ended, None, persons=6)
    assert seen is not None
    assert named is not None
    assert (seen.servers, seen.told) == (4, "most at once")
    assert (named.servers, named.told) == (6, "names")
    assert station(arrived[:0], ended[:0]) is None


@pytest.mark.parametrize("servers", [1, 3])
def test_the_recursion_gives_the_beginnings_of_the_plain_loop(servers: int) -> None:
    arrived, began, ended = _desk(9, servers, 1_000, 0.85)
    found = begins(arrived.astype(float), (ended - began).astype(float), servers)
    assert numpy.abs(found - began).max() < 1e-3
