"""Bench results, custody, status changes and recalls."""

from typing import Any

import pytest

from lane.events.parcel import (
    BenchRecorded,
    CustodyMoved,
    DeclarationPinned,
    MessageQueued,
    ParcelDiverted,
    ParcelDrawn,
    ParcelReleased,
    PermitIssued,
    PermitUsed,
    RecallRaised,
    StatusUpdated,
)
from lane.model.grounds import Ground
from lane.model.words import BenchResult, Custody, MessageKind, StatusClass, Via
from lane.orders import (
    MoveCustody,
    RecordBench,
)
from tests.lane.core.boxes import Box
from tests.lane.core.helpers import MINUTE, grounds, reach, refusals, running
from tests.lane.core.orders import answer, bench, changed, diverted, doubtful, messages


def test_parcel_opened_and_found_right_is_released_by_the_bench() -> None:
    plant = diverted()
    bench(plant, BenchResult.INSPECTED_AND_RELEASED)
    released = plant.of(ParcelReleased)[0]
    assert (released.via, released.permit_no) == (Via.BENCH, 0)
    assert messages(plant) == [
        (MessageKind.INSPECT, 1, Via.GATE),
        (MessageKind.BENCH_RESULT, 1, Via.BENCH),
        (MessageKind.RELEASE, 1, Via.BENCH),
    ]
    assert not plant.core.state.bench
    assert plant.core.state.released[1].custody is Custody.IN_RELEASE_AREA
    bench(plant, BenchResult.RESCAN)
    assert "not at the bench" in refusals(plant)[-1]


@pytest.mark.parametrize(
    ("result", "custody"),
    [
        (BenchResult.ORDER_DELETED, Custody.BACK_IN_WAREHOUSE),
        (BenchResult.TRANSFERRED_TO_ANTI_SMUGGLING, Custody.WITH_AUTHORITY),
        (BenchResult.RETURNED, Custody.BACK_IN_WAREHOUSE),
        (BenchResult.DETAINED, Custody.WITH_AUTHORITY),
        (BenchResult.ORDER_MODIFIED, Custody.HELD),
    ],
)
def test_every_result_but_release_and_rescan_needs_two_persons(result: BenchResult, custody: Custody) -> None:
    plant = diverted()
    bench(plant, result)
    bench(plant, result, second="wang")
    assert all("two different persons" in reason for reason in refusals(plant))
    bench(plant, result, second="zhao")
    assert plant.of(BenchRecorded)[0].second == "zhao"
    assert plant.of(CustodyMoved)[0].custody is custody
    assert (1 in plant.core.state.bench) is (custody is Custody.HELD)


def test_bench_release_needs_a_released_status() -> None:
    plant = diverted(status=StatusClass.PENDING)
    bench(plant, BenchResult.INSPECTED_AND_RELEASED)
    assert "a release needs RELEASED" in refusals(plant)[-1]
    changed(plant, StatusClass.RELEASED)
    bench(plant, BenchResult.INSPECTED_AND_RELEASED)
    assert len(plant.of(ParcelReleased)) == 1


def test_bench_release_of_a_doubtful_content_needs_the_pieces_of_every_line() -> None:
    plant = diverted(declared=3)
    assert grounds(plant, 1) & {Ground.COUNT_SHORT, Ground.COUNT_OVER, Ground.COUNT_UNCERTAIN}
    release: dict[str, Any] = {"seq": 1, "result": BenchResult.INSPECTED_AND_RELEASED}
    plant.order(RecordBench, "wang", **release, found=())
    plant.order(RecordBench, "wang", **release, found=((2, 3),))
    assert all("line 1 missing" in reason for reason in refusals(plant))
    assert not plant.of(ParcelReleased)
    plant.order(RecordBench, "wang", **release, found=((1, 3),))
    assert len(plant.of(ParcelReleased)) == 1


def test_bench_release_waits_for_the_second_authority() -> None:
    plant = diverted(answer={"grounds": (Ground.QUARANTINE_HOLD,)})
    bench(plant, BenchResult.INSPECTED_AND_RELEASED)
    assert "second authority" in refusals(plant)[-1]


def test_officer_who_judged_the_picture_does_not_record_the_bench_result() -> None:
    plant = doubtful()
    answer(plant, clear=False)
    reach(plant, ParcelDiverted)
    bench(plant, BenchResult.RESCAN, person="li")
    bench(plant, BenchResult.DETAINED, person="wang", second="li")
    assert all("judged this parcel's picture" in reason for reason in refusals(plant))
    bench(plant, BenchResult.RESCAN)
    assert len(plant.of(BenchRecorded)) == 1


def test_rescanned_parcel_comes_back_and_is_no_duplicate() -> None:
    plant = diverted()
    bench(plant, BenchResult.RESCAN)
    plant.lay(Box(code="T000000001", answer={"inductions": 1}))
    reach(plant, ParcelReleased)
    again = plant.of(ParcelDrawn)[1]
    assert not again.counts


def test_parcel_put_back_without_a_bench_record_is_a_duplicate() -> None:
    plant = diverted()
    plant.lay(Box(code="T000000001", answer={"inductions": 1}))
    reach(plant, ParcelDiverted, 2)
    assert Ground.DUPLICATE_WAYBILL in grounds(plant, 2)


def test_unproven_parcel_that_was_found_is_recorded_at_the_bench() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", removed_at_um=7_900_000))
    plant.run(2 * MINUTE)
    assert plant.core.state.unproven[1].custody is Custody.UNPROVEN
    plant.order(MoveCustody, seq=1, custody=Custody.AT_BENCH)
    bench(plant, BenchResult.INSPECTED_AND_RELEASED)
    assert plant.of(ParcelReleased)[0].via is Via.BENCH
    assert not plant.core.state.unproven


def test_released_parcel_goes_into_a_cage_and_departs_and_is_forgotten() -> None:
    plant = running(1)
    reach(plant, ParcelReleased)
    plant.order(MoveCustody, seq=1, custody=Custody.IN_CAGE, container="C7")
    plant.order(MoveCustody, seq=1, custody=Custody.DEPARTED)
    plant.order(MoveCustody, seq=1, custody=Custody.DEPARTED)
    assert [(event.custody, event.container) for event in plant.of(CustodyMoved)] == [
        (Custody.IN_CAGE, "C7"),
        (Custody.DEPARTED, ""),
    ]
    assert "neither at the bench nor" in refusals(plant)[-1]
    assert not plant.core.state.released


def test_parcel_can_not_jump_from_the_bench_into_a_cage() -> None:
    plant = diverted()
    plant.order(MoveCustody, seq=1, custody=Custody.IN_CAGE)
    assert "AT_BENCH; from there it can't become IN_CAGE" in refusals(plant)[-1]


def test_status_that_worsens_after_the_release_is_a_recall_and_the_parcel_may_only_go_to_the_bench() -> None:
    plant = running(1)
    reach(plant, ParcelReleased)
    changed(plant, StatusClass.ORDERED)
    assert plant.of(RecallRaised)[0].status_class is StatusClass.ORDERED
    assert messages(plant)[-1] == (MessageKind.RECALL, 1, Via.GATE)
    plant.order(MoveCustody, seq=1, custody=Custody.DEPARTED)
    assert "recalled" in refusals(plant)[-1]
    plant.order(MoveCustody, seq=1, custody=Custody.AT_BENCH)
    changed(plant, StatusClass.RELEASED, "v2")
    bench(plant, BenchResult.INSPECTED_AND_RELEASED)
    assert messages(plant)[-1] == (MessageKind.RELEASE, 2, Via.BENCH)
    keys = [event.idempotency_key for event in plant.of(MessageQueued)]
    assert len(set(keys)) == len(keys)


def test_withdrawn_list_is_a_recall_too_and_a_better_status_is_none() -> None:
    plant = running(1)
    reach(plant, ParcelReleased)
    changed(plant, StatusClass.RELEASED)
    assert not plant.of(RecallRaised)
    changed(plant, StatusClass.RELEASED, "v1", 1, Ground.LIST_WITHDRAWN)
    assert len(plant.of(RecallRaised)) == 1
    changed(plant, StatusClass.RELEASED, "v1", 99)
    assert len(plant.of(StatusUpdated)) == 2


def test_last_status_before_the_decision_point_counts() -> None:
    plant = running(1)
    reach(plant, DeclarationPinned)
    changed(plant, StatusClass.ORDERED)
    reach(plant, ParcelDiverted)
    assert grounds(plant, 1) == {Ground.INSPECTION_ORDERED}


def test_status_that_worsens_between_decision_and_gate_voids_the_permit() -> None:
    plant = running(1)
    reach(plant, PermitIssued)
    changed(plant, StatusClass.DETAINED)
    reach(plant, ParcelDiverted)
    assert Ground.STATUS_DETAINED in grounds(plant, 1)
    assert not plant.of(ParcelReleased)


def test_status_that_worsens_behind_the_gate_is_recalled_with_the_release() -> None:
    plant = running(1)
    reach(plant, PermitUsed)
    plant.run(800_000)
    changed(plant, StatusClass.ORDERED)
    reach(plant, ParcelReleased)
    assert len(plant.of(RecallRaised)) == 1


def test_newer_version_of_the_list_and_other_grounds_of_the_store_send_to_inspect() -> None:
    plant = running(1)
    reach(plant, DeclarationPinned)
    changed(plant, StatusClass.RELEASED, "v2", 1, Ground.DECLARATION_CONFLICT)
    reach(plant, ParcelDiverted)
    assert grounds(plant, 1) == {Ground.DECLARATION_CHANGED, Ground.DECLARATION_CONFLICT}
