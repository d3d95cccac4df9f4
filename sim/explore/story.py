"""A case told in at most twenty lines: the lane, what went wrong, and what became of one parcel."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from lane.controller.core import LaneController
from lane.events.machine import AlarmRaised, BeltFlushed, GateProven, StateChanged, TrackingStray
from lane.events.parcel import (
    CustodyUnproven,
    DispositionDecided,
    GroundAdded,
    ParcelDiverted,
    ParcelDrawn,
    ParcelIdentified,
    ParcelInducted,
    ParcelReleased,
    ParcelScanned,
    PermitIssued,
    PermitUsed,
    PermitVoided,
    TrackingLost,
)
from lane.events.union import AnyEvent
from lane.inputs import AnyInput
from lane.model.words import Route
from sim.explore.case import Case
from sim.explore.judge import Judge, Witness
from sim.explore.residual import unexplained, why
from sim.explore.run import CaseResult, Hook, MakeController, finished, prepare
from sim.explore.setup import Setup
from sim.explore.watch import Broken
from sim.faults import CATALOGUE, Fault

LINES_MAX = 20
NEAR_US = 25_000_000
"""What happened longer before the body reached the blade is another parcel's story."""
TEXT_MAX = 118
_OF_LANE = (StateChanged, AlarmRaised, BeltFlushed, GateProven, TrackingStray)
_OF_PARCEL = (
    ParcelInducted, ParcelIdentified, ParcelDrawn, ParcelScanned, DispositionDecided, GroundAdded, PermitIssued,
    PermitUsed, PermitVoided, ParcelReleased, ParcelDiverted, CustodyUnproven, TrackingLost,
)  # fmt: skip
Line = tuple[int, int, str]


class _Recorder(Witness):
    """Notes which body passed where."""

    def __init__(self, station: Any, judge: Judge, lines: list[Line]) -> None:
        super().__init__(station, judge)
        self._lines = lines

    def fed(self, at_us: int, belt_um: int, number: int) -> None:
        """A body stands at the induct eye."""
        self._lines.append((at_us, number, f"body {number} stands at the induct eye"))
        super().fed(at_us, belt_um, number)

    def routed(self, at_us: int, belt_um: int, number: int, route: Route) -> None:
        """A head reached the blade."""
        self._lines.append((at_us, number, f"body {number} reaches the blade and goes to {route}"))
        super().routed(at_us, belt_um, number, route)


def story(case: Case, make_controller: MakeController = LaneController, hooks: Sequence[Hook] = ()) -> list[str]:
    """Run the case and tell it. Without a broken rule the story is of the last parcel that was released."""
    station, judge = prepare(case, make_controller)
    bodies: list[Line] = []
    station.senses = _Recorder(station, judge, bodies)
    station.plant.listener = station.senses
    heard: list[tuple[int, AnyEvent]] = []
    watch = station.journal.watch  # type: ignore[attr-defined]

    def saw(item: AnyInput, events: Sequence[AnyEvent]) -> None:
        watch(item, events)
        heard.extend((station.now, event) for event in events if type(event) in _OF_LANE + _OF_PARCEL)

    station.journal.watch = saw  # type: ignore[attr-defined]
    for hook in hooks:
        hook(station)
    found = finished(case, station, judge)
    return _tell(found, bodies, heard, station.referee.passages)


def _tell(found: CaseResult, bodies: list[Line], heard: list[tuple[int, AnyEvent]], passages: Any) -> list[str]:
    broken = _first(found)
    seq, body = (broken.seq, broken.body) if broken is not None else (0, 0)
    if body and not seq:
        seq = next((passage.seq for passage in passages.values() if passage.number == body), 0)
    if seq and not body and seq in passages:
        body = passages[seq].number
    ends = [at for at, number, text in bodies if number == body and "blade" in text]
    end_us = ends[-1] if ends else (broken.at_us if broken is not None else 0)
    lines: list[tuple[int, int, str]] = []
    for at_us, fault in found.faults:
        if at_us <= end_us + 1 and (at_us >= end_us - NEAR_US or len(found.faults) <= 6):
            lines.append((at_us, 0, f"FAULT {CATALOGUE[fault.kind].id} {_of_fault(fault)}"))
    lines += [(at_us, 1, text) for at_us, number, text in bodies if number == body]
    for at_us, event in heard:
        mine = getattr(event, "seq", -1) == seq and seq
        if mine and type(event) in _OF_PARCEL:
            lines.append((at_us, 2, _of_event(event)))
        elif type(event) in _OF_LANE and end_us - NEAR_US <= at_us <= end_us + 5_000_000:
            lines.append((at_us, 3 if type(event) is StateChanged else 4, _of_event(event)))
    head = _head(found)
    head += [_broken(found, one) for one in (unexplained(found) or found.broken)[:2]]
    lines = _shortened(lines, LINES_MAX - len(head))
    return [line[:TEXT_MAX] for line in head + [f"{at_us / 1e6:10.3f} s  {text}" for at_us, _, text in lines]]


def _shortened(lines: list[tuple[int, int, str]], room: int) -> list[tuple[int, int, str]]:
    """The most telling lines that fit, in order of time."""
    numbered = list(enumerate(lines))
    numbered.sort(key=lambda one: (one[1][1], one[0]))
    kept = sorted(numbered[:room], key=lambda one: (one[1][0], one[0]))
    return [line for _, line in kept]


def _first(found: CaseResult) -> Broken | None:
    """The broken rule that the story is about: one that names a body, if there is one."""
    broken = unexplained(found) or found.broken
    named = [one for one in broken if one.body] + [one for one in broken if one.seq]
    return next(iter(named or broken), None)


def _broken(found: CaseResult, one: Broken) -> str:
    known = why(found, one)
    return f"BROKEN {one.rule}: {one.text or 'by the body, see below'}{' (residual: ' + known + ')' if known else ''}"


def _head(found: CaseResult) -> list[str]:
    case, setup = found.case, found.case.setup
    usual = Setup()
    differs = [
        f"{field.name} {getattr(setup, field.name)}"
        for field in fields(Setup)
        if getattr(setup, field.name) != getattr(usual, field.name)
    ]
    count = len(case.kept) or case.parcels
    return [
        f"seed {case.seed}, {case.mode}, {count} parcels, {len(case.faults)} faults planned, {len(found.faults)} took "
        f"effect, ended: {found.ended}",
        f"lane: {', '.join(differs) or 'the usual one'}",
    ]


def _of_fault(fault: Fault) -> str:
    parts = [str(fault.kind)]
    if fault.duration_us:
        parts.append(f"for {fault.duration_us / 1e6:.1f} s")
    parts.append(f"strength {fault.strength}" if fault.strength else "")
    return " ".join(part for part in parts if part) + f": {CATALOGUE[fault.kind].meaning}"


def _of_event(event: Any) -> str:
    """An event in words: its name and what it says, without times and hashes."""
    left_out = {"at_us", "belt_um", "matrix_sha256", "parcel_key", "d", "rate", "design", "n", "selected", "p_num"}
    left_out |= {"p_den", "epoch", "person", "instruction", "evidence", "advisory", "counts", "sticky_from"}
    parts = []
    for name in type(event).__struct_fields__:
        value = getattr(event, name)
        if name in left_out or value in ("", (), 0) or (name == "seq" and not value):
            continue
        if isinstance(value, tuple):
            value = "+".join(str(one) for one in value[:4])
        text = str(getattr(value, "name", value))
        parts.append(f"{name} {text[:12] if name.endswith('sha256') else text}")
    return f"{type(event).__name__} {', '.join(parts)}"
