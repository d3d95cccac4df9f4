"""The screens' fold over the journal, on a run of the twin."""

import dataclasses
import json

import pytest
from msgspec.structs import replace

from lane.codec import decode
from lane.errors import Alarm
from lane.events.machine import AlarmRaised, AlarmShelved
from lane.events.parcel import DispositionDecided, ParcelDrawn
from lane.model.words import Custody, Route
from lane.views.lane_view import LaneView
from sim.coretwin.settings import TwinSettings
from sim.scenario import load_scenario
from sim.streams.make import make_stream
from sim.twin import run_core_twin
from tests.house.test_contracts import ROOT

PARCELS = 60


@pytest.fixture(scope="module")
def records() -> list[object]:
    scenario = load_scenario(ROOT / "config" / "scenarios" / "day.toml")
    stream = make_stream(dataclasses.replace(scenario.stream, seed=11, parcels=PARCELS))
    result = run_core_twin(scenario.config, stream, 11, settings=TwinSettings(keep_records=True))
    return [decode(body) for _, body in result.journal.records()]


def folded(records: list[object]) -> LaneView:
    view = LaneView()
    for index, item in enumerate(records):
        view.apply(index, item)
    return view


def test_every_parcel_ends_in_one_place_and_counts_agree(records: list[object]) -> None:
    view = folded(records)
    assert view.counts["inducted"] == PARCELS == view.counts["decided"]
    assert view.counts["released"] + view.counts["diverted"] >= PARCELS
    assert view.on_belt() == []
    assert all(parcel.custody is not Custody.ON_BELT for parcel in view.parcels.values())
    routes = [item.route for item in records if isinstance(item, DispositionDecided)]
    assert view.rates()["inspect"] == {"part": routes.count(Route.INSPECT), "of": PARCELS}
    assert view.rates()["draw"]["of"] == PARCELS


def test_nothing_on_a_page_depends_on_the_draw_before_the_decision(records: list[object]) -> None:
    """Two runs that differ only in one parcel's draw look the same, record by record, until that parcel is decided."""
    drawn = next(item for item in records if isinstance(item, ParcelDrawn) and not item.effective)
    honest, other = LaneView(), LaneView()
    seen = 0
    for index, item in enumerate(records):
        changed = item
        if item is drawn:
            changed = replace(drawn, drawn=True, effective=True)
        if isinstance(item, DispositionDecided) and item.seq == drawn.seq:
            break
        honest.apply(index, item)
        other.apply(index, changed)
        parcels = [(one.parcel(drawn.seq).detail() if drawn.seq in one.parcels else None) for one in (honest, other)]  # type: ignore[union-attr]
        assert parcels[0] == parcels[1]
        assert json.dumps(honest.page()) == json.dumps(other.page())
        seen += drawn.seq in honest.parcels
    assert seen > 10, "the parcel was never on the belt: the test proved nothing"
    view = folded(records)
    assert view.parcel(drawn.seq) is not None
    assert view.parcel(drawn.seq).detail()["draw"] == "not drawn"  # type: ignore[union-attr]


def test_records_out_of_order_are_refused() -> None:
    with pytest.raises(AssertionError, match="record 3 after -1"):
        LaneView().apply(3, object())


def test_search_finds_by_waybill_list_order_and_number(records: list[object]) -> None:
    view = folded(records)
    parcel = next(one for one in view.parcels.values() if one.waybill and one.list_no)
    for text in (parcel.waybill, parcel.waybill[:-3], parcel.list_no, parcel.order_no, str(parcel.seq)):
        assert parcel in view.find(text), text
    assert view.find("") == []
    assert view.find("no such waybill") == []


def test_search_shows_the_very_lane_number_first(records: list[object]) -> None:
    view = folded(records)
    for seq in (1, 5, 12):
        assert view.find(str(seq))[0].seq == seq
        assert len({parcel.seq for parcel in view.find(str(seq))}) == len(view.find(str(seq)))


def alarm_view(*items: object) -> dict[str, object]:
    view = LaneView()
    view.wall_at, view.kind = "2025-11-21T08:00:00Z", "live"
    for index, item in enumerate(items):
        view.apply(index, item)
    (alarm,) = view.page()["alarms"]
    return dict(alarm)


def test_a_shelved_alarm_shows_until_when() -> None:
    raised = AlarmRaised(at_us=0, belt_um=0, number=int(Alarm.EPOCH_QUEUE_LOW), seq=0, detail="1 left", follows=0)
    until = AlarmShelved(at_us=1, belt_um=0, number=raised.number, person="wang", until_us=900_000_000)
    shown = alarm_view(raised, until)
    assert (shown["shelved_until"], shown["shelved_until_us"], shown["shelvable"]) == ("08:15 UTC", 900_000_000, True)
    again = alarm_view(raised, until, replace(raised, at_us=2))
    assert again["shelved_until"] == "08:15 UTC", "told anew, its shelf still stands"
    assert alarm_view(raised, until, replace(raised, at_us=900_000_000))["shelved_until"] == ""


def test_alarms_of_the_safety_chain_offer_no_shelf() -> None:
    for number in range(101, 106):
        raised = AlarmRaised(at_us=0, belt_um=0, number=number, seq=0, detail="", follows=0)
        assert alarm_view(raised)["shelvable"] is False
