"""Laws that hold on every path, held against whole runs of the core twin: its belt and its bench."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from devices.signals import EyeChanged
from lane.codec import decode
from lane.events.parcel import BenchRecorded, ParcelDiverted, ParcelInducted, ParcelReleased
from lane.model.config import EYE_EXIT_INSPECT, EYE_EXIT_RELEASE, EYE_INDUCT
from lane.model.words import Via
from sim.officers import opening_us
from sim.oracles import paths
from sim.scenario import Scenario, load_scenario
from sim.streams.make import make_stream
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


def _eyes(records: Records) -> tuple[list[int], list[int]]:
    """Times of heads at the induct eye, and at both exit eyes."""
    edges = [record for record in records if type(record) is EyeChanged and record.blocked]
    came = [edge.at_us for edge in edges if edge.eye == EYE_INDUCT]
    went = [edge.at_us for edge in edges if edge.eye in (EYE_EXIT_RELEASE, EYE_EXIT_INSPECT)]
    return came, went


def test_the_eyes_count_on_the_belt_what_the_books_say_of_each_parcel(records: Records) -> None:
    """Little's law from two sides: the number between the eyes over time, and the times of the parcels one by one."""
    came, went = _eyes(records)
    inducted = _times(records, ParcelInducted)
    gone = _times(records, ParcelDiverted) | _times(records, ParcelReleased, lambda record: record.via is Via.GATE)
    assert len(came) == len(went) == len(inducted) == len(gone) == PARCELS
    tails_us = paths.area_under_queue(came, went)
    assert tails_us == sum(gone[seq] - inducted[seq] for seq in inducted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The bench as the recursion has it: times of arrival, waits, durations, in order of arrival."""

    order: list[int]
    came: list[int]
    waits: list[int]
    services: list[int]


@pytest.fixture(scope="module")
def opened(day: Scenario, records: Records) -> Opened:
    """Waits by Kiefer and Wolfowitz from the arrivals at the bench and the durations keyed by parcel."""
    diverted = _times(records, ParcelDiverted)
    order = sorted(diverted, key=lambda seq: diverted[seq])
    came = [diverted[seq] for seq in order]
    gaps = [came[0], *(after - before for before, after in pairwise(came))]
    services = [opening_us(day.settings.bench, SEED, seq) for seq in order]
    waits = paths.kiefer_wolfowitz(gaps, services, OFFICERS)
    assert len(order) > 40
    assert max(waits) > 10_000_000, "expected a queue before the bench, or this proves nothing"
    return Opened(order=order, came=came, waits=waits, services=services)


def test_the_bench_opens_parcels_as_the_recursion_of_many_servers_says(opened: Opened, records: Records) -> None:
    rows = zip(opened.order, opened.came, opened.waits, opened.services, strict=True)
    ends = {seq: at + wait + service for seq, at, wait, service in rows}
    assert _times(records, BenchRecorded) == ends

    starts = [at + wait for at, wait in zip(opened.came, opened.waits, strict=True)]
    spans = zip(starts, (ends[seq] for seq in opened.order), strict=True)
    busy, work = paths.utilisation(spans, OFFICERS, max(ends.values()) - min(opened.came))
    assert busy == work == sum(opened.services)
    queue_area, queue_sum = paths.little(opened.came, starts)
    assert queue_area == queue_sum == sum(opened.waits)


def test_the_figures_of_the_bench_are_those_of_the_recursion(
    opened: Opened, records: Records, result: CoreTwinResult
) -> None:
    """What a study reports: mean and percentiles of the wait, mean queue (Little's law), utilisation."""
    figures, waits = result.figures, sorted(opened.waits)
    span_us = records[-1].at_us - min(opened.came)
    assert figures["bench_served"] == len(waits)
    assert figures["bench_wait_mean_s"] == pytest.approx(sum(waits) / len(waits) / 1e6, abs=6e-4)
    for percent in (50, 95, 99):
        expected = waits[-(-len(waits) * percent // 100) - 1]
        assert figures[f"bench_wait_p{percent}_s"] == pytest.approx(expected / 1e6, abs=6e-4)
    assert figures["bench_queue_mean"] == pytest.approx(sum(waits) / span_us, abs=6e-4)
    share = 100 * sum(opened.services) / (OFFICERS * span_us)
    assert figures["bench_utilisation_percent"] == pytest.approx(share, abs=6e-3)


def test_every_body_is_somewhere_exactly_once(result: CoreTwinResult) -> None:
    told = result.figures["referee"]
    ends = ("bodies_released", "bodies_inspected", "bodies_removed", "bodies_on_belt")
    assert told["bodies_fed"] + told["bodies_inserted"] == sum(told[name] for name in ends) == PARCELS
    assert told["unaccounted"] == 0


def test_a_parcel_that_the_books_lose_is_noticed(records: Records) -> None:
    came, went = _eyes(records)
    with pytest.raises(ValueError, match="as many departures as arrivals"):
        paths.area_under_queue(came, went[:-1])
