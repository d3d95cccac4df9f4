"""A case told in at most twenty lines: the lane, what went wrong first and last, and what became of the parcels."""

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
    """Head, and the parts around the first and the last broken rule, which are often one."""
    told = _broken(found)
    broken = [one for place, one in enumerate(told) if place == 0 or (place == len(told) - 1 and _other(one, told[0]))]
    head = _head(found) + [_of_broken(found, one) for one in broken]
    if len(told) > len(broken):
        head.append(f"and {len(told) - len(broken)} more broken rules of the same bodies, or between them")
    subjects = [_subject(one, passages) for one in broken] or [_last_released(bodies, passages)]
    room = (LINES_MAX - len(head)) // len(subjects)
    parts: list[Line] = []
    for seq, body, at_us in subjects:
        part, end_us = _part(found, bodies, heard, seq=seq, body=body, at_us=at_us)
        fresh = [line for line in part if line not in parts]
        parts += _shortened(fresh, room, end_us)
    parts.sort(key=lambda line: line[0])
    return [line[:TEXT_MAX] for line in head + [f"{at_us / 1e6:10.3f} s  {text}" for at_us, _, text in parts]]


def _broken(found: CaseResult) -> list[Broken]:
    """Broken rules in order of time: those that name a body, if there are such."""
    broken = unexplained(found) or found.broken
    named = [one for one in broken if one.body] or [one for one in broken if one.seq]
    return sorted(named or broken, key=lambda one: one.at_us)


def _other(one: Broken, first: Broken) -> bool:
    """Whether this is another matter than the first: of another body, or at another moment."""
    return (one.body, one.seq, one.at_us) != (first.body, first.seq, first.at_us)


def _subject(broken: Broken, passages: Any) -> tuple[int, int, int]:
    """(lane number, body, moment) that a broken rule is about (0: none)."""
    seq, body = broken.seq, broken.body
    if body and not seq:
        seq = next((passage.seq for passage in passages.values() if passage.number == body), 0)
    if seq and not body and seq in passages:
        body = passages[seq].number
    return seq, body, broken.at_us


def _last_released(bodies: list[Line], passages: Any) -> tuple[int, int, int]:
    """Of a case in which nothing broke."""
    gone = f"goes to {Route.RELEASE}"
    at_us, body, _ = next((line for line in reversed(bodies) if line[2].endswith(gone)), (0, 0, ""))
    return next((passage.seq for passage in passages.values() if body and passage.number == body), 0), body, at_us


def _part(
    found: CaseResult, bodies: list[Line], heard: list[tuple[int, AnyEvent]], *, seq: int, body: int, at_us: int
) -> tuple[list[Line], int]:
    """What happened around one body's way (or one moment), and when that ended."""
    ends = [at for at, number, text in bodies if number == body and "blade" in text]
    end_us = ends[-1] if ends else at_us
    lines: list[Line] = []
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
    return lines, end_us


def _shortened(lines: list[Line], room: int, end_us: int) -> list[Line]:
    """The most telling lines that fit, of equal ones the nearest to the end, in order of time. Faults come first, but
    leave half of the room to what became of the parcel."""
    numbered = sorted(enumerate(lines), key=lambda one: (one[1][1], abs(one[1][0] - end_us), one[0]))
    faults = [one for one in numbered if one[1][1] == 0]
    half = room // 2
    chosen = (faults[:half] + numbered[len(faults) :] + faults[half:])[:room]
    return [line for _, line in sorted(chosen, key=lambda one: (one[1][0], one[0]))]


def _of_broken(found: CaseResult, one: Broken) -> str:
    known = f" (residual: {known})" if (known := why(found, one)) else ""
    place = f" at {one.at_us / 1e6:.3f} s" if one.at_us else ""
    return f"BROKEN {one.rule}{place}: {one.text or 'by the body, see below'}{known}"


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
