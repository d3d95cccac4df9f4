"""Laws that hold on every path, held against whole runs of the core twin: its belt and its bench."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from devices.signals import EyeChanged
from lane.codec import decode
from lane.events.parcel import BenchRecorded, ParcelDiverted, ParcelInducted, ParcelReleased
from lane.model.config import EYE_EXIT_INSPECT, EYE_EXIT_RELEASE, EYE_INDUCT
from lane.model.words import Via
from sim.oracles import paths
from sim.scenario import Scenario, load_scenario
from sim.streams.make import make_stream
from sim.streams.randoms import Keyed
from sim.twin import CoreTwinResult, run_core_twin

DAY = Path(__file__).parents[3] / "config" / "scenarios" / "day.toml"
PARCELS, SEED, OFFICERS = 250, 6, 4
Records = list[Any]


@pytest.fixture(scope="module")
def day() -> Scenario:
    return load_scenario(DAY)


@pytest.fixture(scope="module")
def result(day: Scenario) -> CoreTwinResult:
    """A run whose bench has too few officers, so that a queue stands before it."""
    settings = replace(day.settings, keep_records=True, bench=replace(day.settings.bench, officers=OFFICERS))
    return run_core_twin(day.config, make_stream(day.sized(PARCELS, SEED)), SEED, settings=settings)


@pytest.fixture(scope="module")
def records(result: CoreTwinResult) -> Records:
    return [decode(body) for _, body in result.journal.records()]


def _times(records: Records, kind: Any, key: Callable[[Any], bool] = lambda record: True) -> dict[int, int]:
    return {record.seq: record.at_us for record in records if type(record) is kind and key(record)}


def test_the_eyes_count_on_the_belt_what_the_books_say_of_each_parcel(records: Records) -> None:
    """Little's law from two sides: the number between the eyes over time, and the times of the parcels one by one."""
    edges = [record for record in records if type(record) is EyeChanged and record.blocked]
    came = [edge.at_us for edge in edges if edge.eye == EYE_INDUCT]
    went = [edge.at_us for edge in edges if edge.eye in (EYE_EXIT_RELEASE, EYE_EXIT_INSPECT)]
    inducted = _times(records, ParcelInducted)
    gone = _times(records, ParcelDiverted) | _times(records, ParcelReleased, lambda record: record.via is Via.GATE)
    assert len(came) == len(went) == len(inducted) == len(gone) == PARCELS
    tails_us = paths.area_under_queue(came, went)
    assert tails_us == sum(gone[seq] - inducted[seq] for seq in inducted)


def test_the_bench_opens_parcels_as_the_recursion_of_many_servers_says(day: Scenario, records: Records) -> None:
    diverted, opened = _times(records, ParcelDiverted), _times(records, BenchRecorded)
    order = sorted(diverted, key=lambda seq: diverted[seq])
    assert len(order) == len(opened) > 40
    came = [diverted[seq] for seq in order]
    gaps = [came[0], *(after - before for before, after in pairwise(came))]
    spec = day.settings.bench
    services = [spec.constant_us + Keyed(SEED, "bench", seq).exponential(spec.mean_us) for seq in order]
    waits = paths.kiefer_wolfowitz(gaps, services, OFFICERS)
    assert max(waits) > 10_000_000, "expected a queue before the bench, or this proves nothing"
    expected = {seq: at + wait + service for seq, at, wait, service in zip(order, came, waits, services, strict=True)}
    assert opened == expected

    starts = [at + wait for at, wait in zip(came, waits, strict=True)]
    ends = [opened[seq] for seq in order]
    busy, work = paths.utilisation(zip(starts, ends, strict=True), OFFICERS, max(ends) - min(came))
    assert busy == work == sum(services)
    queue_area, queue_sum = paths.little(came, starts)
    assert queue_area == queue_sum == sum(waits)


def test_every_body_is_somewhere_exactly_once(result: CoreTwinResult) -> None:
    told = result.figures["referee"]
    ends = ("bodies_released", "bodies_inspected", "bodies_removed", "bodies_on_belt")
    assert told["bodies_fed"] + told["bodies_inserted"] == sum(told[name] for name in ends) == PARCELS
    assert told["unaccounted"] == 0


def test_a_parcel_that_the_books_lose_is_noticed(records: Records) -> None:
    edges = [record for record in records if type(record) is EyeChanged and record.blocked]
    came = [edge.at_us for edge in edges if edge.eye == EYE_INDUCT]
    went = [edge.at_us for edge in edges if edge.eye in (EYE_EXIT_RELEASE, EYE_EXIT_INSPECT)]
    with pytest.raises(ValueError, match="as many departures as arrivals"):
        paths.area_under_queue(came, went[:-1])
