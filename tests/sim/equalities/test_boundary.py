"""E3 where it is narrow: answers that come within a few polls of the decision, before it and after it.

The decision falls when the core knows that the belt has reached the decision point. Behind polls it knows so up to a
poll later than the belt does, so an answer in that last moment may count on one twin and not on the other. Neither may
ever release what nobody looked at, and an answer that is in time by the belt must count on both.
"""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from lane.codec import decode
from lane.events.parcel import ContentCompared, DispositionDecided
from lane.inputs import ScanStored, VisionResult
from lane.model.words import FindingKind, Route
from sim import twin
from sim.coretwin import station
from sim.coretwin.verdicts import VerdictModel, Verdicts
from sim.scenario import Scenario
from sim.streams.make import make_stream
from sim.streams.truth import ParcelTruth
from tests.sim.equalities.polled import PolledStation
from tests.sim.equalities.wire_traces import Trace, traces

PARCELS, SEED = 120, 8
POLL_US = 20_000
EDGE = 1
"""An answer up to so many polls after the belt reached the decision point may still count behind polls."""
SLACKS = tuple(place / 10 for place in range(-30, 51))
"""Polls between an answer and the moment at which the belt reaches the decision point; negative: after it."""


class Spread(Verdicts):
    """Answers that come a given slack before the decision point, another one for every parcel."""

    due_us: dict[int, int]
    """Time at which the belt reaches the decision point, less the time at which the picture is there; by body."""

    def answer(self, count: Any, truth: ParcelTruth | None) -> Any:
        duration_us, result = super().answer(count, truth)
        if truth is None or truth.number not in self.due_us:
            return duration_us, result
        return self.due_us[truth.number] - int(slack_of(truth.number) * POLL_US), result


def slack_of(number: int) -> float:
    """Polls that this body's answer comes before its decision; each of ``SLACKS`` in turn, in a mixed order."""
    return SLACKS[number * 37 % len(SLACKS)]


def run(day: Scenario, polled: type[PolledStation] | None, due_us: dict[int, int]) -> tuple[list[Any], dict[str, Any]]:
    """(records, figures) of the same lane with answers at the edge; ``due_us`` empty: with quick ones."""
    config = replace(day.config, content=replace(day.config.content, vision_us_max=60_000_000))
    perfect = VerdictModel(uncertain_permille=0, miss_permille=0, false_alarm_permille=0, failed_permille=0)
    settings = replace(day.settings, verdicts=perfect, keep_records=True)
    spread = type("Spread", (Spread,), {"due_us": due_us})
    with patch.object(station, "Verdicts", spread), patch.object(twin, "Station", polled or station.Station):
        result = twin.run_core_twin(config, make_stream(day.sized(PARCELS, SEED)), SEED, settings=settings)
    assert result.figures["ended"] == "complete"
    return [decode(body) for _, body in result.journal.records()], result.figures


@pytest.fixture(scope="module")
def due_us(day: Scenario) -> dict[int, int]:
    """Without polls the decision falls to the microsecond when the belt is there, whatever vision says."""
    records, _ = run(day, None, {})
    stored = {record.seq: record.at_us for record in records if isinstance(record, ScanStored)}
    decided = {record.seq: record.at_us for record in records if isinstance(record, DispositionDecided)}
    asked = {record.seq for record in records if isinstance(record, VisionResult)}
    return {seq: decided[seq] - stored[seq] for seq in asked}  # without faults a body's number is its lane number


@pytest.fixture(scope="module")
def ideal(day: Scenario, due_us: dict[int, int]) -> dict[int, Trace]:
    """What the core decides that knows the belt at every instant."""
    records, _ = run(day, None, due_us)
    decided = {record.seq: record for record in records if isinstance(record, DispositionDecided)}
    compared = {record.seq for record in records if isinstance(record, ContentCompared)}
    in_time = {seq for seq in due_us if slack_of(seq) > 0}
    assert compared >= in_time, "expected every answer before the decision point to count"
    assert {decided[seq].route for seq in due_us.keys() - in_time} == {Route.INSPECT}
    return traces(records)


@pytest.mark.parametrize("phase_us", [0, 7_000, 13_000])
def test_behind_polls_the_core_decides_alike_but_in_the_last_moment_and_never_unseen(
    day: Scenario, due_us: dict[int, int], ideal: dict[int, Trace], phase_us: int
) -> None:
    polled = type("Polled", (PolledStation,), {"poll_us": POLL_US, "phase_us": phase_us})
    records, figures = run(day, polled, due_us)
    found = traces(records)
    other = {seq: slack_of(seq) for seq in ideal if sorted(found[seq]) != sorted(ideal[seq])}
    assert len(found) == len(ideal) == PARCELS
    assert sum(slack > 0 for slack in map(slack_of, due_us)) > PARCELS // 3
    assert all(-EDGE <= slack <= 0 for slack in other.values()), other
    assert {decided_of(ideal[seq])[0][1] for seq in other} == {Route.INSPECT}
    assert figures["referee"]["rule_violating_releases"] == figures["referee"]["unaccounted"] == 0

    matched = set()
    for record in records:
        if isinstance(record, ContentCompared) and record.finding is FindingKind.MATCH:
            matched.add(record.seq)
        elif isinstance(record, DispositionDecided) and record.route is Route.RELEASE:
            assert record.seq in matched, f"parcel {record.seq} was released before its content was compared"


def test_the_edge_is_really_reached(day: Scenario, due_us: dict[int, int], ideal: dict[int, Trace]) -> None:
    """An answer less than a poll after the belt was there counts behind polls only: the two twins do differ there."""
    polled = type("Polled", (PolledStation,), {"poll_us": POLL_US, "phase_us": 0})
    found = traces(run(day, polled, due_us)[0])
    other = [slack_of(seq) for seq in due_us if decided_of(found[seq]) != decided_of(ideal[seq])]
    assert other, "expected some answers that only one of the twins takes"


def decided_of(trace: Trace) -> Trace:
    """The decision and what followed from it."""
    names = ("DispositionDecided", "PermitIssued", "ParcelReleased", "ParcelDiverted")
    return tuple(step for step in trace if step[0] in names)
