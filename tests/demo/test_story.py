"""What the demo reads out of journal and truth."""

import json
from pathlib import Path

import pytest

from devices.signals import EyeChanged
from lane.events.machine import StateChanged
from lane.events.parcel import (
    DispositionDecided,
    MessageQueued,
    ParcelDrawn,
    ParcelInducted,
    ParcelReleased,
)
from lane.inputs import MessageAcknowledged
from lane.model.words import (
    BenchResult,
    Design,
    Evidence,
    Instruction,
    MessageKind,
    Route,
    State,
    StatusClass,
    Tracking,
    Via,
)
from sim.demo.live import cells
from sim.demo.people import found_pieces, results_of
from sim.demo.setup import DemoPlan, make_parcels
from sim.demo.story import Story
from sim.demo.summary import wall_ms
from sim.demo.truth_tail import TruthTail
from sim.referee import Referee
from sim.streams.truth import CONTENT_ERRORS, Planted


def drawn(seq: int, *, effective: bool) -> ParcelDrawn:
    return ParcelDrawn(
        at_us=2, belt_um=0, epoch=1, seq=seq, parcel_key="K", design=Design.RATE_HELD, rate="0.055", n=0, selected=0,
        p_num=1, p_den=2, d="", drawn=effective, counts=True, sticky_from=0, effective=effective,
    )  # fmt: skip


def decided(seq: int, route: Route) -> DispositionDecided:
    return DispositionDecided(
        at_us=3, belt_um=0, seq=seq, route=route, instruction=Instruction.NONE, status_class=StatusClass.RELEASED,
        evidence=Evidence.CLEAR, drawn=False, tracking=Tracking.SOUND, grounds=(), cleared=(), advisory=(),
        image_sha256="", matrix_sha256="",
    )  # fmt: skip


def test_draw_stays_hidden_until_the_lane_has_decided() -> None:
    story = Story()
    story.apply(ParcelInducted(at_us=1, belt_um=0, seq=1, head_um=0))
    story.apply(drawn(1, effective=True))
    assert cells(story.rows[1])[5] == ""
    story.apply(decided(1, Route.INSPECT))
    assert cells(story.rows[1])[5] == "drawn"
    assert (story.draws, story.selected) == (1, 1)


def test_release_latency_runs_from_the_exit_eye_to_the_acknowledgement() -> None:
    story = Story()
    story.apply(StateChanged(at_us=0, belt_um=0, left=State.STARTING, reached=State.EXECUTE, cause="START"))
    story.apply(ParcelInducted(at_us=1, belt_um=0, seq=1, head_um=0))
    story.apply(EyeChanged(at_us=1_000, belt_um=0, eye="exit_release", blocked=True))
    story.apply(ParcelReleased(at_us=1_000, belt_um=0, seq=1, via=Via.GATE, permit_no=1, exit_um=0))
    message = MessageQueued(
        at_us=1_000, belt_um=0, seq=1, message=MessageKind.RELEASE, revision=1, via=Via.GATE, idempotency_key="k"
    )
    story.apply(message)
    assert story.waiting == {"k"}
    story.apply(MessageAcknowledged(at_us=61_000, belt_um=0, idempotency_key="k"))
    assert (story.exit_to_message_us, story.waiting, story.gone, story.state) == ([60_000], set(), 1, State.EXECUTE)


@pytest.mark.parametrize(
    ("values_ms", "p50", "p99"), [([], 0, 0), ([7], 7, 7), (list(range(100, 0, -1)), 50, 99), ([9, 1], 1, 9)]
)
def test_percentiles_are_values_that_occurred(values_ms: list[int], p50: int, p99: int) -> None:
    speed = 4
    found = wall_ms([value * 1_000 * speed for value in values_ms], speed)
    assert found == {"count": len(values_ms), "p50": p50, "p99": p99}


def test_truth_is_followed_line_by_line_and_reaches_the_referee(tmp_path: Path) -> None:
    parcels = make_parcels(DemoPlan(parcels=5, seed=2))
    referee = Referee(parcels, lambda code: StatusClass.RELEASED, gate_um=7_350_000)
    tail = TruthTail(tmp_path / "truth.jsonl", referee)
    assert tail.read() == []
    fed = json.dumps({"kind": "FED", "body": 1, "belt_um": 5})
    left = json.dumps({"kind": "LEFT", "body": 1, "text": "INSPECT", "level": False})
    (tmp_path / "truth.jsonl").write_text(fed + "\n" + left[:10])
    assert [fact["kind"] for fact in tail.read()] == ["FED"]
    with (tmp_path / "truth.jsonl").open("a") as file:
        file.write(left[10:] + "\n")
    assert [fact["kind"] for fact in tail.read()] == ["LEFT"]
    assert (tail.fed, tail.left) == (1, 1)
    assert referee.report()["bodies_inspected"] == 1


def test_officers_record_what_truly_lies_in_the_parcel() -> None:
    for body in make_parcels(DemoPlan(parcels=100, seed=3)):
        found = dict(found_pieces(body))
        first = results_of(body)[0]
        if body.planted is Planted.SOUND:
            assert body.declared is not None
            assert found == {line.line_no: line.pieces for line in body.declared.lines}
            assert first is BenchResult.INSPECTED_AND_RELEASED
        if body.planted in CONTENT_ERRORS:
            assert body.declared is not None
            short_or_over = found != {line.line_no: line.pieces for line in body.declared.lines}
            assert short_or_over
            assert first is not BenchResult.INSPECTED_AND_RELEASED
        if body.planted in (Planted.NO_DECLARATION, Planted.BAD_STATUS, Planted.NO_READ):
            assert first is not BenchResult.INSPECTED_AND_RELEASED
