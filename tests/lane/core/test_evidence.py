"""What is bound to a parcel, and what is not: reads, weights, pictures, counts, answers."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from devices.signals import BarcodeRead, EyeChanged, ReadQuality, WeightMeasured
from lane.commands import Count
from lane.controller.core import LaneController
from lane.controller.state import Due
from lane.events.parcel import (
    ContentCompared,
    CustodyUnproven,
    DispositionDecided,
    ParcelDiverted,
    ParcelDrawn,
    ParcelReleased,
    ParcelScanned,
    ParcelWeighed,
    PermitIssued,
    TrackingLost,
)
from lane.inputs import AnyInput, ClockReached, ScanStored, VisionFailed, VisionResult
from lane.model.grounds import Ground
from lane.model.words import LaneKind
from tests.lane.core.boxes import LAYOUT, MM, Box, config
from tests.lane.core.helpers import MINUTE, grounds, reach, running
from tests.lane.core.miniplant import MiniPlant
from vision.item_count import Acquisition, ItemCount, Origin


def bent(kind: type, change: Callable[[Any], AnyInput | None], seq: int = 1) -> Callable[[AnyInput], AnyInput | None]:
    """Change the first parcel's inputs of a kind on their way to the core."""
    return lambda item: change(item) if isinstance(item, kind) and getattr(item, "seq", seq) == seq else item


def end(plant: MiniPlant, seq: int = 1) -> set[Ground]:
    plant.run(2 * MINUTE)
    return grounds(plant, seq)


def second_read(plant: MiniPlant, text: str, quality: ReadQuality = ReadQuality.GOOD) -> None:
    box = plant.boxes[0]
    at_um = box.at_um + LAYOUT.second_reader_um + box.length_um // 2
    plant.when(
        at_um,
        lambda: plant.give(BarcodeRead(**plant.now(), reader="second_reader", text=text, quality=quality)),
    )


@pytest.mark.parametrize(
    ("text", "quality", "confirmed"),
    [
        ("T000000001", ReadQuality.GOOD, True),
        ("T000000099", ReadQuality.GOOD, False),
        ("HELLO WORLD", ReadQuality.GOOD, True),
        ("", ReadQuality.NO_READ, True),
    ],
)
def test_second_reader_disagrees_only_with_another_valid_code(text: str, quality: ReadQuality, confirmed: bool) -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    second_read(plant, text, quality)
    found = end(plant)
    assert found == (set() if confirmed else {Ground.IDENTITY_UNCONFIRMED})


def test_first_reader_that_reads_another_code_after_the_identity_closed_is_doubt() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    at = {"at_us": plant.at_us, "belt_um": plant.boxes[0].at_um + LAYOUT.reader_um + 10 * MM}
    plant.give(BarcodeRead(**at, reader="reader", text="T000000001", quality=ReadQuality.GOOD))
    plant.give(BarcodeRead(**at, reader="reader", text="T000000002", quality=ReadQuality.GOOD))
    assert end(plant) == {Ground.IDENTITY_UNCONFIRMED}


@pytest.mark.parametrize("quality", [ReadQuality.GOOD, ReadQuality.NO_READ])
def test_second_reader_that_tells_of_a_body_where_no_parcel_is_makes_its_neighbours_doubtful(
    quality: ReadQuality,
) -> None:
    plant = running(2)
    reach(plant, ParcelDrawn, 2)
    at_um = plant.boxes[0].at_um + LAYOUT.second_reader_um + plant.boxes[0].length_um + 50 * MM
    text = "T000000003" if quality is ReadQuality.GOOD else ""
    plant.when(
        at_um, lambda: plant.give(BarcodeRead(**plant.now(), reader="second_reader", text=text, quality=quality))
    )
    for seq in (1, 2):
        assert Ground.IDENTITY_UNCONFIRMED in end(plant, seq)


def test_read_between_two_parcels_belongs_to_nobody() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    at = {"at_us": plant.at_us, "belt_um": plant.boxes[0].at_um + LAYOUT.reader_um + 600 * MM}
    plant.give(BarcodeRead(**at, reader="reader", text="T000000002", quality=ReadQuality.GOOD))
    assert end(plant) == set()


def test_reader_that_saw_multiple_codes_is_believed() -> None:
    plant = running(1)
    plant.filter = bent(BarcodeRead, lambda item: replace(item, quality=ReadQuality.MULTIPLE))
    assert end(plant) == {Ground.TWO_CODES}


def test_unstable_or_second_weight_is_not_taken() -> None:
    plant = running(1)
    plant.filter = bent(WeightMeasured, lambda item: replace(item, stable=False))
    reach(plant, ParcelDrawn)
    plant.run(2_000_000)
    at = {"at_us": plant.at_us, "belt_um": plant.boxes[0].at_um + LAYOUT.scale_um + 100 * MM}
    plant.filter = lambda item: item
    plant.give(WeightMeasured(**at, mg=1_000_000, stable=True, error_mg=-5))
    plant.give(WeightMeasured(**at, mg=9_000_000, stable=True, error_mg=0))
    assert end(plant) == set()
    assert [(event.mg, event.error_mg) for event in plant.of(ParcelWeighed)] == [(1_000_000, 0)]


def test_weight_that_comes_after_the_count_was_asked_is_too_late() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", scale_mg=-1))
    reach(plant, ParcelScanned)
    at = {"at_us": plant.at_us, "belt_um": plant.boxes[0].at_um + LAYOUT.scale_um + 100 * MM}
    plant.give(WeightMeasured(**at, mg=1_000_000, stable=True, error_mg=0))
    assert end(plant) == {Ground.WEIGHT_UNKNOWN}


@pytest.mark.parametrize(
    "change",
    [
        {"to_um": 10**9},
        {"head_um": 0},
        {"head_um": 0, "tail_um": 0},
        {"lines": 7},
    ],
)
def test_picture_that_does_not_fit_its_window_place_or_lines_is_unbound(change: dict[str, int]) -> None:
    plant = running(1)
    plant.filter = bent(ScanStored, lambda item: replace(item, **change))
    assert {Ground.IMAGE_UNBOUND, Ground.NO_IMAGE} == end(plant)
    assert not plant.of(ParcelScanned)


def test_line_counter_that_runs_backwards_is_a_repeated_picture() -> None:
    plant = running(2)
    plant.filter = bent(ScanStored, lambda item: replace(item, line_from=1, line_to=item.lines), 2)
    assert end(plant, 2) == {Ground.IMAGE_REPEATED, Ground.NO_IMAGE}


def test_second_picture_of_one_parcel_is_doubt() -> None:
    plant = running(1)
    reach(plant, ContentCompared)
    first = next(item for item in plant.inputs if isinstance(item, ScanStored))
    plant.give(replace(first, **plant.now(), image_sha256="9" * 64, line_from=9_000, line_to=9_399))
    assert end(plant) == {Ground.IMAGE_REPEATED}


def test_picture_for_nobody_is_remembered_and_nothing_else() -> None:
    plant = running(1)
    reach(plant, ParcelReleased)
    first = next(item for item in plant.inputs if isinstance(item, ScanStored))
    before = len(plant.events)
    plant.give(replace(first, **plant.now(), seq=77, image_sha256="8" * 64))
    assert len(plant.events) == before


def test_hashes_remembered_are_bounded() -> None:
    plant = running()
    base = ScanStored(
        at_us=plant.at_us, belt_um=plant.belt, seq=99, image_sha256="", lines=1, line_from=1, line_to=1, from_um=0,
        to_um=0, head_um=0, tail_um=0, gaps=0, acquisition=Acquisition.SUCCESSFUL, origin=Origin.SYNTHETIC,
    )  # fmt: skip
    for number in range(400):
        plant.give(replace(base, image_sha256=f"{number:064d}"))
    assert len(plant.core.state.hashes) == 256


def test_live_lane_takes_only_pictures_of_the_machine() -> None:
    plant = running(2, kind=LaneKind.LIVE)
    plant.filter = bent(ScanStored, lambda item: replace(item, origin=Origin.SYNTHETIC), 2)
    plant.run(2 * MINUTE)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]
    assert grounds(plant, 2) == {Ground.SYNTHETIC_EVIDENCE}


@pytest.mark.parametrize(
    ("change", "ground"),
    [
        ({"image_sha256": "0" * 64}, Ground.VISION_FAILED),
        ({"p_declared_ppm": 1_000_001}, Ground.VISION_FAILED),
        ({"acquisition": Acquisition.SLIP}, Ground.IMAGE_QUALITY),
        ({"model_sha256": ""}, Ground.MODEL_UNTRUSTED),
    ],
)
def test_count_that_is_foreign_absurd_or_untrusted_is_a_ground(change: dict[str, Any], ground: Ground) -> None:
    plant = running()
    plant.lay(Box(code="T000000001", counted=change))
    assert end(plant) == {ground}


def test_without_a_configured_model_every_count_is_untrusted() -> None:
    plant = running(1, model_sha256="")
    assert end(plant) == {Ground.MODEL_UNTRUSTED}


def test_late_count_is_recorded_and_lifts_nothing() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", vision=False))
    reach(plant, ParcelScanned)
    count = next(command for command in plant.commands if isinstance(command, Count))
    plant.run(4_500_000)
    plant.boxes[0].vision = True
    plant._count(count, plant.boxes[0])
    assert plant.of(ContentCompared)
    assert end(plant) == {Ground.VISION_TIMEOUT}


def test_a_count_that_has_come_wakes_nobody_at_its_deadline() -> None:
    plant = running(1)
    reach(plant, ParcelScanned)
    assert [kind for _, kind, _ in plant.core.state.time_due if kind == Due.VISION]
    reach(plant, ContentCompared)
    assert not [kind for _, kind, _ in plant.core.state.time_due if kind == Due.VISION]


def test_failure_of_another_picture_or_after_the_count_says_nothing() -> None:
    plant = running(1)
    reach(plant, ParcelScanned)
    sha = plant.of(ParcelScanned)[0].image_sha256
    failed = VisionFailed(**plant.now(), seq=1, image_sha256="0" * 64, reason="x", timeout=True)
    plant.give(failed)
    reach(plant, ContentCompared)
    plant.give(replace(failed, **plant.now(), image_sha256=sha))
    plant.give(replace(failed, **plant.now(), seq=55))
    assert end(plant) == set()


def test_count_for_a_parcel_that_is_decided_or_gone_says_nothing() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", vision=False))
    reach(plant, ParcelDiverted)
    count = next(command for command in plant.commands if isinstance(command, Count))
    before = len(plant.events)
    plant._count(count, plant.boxes[0])
    assert len(plant.events) == before


def test_answer_that_comes_twice_or_for_nobody_is_not_taken() -> None:
    plant = running(1)
    reach(plant, ParcelScanned)
    before = len(plant.events)
    for seq in (1, 44):
        plant.give(plant.answer_of(plant.boxes[0], seq))
    assert len(plant.events) == before


def test_length_that_differs_at_a_tunnel_eye_doubts_the_neighbours_too() -> None:
    plant = running(3)

    def stretched(item: AnyInput) -> AnyInput:
        if isinstance(item, EyeChanged) and item.eye == "tunnel_exit" and not item.blocked:
            way = item.belt_um - plant.boxes[1].at_um - LAYOUT.tunnel_exit_um
            if 0 < way < 500 * MM:
                return replace(item, belt_um=item.belt_um + 60 * MM)
        return item

    plant.filter = stretched
    plant.run(2 * MINUTE)
    assert Ground.LENGTH_MISMATCH in grounds(plant, 2)
    assert grounds(plant, 1) == grounds(plant, 3) == {Ground.NEIGHBOUR_DOUBT}


def test_parcel_that_misses_the_divert_eye_loses_its_permit() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", skip_eyes=("divert",)))
    plant.run(2 * MINUTE)
    assert [event.eye for event in plant.of(TrackingLost)] == ["divert"]
    assert [event.seq for event in plant.of(CustodyUnproven)] == [1]
    assert not plant.of(ParcelReleased)


def test_decision_that_comes_too_late_for_the_gate_is_inspect() -> None:
    plant = running(1)
    reach(plant, ContentCompared)
    deadline = plant.boxes[0].at_um + LAYOUT.gate_um
    plant.filter = lambda item: None if isinstance(item, ClockReached) and item.belt_um < deadline else item
    for _ in range(40):
        plant.at_us += 1_000_000
        plant.belt += 500 * MM
        if plant.belt >= deadline - 100 * MM:
            break
    plant.give(VisionResult(**plant.now(), seq=77, count=_count_of(plant)))
    assert Ground.DECISION_LATE in plant.of(DispositionDecided)[0].grounds
    assert not plant.of(PermitIssued)


def _count_of(plant: MiniPlant) -> ItemCount:
    return next(item.count for item in plant.inputs if isinstance(item, VisionResult))


def test_layout_whose_decision_point_lies_in_the_tunnel_is_refused() -> None:
    with pytest.raises(ValueError, match="decision point"):
        LaneController(config(layout=dataclasses.replace(LAYOUT, divert_um=3_000 * MM)))
