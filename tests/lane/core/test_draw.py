"""The draw in the core: order, counters, epochs, and what happens without a key."""

from msgspec.structs import replace

from devices.commands import ArmDetector
from lane.commands import CloseEpoch
from lane.draw import draw_hash, is_selected, parse_rate, probability
from lane.errors import Alarm
from lane.events.machine import AlarmRaised, Snapshot
from lane.events.parcel import ParcelDiverted, ParcelDrawn, ParcelIdentified, ParcelReleased
from lane.inputs import AnyInput, EpochCommitted, EpochNonce, EpochOpened, EpochRevealed
from lane.model.config import DrawConfig
from lane.model.grounds import Ground
from lane.model.words import Design
from tests.lane.core.boxes import Box, config
from tests.lane.core.helpers import MINUTE, grounds, reach, running
from tests.lane.core.miniplant import MiniPlant


def test_every_draw_is_recomputable_and_counters_go_on_across_epochs() -> None:
    plant = running(40, draw=DrawConfig(rate="0.25", epoch_draws_max=7))
    plant.run(5 * MINUTE)
    drawn = plant.of(ParcelDrawn)
    assert [event.seq for event in drawn] == list(range(1, 41))
    assert {event.epoch for event in drawn} == {1, 2, 3, 4, 5, 6}
    keys = {item.epoch: item.key for item in plant.inputs if isinstance(item, EpochOpened)}
    n = selected = 0
    for event in drawn:
        assert (event.n, event.selected) == (n, selected)
        p = probability(parse_rate("0.25"), Design.RATE_HELD, n, selected)
        d = draw_hash(keys[event.epoch], "HZ01", "L3", event.epoch, event.seq, event.parcel_key.encode())
        assert (event.p_num, event.p_den, event.d, event.drawn) == (*p, d.hex(), is_selected(d, *p))
        n, selected = n + 1, selected + event.drawn
    opened = {event.seq for event in plant.of(ParcelDiverted)}
    assert opened == {event.seq for event in drawn if event.effective}
    assert len(plant.of(ParcelReleased)) == 40 - len(opened)


def test_draw_is_made_before_the_detector_is_armed() -> None:
    plant = running(2)
    reach(plant, ParcelReleased, 2)
    for number, step in enumerate(plant.steps):
        for command in step.commands:
            if isinstance(command, ArmDetector):
                before = [event for earlier in plant.steps[: number + 1] for event in earlier.events]
                assert any(isinstance(event, ParcelDrawn) and event.seq == command.seq for event in before)


def test_reinducted_waybill_is_drawn_again_and_does_not_count() -> None:
    plant = running(draw=DrawConfig(rate="0.25"))
    plant.lay(Box(code="T000000001", answer={"inductions": 1, "sticky_from": 5}))
    reach(plant, ParcelDrawn)
    event = plant.of(ParcelDrawn)[0]
    assert (event.counts, event.sticky_from, event.effective) == (False, 5, True)
    assert plant.core.state.draw.n == 0


def test_unread_parcels_are_never_sticky_with_each_other() -> None:
    plant = running()
    for _ in range(2):
        plant.lay(Box(code="HELLO", answer={"sticky_from": 4, "inductions": 9}))
    reach(plant, ParcelDrawn, 2)
    assert [(event.parcel_key, event.sticky_from, event.counts) for event in plant.of(ParcelDrawn)] == [
        ("", 0, True),
        ("", 0, True),
    ]


def test_epoch_ends_by_age() -> None:
    plant = running(draw=DrawConfig(rate="0", epoch_us_max=2 * MINUTE))
    plant.run(5 * MINUTE)
    closed = [command for command in plant.commands if isinstance(command, CloseEpoch)]
    assert [command.epoch for command in closed] == [1, 2]
    assert plant.core.open_epoch == 3


def test_without_an_epoch_nothing_is_scanned_or_released_and_induction_ends() -> None:
    plant = running(draw=DrawConfig(rate="0", epoch_draws_max=1))
    plant.hooks[CloseEpoch] = lambda command: True
    for number in range(6):
        plant.lay(Box(code=f"T{number:09d}"))
    plant.run(2 * MINUTE)
    inducted = plant.core.state.inducted
    assert inducted < 6
    assert not plant.induction
    assert Alarm.DRAW_MISSING in {event.number for event in plant.of(AlarmRaised)}
    assert all(Ground.DRAW_MISSING in grounds(plant, seq) for seq in range(2, inducted + 1))
    assert [command.seq for command in plant.commands if isinstance(command, ArmDetector)] == [1]
    for _ in range(inducted):
        plant.open_epoch()
    assert [event.seq for event in plant.of(ParcelDrawn)][:inducted] == list(range(1, inducted + 1))


def test_one_waybill_twice_in_the_queue_of_draws_counts_once_and_is_bound_by_its_first_draw() -> None:
    plant = running(draw=DrawConfig(rate="0.5", epoch_draws_max=1))
    plant.hooks[CloseEpoch] = lambda command: True
    plant.lay(Box(code="T000000001"))
    for _ in range(2):
        plant.lay(Box(code="T000000003"))
    reach(plant, ParcelIdentified, 3)
    assert [event.seq for event in plant.of(ParcelDrawn)] == [1]
    while len(plant.of(ParcelDrawn)) < 3:
        plant.open_epoch()
    _, first, second = plant.of(ParcelDrawn)
    assert (first.counts, second.counts) == (True, False)
    assert (first.effective, second.drawn) == (True, False)
    assert (second.sticky_from, second.effective) == (2, True)
    assert second.n == first.n + 1


def test_epoch_without_its_key_opens_nothing() -> None:
    plant = MiniPlant()

    def bent(item: AnyInput) -> AnyInput:
        return replace(item, key=b"") if isinstance(item, EpochOpened) else item

    plant.filter = bent
    plant.begin()
    assert plant.core.open_epoch == 0
    assert Alarm.DRAW_MISSING in {event.number for event in plant.of(AlarmRaised)}


def test_changed_rate_starts_its_own_counters() -> None:
    plant = running(3)
    reach(plant, ParcelDrawn, 3)
    assert plant.core.state.draw.n == 3
    opened = next(item for item in plant.inputs if isinstance(item, EpochOpened))
    plant.give(replace(opened, **plant.now(), epoch=9, rate="0.5"))
    assert (plant.core.state.draw.n, plant.core.state.draw.epoch) == (0, 9)
    assert isinstance(plant.events[-1], Snapshot)


def test_commitments_nonces_and_reveals_are_for_the_record_only() -> None:
    plant = running()
    before = plant.core.snapshot()
    for item in (
        EpochCommitted(**plant.now(), epoch=2, commitment="c"),
        EpochNonce(**plant.now(), epoch=2, nonce="n", source="dice", by="chen"),
        EpochRevealed(**plant.now(), epoch=1, salt="s", secret="t", draws=0),
    ):
        assert plant.give(item).events == ()
    assert plant.core.snapshot() == before


def test_parcel_that_vanishes_before_the_reader_is_drawn_with_the_empty_key() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", removed_at_um=450_000))
    plant.run(2 * MINUTE)
    assert plant.of(ParcelIdentified)[0].grounds == (Ground.NO_READ,)
    assert plant.of(ParcelDrawn)[0].parcel_key == ""


def test_snapshot_never_holds_the_key() -> None:
    plant = MiniPlant(config())
    plant.begin()
    key = next(item.key for item in plant.inputs if isinstance(item, EpochOpened))
    assert key.hex() not in plant.core.snapshot()
