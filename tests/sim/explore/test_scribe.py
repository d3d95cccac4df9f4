"""Scribe and gatekeeper: silent about what a sound core writes, and loud about one altered record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from devices.signals import EncoderDoubt, LinkLost
from lane.controller.core import LaneController
from lane.errors import Cause
from lane.events.machine import BeltFlushed, StateChanged
from lane.events.parcel import (
    ContentCompared,
    GroundAdded,
    ParcelDrawn,
    ParcelIdentified,
    ParcelInducted,
    ParcelMeasured,
    ParcelReleased,
    ParcelScanned,
    ParcelWeighed,
    PermitIssued,
    PermitVoided,
    TrackingLost,
)
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, DeclarationAnswer, OrderGiven, ScanStored, StatusChanged, VisionResult
from lane.model.config import CarrierPattern, CoreConfig
from lane.model.grounds import Ground
from lane.model.words import FindingKind, Role, State, StatusClass, Via
from lane.orders import Hold
from sim.explore.gatekeeper import plausible
from sim.explore.scribe import Scribe
from sim.scenario import load_scenario
from sim.streams.make import make_stream
from sim.twin import run_core_twin
from vision.item_count import Acquisition

DAY = Path(__file__).parents[3] / "config" / "scenarios" / "day.toml"
Altered = tuple[AnyInput, Sequence[AnyEvent]]


@dataclass(slots=True)
class Notes:
    """Stands where the watch stands."""

    rules: list[str] = field(default_factory=list)

    def breaks(self, rule: str, text: str, seq: int = 0, body: int = 0) -> None:
        self.rules.append(rule)


@pytest.fixture(scope="module")
def recorded() -> tuple[CoreConfig, list[AnyInput]]:
    from dataclasses import replace as changed

    day = load_scenario(DAY)
    settings = changed(day.settings, keep_inputs=True)
    result = run_core_twin(day.config, make_stream(day.sized(40, 4)), 4, settings=settings)
    return day.config, result.inputs


def _read(recorded: tuple[CoreConfig, list[AnyInput]], alter: Callable[[AnyInput, Any], Altered]) -> list[str]:
    """Rules that the scribe names when every step passes through ``alter`` on its way to it."""
    config, inputs = recorded
    core, notes = LaneController(config), Notes()
    station: Any = SimpleNamespace(config=config, controller=core)
    scribe = Scribe(station, notes, lambda seq: None)  # type: ignore[arg-type]
    for item in inputs:
        scribe.saw(*alter(item, core.handle(item).events))
    return notes.rules


def test_a_sound_run_is_read_without_a_word(recorded: tuple[CoreConfig, list[AnyInput]]) -> None:
    releases: list[ParcelReleased] = []

    def note(item: AnyInput, events: Any) -> Altered:
        releases.extend(event for event in events if type(event) is ParcelReleased and event.via is Via.GATE)
        return item, events

    assert _read(recorded, note) == []
    assert len(releases) > 10, "a run without releases proves nothing"


def _each(kind: type, **fields: Any) -> Callable[[AnyInput, Any], Altered]:
    """Every record of a kind with other fields (a function of the record, or a value)."""

    def alter(item: AnyInput, events: Any) -> Altered:
        def wrong(one: Any) -> Any:
            if type(one) is not kind:
                return one
            known: Any = one
            return replace(known, **{name: value(one) if callable(value) else value for name, value in fields.items()})

        return wrong(item), [wrong(event) for event in events]

    return alter


def _after(kind: type, make: Callable[[Any], Any]) -> Callable[[AnyInput, Any], Altered]:
    """One more record (or input, in a step of its own) behind each record of a kind."""

    def alter(item: AnyInput, events: Any) -> Altered:
        more: list[Any] = []
        for event in events:
            more.append(event)
            if type(event) is kind:
                more.append(make(event))
        return item, more

    return alter


@pytest.mark.parametrize(
    ("rule", "alter"),
    [
        ("R3", _each(ParcelDrawn, p_num=lambda one: one.p_num + 1)),
        ("R3", _each(ParcelDrawn, d=lambda one: one.d[::-1])),
        ("R3", _each(ParcelDrawn, n=lambda one: one.n + 1)),
        ("R3", _each(ParcelDrawn, drawn=lambda one: not one.drawn)),
        ("R3", _each(ParcelDrawn, epoch=7)),
        ("R2", _each(ParcelWeighed, mg=lambda one: one.mg + 1)),
        ("R2", _each(ScanStored, acquisition=Acquisition.MERGED)),
        ("R2", _each(ScanStored, tail_um=lambda one: one.tail_um + 90_000)),
        ("R2", _each(ParcelScanned, image_sha256="0" * 64)),
        ("R2", _each(DeclarationAnswer, gross_mg=1)),
        ("R6", _each(DeclarationAnswer, grounds=(Ground.DECLARATION_CONFLICT,))),
        ("R2", _each(VisionResult, count=lambda one: replace_count(one.count))),
        ("R2", _each(ContentCompared, lines=lambda one: tuple(
            replace(line, finding=FindingKind.MATCH, seen_lo=99, seen_hi=99) for line in one.lines))),
        ("R6", _each(ParcelMeasured, length_um=900_000)),
        ("R11", _each(ParcelMeasured, length_um=lambda one: one.length_um + one.gap_um * 9 // 10)),
        ("R6", _each(ParcelIdentified, code=lambda one: one.code and one.code[:-3] + "!" + one.code[-2:])),
        ("I2", _after(PermitIssued, lambda one: GroundAdded(
            at_us=one.at_us, belt_um=one.belt_um, seq=one.seq, ground=Ground.TRACKING_LOST))),
        ("R11", _after(ParcelScanned, lambda one: TrackingLost(
            at_us=one.at_us, belt_um=one.belt_um, seq=one.seq + 1, eye="divert"))),
        ("I13", _after(ParcelScanned, lambda one: BeltFlushed(
            at_us=one.at_us, belt_um=one.belt_um, cause="jam", seqs=()))),
        ("R8", _after(ParcelInducted, lambda one: StateChanged(
            at_us=one.at_us, belt_um=one.belt_um, left=State.EXECUTE, reached=State.HOLDING,
            cause=str(Cause.GATE_FAULT), person=""))),
        ("R13", _after(PermitIssued, lambda one: PermitVoided(
            at_us=one.at_us, belt_um=one.belt_um, seq=one.seq, permit_no=one.permit_no,
            reason="left by the inspect exit"))),
    ],
)  # fmt: skip
def test_one_altered_record_is_named(
    recorded: tuple[CoreConfig, list[AnyInput]], rule: str, alter: Callable[[AnyInput, Any], Altered]
) -> None:
    assert rule in _read(recorded, alter)


def replace_count(count: Any) -> Any:
    """A count of another picture."""
    return replace(count, image_sha256="f" * 64)


@pytest.mark.parametrize(
    ("rule", "make"),
    [
        ("I13", lambda one: EncoderDoubt(at_us=one.at_us, belt_um=one.belt_um, reason="jumped")),
        ("R14", lambda one: OrderGiven(at_us=one.at_us, belt_um=one.belt_um, order=Hold(
            person="x", role=Role.OFFICER, nonce="twin-1"))),
        ("I11", lambda one: LinkLost(
            at_us=one.at_us, belt_um=one.belt_um, role="io", port="tcp", unit=1, reason="silence")),
        ("R5", lambda one: StatusChanged(
            at_us=one.at_us, belt_um=one.belt_um, seq=one.seq, version="x", status_code="300",
            status_class=StatusClass.DETAINED, status_at="")),
    ],
)  # fmt: skip
def test_an_input_that_the_core_ignored_is_named(
    recorded: tuple[CoreConfig, list[AnyInput]], rule: str, make: Callable[[Any], Any]
) -> None:
    config, inputs = recorded
    core, notes = LaneController(config), Notes()
    station: Any = SimpleNamespace(config=config, controller=core)
    scribe = Scribe(station, notes, lambda seq: None)  # type: ignore[arg-type]
    for item in inputs:
        events = core.handle(item).events
        scribe.saw(item, events)
        for event in events:
            if type(event) is PermitIssued:
                scribe.saw(make(event), ())
    assert rule in notes.rules


def test_check_digits_of_the_standards_are_known_and_one_changed_digit_is_not() -> None:
    carriers = (
        CarrierPattern(name="post", prefix="", length_min=13, length_max=13, alphabet="alnum", check="s10"),
        CarrierPattern(name="sscc", prefix="", length_min=18, length_max=20, alphabet="digits", check="sscc"),
    )
    for code in ("RR473124829GB", "EA427024488CN", "106141412345678908", "00106141412345678908"):
        assert plausible(code, carriers), code
    for code in ("RR473124828GB", "EA427024478CN", "106141412345678909", "RR473124829G", ""):
        assert not plausible(code, carriers), code
