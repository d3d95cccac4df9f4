"""The shift report: three sampling figures that are never mixed."""

from typing import Any

from lane.events.machine import AlarmRaised, StateChanged
from lane.events.parcel import BenchRecorded, ParcelDrawn
from lane.model.words import BenchResult, Design, Route, State
from lane.report import Report
from tests.lane.release.release_parcels import passage


def drawn(seq: int, *, hit: bool, counts: bool = True) -> ParcelDrawn:
    """A draw."""
    return ParcelDrawn(
        at_us=seq,
        belt_um=0,
        epoch=1,
        seq=seq,
        parcel_key=f"T{seq}",
        design=Design.RATE_HELD,
        rate="0.055",
        n=seq,
        selected=0,
        p_num=11,
        p_den=200,
        d="0" * 64,
        drawn=hit,
        counts=counts,
        sticky_from=0,
        effective=hit,
    )


def bench(seq: int, result: BenchResult) -> BenchRecorded:
    """A bench result."""
    return BenchRecorded(at_us=9, belt_um=0, seq=seq, result=result, found=(), seal="", person="a", second="")


def state(at_us: int, reached: State) -> StateChanged:
    """A change of state."""
    return StateChanged(at_us=at_us, belt_um=0, left=State.STOPPED, reached=reached, cause="ORDERED")


def test_a_shift_is_summed_up_by_its_records() -> None:
    items: list[Any] = [
        state(0, State.EXECUTE),
        drawn(1, hit=False),
        drawn(2, hit=True),
        drawn(3, hit=True),
        drawn(4, hit=True, counts=False),
        *passage(1, 1_000_000),
        *passage(2, 2_000_000, route=Route.INSPECT),
        bench(2, BenchResult.INSPECTED_AND_RELEASED),
        bench(3, BenchResult.RESCAN),
        AlarmRaised(at_us=5, belt_um=0, number=204, seq=1, detail=""),
        state(30_000_000, State.COMPLETE),
    ]
    report = Report().take_all(items).plain()
    assert report["draw"] == {"n": 3, "selected": 2, "rate_permille": 666, "not_yet_opened": 2}
    assert report["counts"] == {
        "decided_inspect": 1,
        "decided_release": 1,
        "diverted": 1,
        "drawn_counted": 3,
        "drawn_selected": 2,
        "inducted": 2,
        "inspect_ordered": 0,
        "inspect_other_grounds": 1,
        "inspect_random_draw": 0,
        "released_by_gate": 1,
    }
    assert report["bench_results"] == {"INSPECTED_AND_RELEASED": 1, "RESCAN": 1}
    assert report["alarms"] == {"204": 1}
    assert report["state_s"] == {"EXECUTE": 30}
    assert report["lane_s"] == 30


def test_an_empty_run_has_figures_too() -> None:
    report = Report().plain()
    assert report["draw"] == {"n": 0, "selected": 0, "rate_permille": 0, "not_yet_opened": 0}
    assert report["lane_s"] == 0
