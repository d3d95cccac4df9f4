"""Restart is replay: the controller regained equals the one that was lost."""

import asyncio
from pathlib import Path

import pytest

from devices.io_image import IoResume
from devices.signals import EyeChanged, LinkRestored
from lane.commands import CloseEpoch
from lane.controller.core import LaneController
from lane.inputs import ClockReached
from lane.runtime.restart import RestartRefused, io_resume, restore, start_us
from tests.lane.runtime.lanes import SmallLane


def signals(at_us: int) -> list[EyeChanged | LinkRestored]:
    """A link, and a parcel at the induct eye."""
    link = LinkRestored(at_us=at_us, belt_um=0, role="io", port="p", unit=1, gap_us=0, watchdog_tripped=False)
    edges = [
        EyeChanged(
            at_us=at_us + 1_000 * k,
            belt_um=100_000 * k,
            eye="induct",
            blocked=bool(k % 2),
            ring_seq=k,
            boot=3,
            encoder=1_000 * k,
        )
        for k in (1, 2, 3)
    ]
    return [link, *edges]


def lived(run: Path, *, second_epoch: bool) -> tuple[str, SmallLane]:
    """A lane that ran for a while and was killed; its last state."""
    lane = SmallLane(run)

    async def session() -> None:
        await lane.begin()
        if second_epoch:
            opened_us = lane.core.controller.state.draw.opened_us
            at_us = opened_us + lane.config.draw.epoch_us_max
            await lane.give(ClockReached(at_us=at_us, belt_um=0))
            await lane.close_epoch()
        await lane.give(*signals(lane.core.controller.state.at_us + 10))

    asyncio.run(session())
    state = lane.core.controller.snapshot()
    lane.journal.close()
    return state, lane


def again(run: Path) -> tuple[LaneController, SmallLane, list[object]]:
    """Start over the same journal and keys."""
    lane = SmallLane(run)
    lane.epochs.take_up(lane.journal.epochs())
    seen: list[object] = []
    resumed = restore(lane.journal, lane.config, lane.epochs.key_of_open(), seen.append)
    return resumed.controller, lane, seen


@pytest.mark.parametrize("second_epoch", [False, True])
def test_the_state_regained_is_the_state_lost(tmp_path: Path, second_epoch: bool) -> None:
    state, _ = lived(tmp_path / "run", second_epoch=second_epoch)
    controller, lane, seen = again(tmp_path / "run")
    assert controller.snapshot() == state
    assert controller.open_epoch == (2 if second_epoch else 1)
    assert any(type(event).__name__ == "ParcelInducted" for event in seen)
    lane.journal.close()


def test_an_epoch_revealed_before_the_crash_is_replayed_with_the_key_of_its_reveal(tmp_path: Path) -> None:
    """The core died between the reveal and the next opening: the key file is gone, the draws must come out the same."""
    lane = SmallLane(tmp_path / "run")

    async def session() -> None:
        await lane.begin()
        at_us = lane.core.controller.state.at_us
        await lane.give(*signals(at_us + 10))
        reader_um = lane.config.layout.reader_um
        past = {"at_us": at_us + 5_000_000, "belt_um": 300_000 + reader_um + 1_000_000}
        await lane.give(ClockReached(**past))  # identity closes, the parcel is drawn
        await lane.give(ClockReached(at_us=at_us + lane.config.draw.epoch_us_max + 1, belt_um=past["belt_um"]))
        command = next(one for one in lane.commands if isinstance(one, CloseEpoch))
        assert command.draws == 1
        await lane.give(lane.epochs.reveal(command.epoch, command.draws))
        lane.epochs.forget(command.epoch)

    asyncio.run(session())
    state = lane.core.controller.snapshot()
    lane.journal.close()
    controller, lane, seen = again(tmp_path / "run")
    assert lane.epochs.key_of_open() == b""
    assert controller.snapshot() == state
    assert any(type(event).__name__ == "ParcelDrawn" for event in seen)
    lane.journal.close()


def test_a_program_that_concludes_otherwise_is_not_let_near_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(tmp_path / "run", second_epoch=False)
    lane = SmallLane(tmp_path / "run")
    lane.epochs.take_up(lane.journal.epochs())
    honest = LaneController.handle

    def other(self: LaneController, item: object) -> object:
        step = honest(self, item)  # type: ignore[arg-type]
        return type(step)(step.events[:-1], step.commands) if isinstance(item, EyeChanged) else step

    monkeypatch.setattr(LaneController, "handle", other)
    with pytest.raises(RestartRefused, match="draws other conclusions"):
        restore(lane.journal, lane.config, lane.epochs.key_of_open(), lambda event: None)
    lane.journal.close()


def test_ring_and_encoder_go_on_at_the_last_journalled_edge(tmp_path: Path) -> None:
    lived(tmp_path / "run", second_epoch=False)
    assert io_resume(tmp_path / "run") == IoResume(ring_seq=3, boot=3, encoder=3_000, belt_um=300_000)


def test_a_fresh_run_resumes_nothing(tmp_path: Path) -> None:
    lane = SmallLane(tmp_path / "run")
    assert io_resume(tmp_path / "run") is None
    assert start_us(tmp_path / "run", 7, 1) == 7
    lane.journal.close()


def test_lane_time_goes_on_after_the_last_record(tmp_path: Path) -> None:
    _, lane = lived(tmp_path / "run", second_epoch=False)
    last = lane.core.controller.state.at_us
    assert start_us(tmp_path / "run", last, 1) >= last
    assert start_us(tmp_path / "run", last + 10**12, 1) == last + 10**12
