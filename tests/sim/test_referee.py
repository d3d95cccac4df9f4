"""The referee catches what it is there for: each planted violation is named, and a clean run has none."""

from typing import Any

import pytest
from msgspec.structs import replace

from lane.events.base import Event
from lane.events.parcel import (
    CustodyUnproven,
    DispositionDecided,
    MessageQueued,
    ParcelDiverted,
    ParcelDrawn,
    ParcelIdentified,
    ParcelInducted,
    ParcelReleased,
    ParcelScanned,
    PermitIssued,
    TrackingLost,
)
from lane.model.grounds import Ground
from lane.model.words import Design, Evidence, Instruction, MessageKind, Route, StatusClass, Tracking, Via
from sim.referee import Referee
from sim.referee_words import Family, Violation, family, family_of
from sim.streams.make import StreamSpec, make_stream
from sim.streams.truth import CONTENT_ERRORS, ParcelTruth, Planted

GATE_UM = 7_350_000
STATUS = {"800": StatusClass.RELEASED, "500": StatusClass.ORDERED}


def _stream() -> list[ParcelTruth]:
    stream = make_stream(StreamSpec(seed=1, parcels=40, short_permille=100))
    assert all(any(parcel.planted is kind for parcel in stream) for kind in Planted)
    return stream


def _first(stream: list[ParcelTruth], kind: Planted) -> ParcelTruth:
    return next(parcel for parcel in stream if parcel.planted is kind)


def _records(seq: int, parcel: ParcelTruth, head_um: int, **change: Any) -> list[Event]:
    """Everything the lane writes of a parcel that it releases by the gate, with some of it changed or left out."""
    at = {"at_us": 1_000_000 * seq, "belt_um": head_um + 5_000_000, "seq": seq}
    drawn = change.get("drawn", False)
    records: dict[str, Event] = {
        "inducted": ParcelInducted(**at, head_um=head_um),
        "identified": ParcelIdentified(**at, code=change.get("code", parcel.label), parcel_key="", grounds=()),
        "drawn": ParcelDrawn(
            **at, epoch=1, parcel_key="", design=Design.RATE_HELD, rate="0.055", n=0, selected=0, p_num=1, p_den=2,
            d="", drawn=drawn, counts=True, sticky_from=0, effective=drawn,
        ),
        "scanned": ParcelScanned(**at, image_sha256="ab", length_um=1),
        "decided": DispositionDecided(
            **at, route=change.get("route", Route.RELEASE), instruction=Instruction.NONE,
            status_class=StatusClass.RELEASED, evidence=Evidence.CLEAR, drawn=drawn, tracking=Tracking.SOUND,
            grounds=change.get("grounds", ()), cleared=(), advisory=(), image_sha256="ab", matrix_sha256="",
        ),
        "permit": PermitIssued(**at, permit_no=seq, from_um=0, to_um=1, not_after_us=2),
        "released": ParcelReleased(**at, via=Via.GATE, permit_no=seq, exit_um=1),
        "message": MessageQueued(
            **at, message=MessageKind.RELEASE, revision=1, via=Via.GATE, idempotency_key=f"k{seq}"
        ),
    }  # fmt: skip
    if "decided_um" in change:
        records["decided"] = replace(records["decided"], belt_um=change["decided_um"])
    return [record for name, record in records.items() if name not in change.get("without", ())]


def _diverted(seq: int, parcel: ParcelTruth, head_um: int, *grounds: Ground) -> list[Event]:
    without = ("permit", "released", "message")
    records = _records(seq, parcel, head_um, route=Route.INSPECT, grounds=grounds, without=without)
    end = ParcelDiverted(at_us=1, belt_um=1, seq=seq, instruction=Instruction.OPEN, grounds=grounds)
    return [*records, end]


def _judge(stream: list[ParcelTruth], *fates: tuple[ParcelTruth, Route | None, list[Event]]) -> Referee:
    referee = Referee(stream, lambda code: STATUS.get(code, StatusClass.UNKNOWN), gate_um=GATE_UM)
    for place, (parcel, route, records) in enumerate(fates):
        referee.fed(parcel.number, place * 1_000_000)
        for record in records:
            referee.saw(record)
        referee.left(parcel.number, route, moved_blade=False)
    return referee


def test_a_sound_release_and_a_divert_break_no_rule() -> None:
    stream = _stream()
    good, bad = _first(stream, Planted.SOUND), _first(stream, Planted.NO_READ)
    report = _judge(
        stream,
        (good, Route.RELEASE, _records(1, good, 0)),
        (bad, Route.INSPECT, _diverted(2, bad, 1_000_000, Ground.NO_READ)),
    ).report()
    assert report["rule_violating_releases"] == report["unaccounted"] == report["missed_content"] == 0
    assert report["violations"] == {}
    assert (report["release_messages"], report["released_parcels"], report["bodies_released"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        (Planted.SOUND, {"without": ("decided",)}, {Violation.NO_DECISION}),
        (Planted.SOUND, {"route": Route.INSPECT}, {Violation.NO_DECISION}),
        (Planted.SOUND, {"decided_um": GATE_UM + 1}, {Violation.NO_DECISION}),
        (Planted.SOUND, {"without": ("permit",)}, {Violation.NO_PERMIT}),
        (Planted.SOUND, {"code": "ANOTHER"}, {Violation.IDENTITY}),
        (Planted.SOUND, {"drawn": True}, {Violation.SAMPLE}),
        (Planted.SOUND, {"without": ("drawn",)}, {Violation.SAMPLE}),
        (Planted.SOUND, {"without": ("scanned",)}, {Violation.NO_IMAGE}),
        (Planted.SOUND, {"without": ("message",)}, {Violation.MESSAGE}),
        (Planted.NO_READ, {}, {Violation.IDENTITY}),
        (Planted.NO_DECLARATION, {}, {Violation.DECLARATION, Violation.STATUS}),
        (Planted.BAD_STATUS, {}, {Violation.STATUS}),
    ],
)
def test_a_planted_violation_is_named(kind: Planted, change: dict[str, Any], expected: set[Violation]) -> None:
    stream = _stream()
    parcel = _first(stream, kind)
    referee = _judge(stream, (parcel, Route.RELEASE, _records(1, parcel, 0, **change)))
    assert {what for what, _, _ in referee.violations()} == expected
    assert referee.report()["rule_violating_releases"] == 1


def test_a_body_without_a_lane_number_that_leaves_by_release_is_a_violation_and_unaccounted() -> None:
    stream = _stream()
    report = _judge(stream, (stream[0], Route.RELEASE, [])).report()
    assert report["violations"] == {Violation.UNTRACKED: 1}
    assert report["unaccounted"] == 1


def test_a_body_that_the_lane_lost_and_said_so_is_given_up_only_when_it_left_by_inspect() -> None:
    stream = _stream()
    parcel = _first(stream, Planted.SOUND)
    records = _records(1, parcel, 0, without=("released", "message"))
    records.append(TrackingLost(at_us=1, belt_um=1, seq=1, eye="exit_inspect"))
    inspected = _judge(stream, (parcel, Route.INSPECT, records)).report()
    assert (inspected["given_up"], inspected["untracked"], inspected["unaccounted"]) == (1, 0, 0)
    released = _judge(stream, (parcel, Route.RELEASE, records)).report()
    assert (released["given_up"], released["untracked"], released["unaccounted"]) == (0, 0, 1)
    unseen = _judge(stream, (parcel, Route.INSPECT, [])).report()
    assert (unseen["given_up"], unseen["untracked"], unseen["unaccounted"]) == (0, 1, 0)


def test_a_forged_release_record_of_a_body_that_went_to_the_bench_is_a_violation() -> None:
    stream = _stream()
    parcel = _first(stream, Planted.SOUND)
    report = _judge(stream, (parcel, Route.INSPECT, _records(1, parcel, 0))).report()
    assert report["violations"] == {Violation.FALSE_RECORD: 1}
    assert report["unaccounted"] == 1


def test_two_release_messages_for_one_parcel_are_a_violation() -> None:
    stream = _stream()
    parcel = _first(stream, Planted.SOUND)
    records = _records(1, parcel, 0)
    report = _judge(stream, (parcel, Route.RELEASE, [*records, records[-1]])).report()
    assert report["violations"] == {Violation.MESSAGE: 1}


def test_a_content_error_that_leaves_by_release_is_missed_and_no_rule_is_broken() -> None:
    stream = _stream()
    parcel = _first(stream, Planted.SHORT)
    report = _judge(stream, (parcel, Route.RELEASE, _records(1, parcel, 0))).report()
    assert (report["missed_content"], report["rule_violating_releases"]) == (1, 0)


def test_custody_unproven_is_counted_by_itself() -> None:
    stream = _stream()
    parcel = _first(stream, Planted.SOUND)
    records = _records(1, parcel, 0, without=("released", "message"))
    records.append(CustodyUnproven(at_us=1, belt_um=1, seq=1, reason="restart"))
    report = _judge(stream, (parcel, Route.RELEASE, records)).report()
    assert (report["custody_unproven"], report["unaccounted"], report["rule_violating_releases"]) == (1, 0, 0)


def test_sound_parcels_that_were_opened_are_counted_by_ground_and_family() -> None:
    stream = _stream()
    sound = [parcel for parcel in stream if parcel.planted is Planted.SOUND][:3]
    found = _judge(
        stream,
        (sound[0], Route.INSPECT, _diverted(1, sound[0], 0, Ground.RANDOM_DRAW, Ground.COUNT_UNCERTAIN)),
        (sound[1], Route.INSPECT, _diverted(2, sound[1], 1_000_000, Ground.TRACKING_LOST, Ground.NO_READ)),
        (sound[2], Route.RELEASE, _records(3, sound[2], 2_000_000)),
    ).report()["sound_parcels_inspected"]
    assert found["by_ground"] == {"COUNT_UNCERTAIN": 1, "NO_READ": 1, "RANDOM_DRAW": 1, "TRACKING_LOST": 1}
    assert found["by_family"] == {Family.DRAW: 1, Family.TRACKING: 1}
    assert (found["sound"], found["inspected"]) == (3, 2)


def test_a_lane_that_counts_belt_from_another_zero_is_matched_to_the_same_bodies() -> None:
    stream = _stream()
    one, two = stream[0], stream[1]
    referee = _judge(
        stream,
        (one, Route.INSPECT, _diverted(1, one, -700_000, Ground.NO_READ)),
        (two, Route.INSPECT, _diverted(2, two, 300_000, Ground.NO_READ)),
    )
    assert [referee.body_of(seq) for seq in (1, 2)] == [one, two]


def test_every_ground_has_a_family() -> None:
    assert {family(ground) for ground in Ground} == set(Family) - {Family.NONE}
    assert family_of(()) is Family.NONE


def test_the_share_of_missed_content_errors_is_rounded_up() -> None:
    stream = make_stream(StreamSpec(seed=1, parcels=40, short_permille=100))
    wrong = [parcel for parcel in stream if parcel.planted in CONTENT_ERRORS][:3]
    first, *others = [
        (parcel, Route.RELEASE if seq == 1 else Route.INSPECT, _records(seq, parcel, (seq - 1) * 1_000_000))
        for seq, parcel in enumerate(wrong, start=1)
    ]
    report = _judge(stream, first, *others).report()
    assert (report["missed_content"], report["content_errors"]) == (1, 3)
    assert report["missed_content_permille"] == 334
