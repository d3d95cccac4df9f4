"""The core's loop: durable before any command leaves, one timer, outputs safe when the journal fails."""

import asyncio
from pathlib import Path

import pytest

from devices.commands import AllowInduction, RestGate, SetBeam, StopBelt
from devices.signals import BarcodeRead, ReadQuality
from lane.codec import decode
from lane.commands import AnyCommand, Step
from lane.controller.core import LaneController
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, ClockReached, OrderGiven
from lane.journal.disk import JournalPanic
from lane.journal.log import Journal
from lane.model.words import Role
from lane.orders import Unhold
from lane.runtime.core import QUEUE_MAX, CoreStopped
from tests.lane.runtime.lanes import SmallLane


def test_a_command_leaves_only_after_its_record_is_durable(tmp_path: Path) -> None:
    lane = SmallLane(tmp_path / "run")
    seen: list[tuple[int, str]] = []
    lane.core._dispatch = lambda command: seen.append((lane.journal.size, type(command).__name__))

    async def session() -> None:
        before = lane.journal.size
        await lane.begin()
        assert seen
        assert all(size > before for size, _ in seen)

    asyncio.run(session())
    lane.journal.close()


def test_a_refused_order_is_on_record_and_its_reason_comes_back(tmp_path: Path) -> None:
    lane = SmallLane(tmp_path / "run")

    async def session() -> tuple[int, str]:
        await lane.begin()
        running = asyncio.create_task(lane.core.run())
        order = Unhold(person="li.wei", role=Role.OFFICER, nonce="n1")
        at_us, belt_um = lane.core.stamp()
        answer = await lane.core.post(OrderGiven(at_us=at_us, belt_um=belt_um, order=order))
        running.cancel()
        return answer

    index, reason = asyncio.run(session())
    assert reason
    assert isinstance(decode(dict(lane.journal.records())[index]), OrderGiven)
    lane.journal.close()


def test_a_code_carries_the_history_of_its_draw_key(tmp_path: Path) -> None:
    lane = SmallLane(tmp_path / "run")
    known = Known(lane.journal)
    lane.core.journal = known
    read = BarcodeRead(at_us=5, belt_um=0, reader="reader", text="t-1", quality=ReadQuality.GOOD)
    enriched = lane.core._with_history(read)
    assert (enriched.sticky_from, enriched.inductions) == (41, 2)
    lane.journal.close()


class Known:
    """A journal that has seen key T-1 twice, the last time drawn as parcel 41."""

    def __init__(self, journal: Journal) -> None:
        self.append = journal.append
        self.checkpoint_if_due = journal.checkpoint_if_due

    def sticky(self, parcel_key: str, at_us: int) -> tuple[int, int]:
        """Earlier passages."""
        return (41, 2) if parcel_key == "T-1" else (0, 0)


class Stub:
    """A controller whose deadline the test sets."""

    def __init__(self) -> None:
        self.deadline: int | None = None
        self.got: list[AnyInput] = []

    def handle(self, item: AnyInput) -> Step:
        """Remember; a reached deadline is gone."""
        self.got.append(item)
        if isinstance(item, ClockReached):
            self.deadline = None
        return Step((), ())

    def next_deadline(self) -> int | None:
        """The one deadline."""
        return self.deadline


def test_the_deadline_comes_once_and_not_early(tmp_path: Path) -> None:
    lane = SmallLane(tmp_path / "run")
    stub = Stub()
    lane.core.controller = stub  # type: ignore[assignment]

    async def session() -> None:
        running = asyncio.create_task(lane.core.run())
        stub.deadline = lane.clock.now() + 50_000
        lane.core._arm_timer()
        await asyncio.sleep(0.3)
        running.cancel()

    deadline = lane.clock.now() + 50_000
    asyncio.run(session())
    (reached,) = stub.got
    assert isinstance(reached, ClockReached)
    assert reached.at_us >= deadline
    lane.journal.close()


class Broken:
    """A journal whose disk fails at the n-th record."""

    def __init__(self, good: int) -> None:
        self.good = good

    def append(self, item: AnyInput, events: tuple[AnyEvent, ...]) -> int:
        """Fail at last."""
        self.good -= 1
        if self.good < 0:
            raise JournalPanic("disk I/O error")
        return 0

    def sticky(self, parcel_key: str, at_us: int) -> tuple[int, int]:
        """Nothing known."""
        return 0, 0

    def checkpoint_if_due(self, now_us: int) -> object:
        """Nothing signed."""
        return None


def test_when_the_journal_fails_no_command_leaves_and_the_outputs_are_made_safe(tmp_path: Path) -> None:
    lane = SmallLane(tmp_path / "run")
    lane.core.journal = Broken(0)
    lane.core.controller = LaneController(lane.config)

    async def session() -> None:
        order = Unhold(person="li.wei", role=Role.OFFICER, nonce="n1")
        lane.core.emit(OrderGiven(at_us=1, belt_um=0, order=order))
        with pytest.raises(CoreStopped, match="disk I/O error"):
            await lane.core.run()

    asyncio.run(session())
    assert lane.commands == []
    assert set(lane.safe) == {RestGate(), SetBeam(on=False), AllowInduction(allowed=False), StopBelt()}
    lane.journal.close()


def test_an_overrun_queue_stops_the_core_instead_of_dropping_an_input(tmp_path: Path) -> None:
    lane = SmallLane(tmp_path / "run")
    lane.core.controller = Stub()  # type: ignore[assignment]

    async def session() -> None:
        for at_us in range(QUEUE_MAX + 1):
            lane.core.emit(ClockReached(at_us=at_us, belt_um=0))
        with pytest.raises(CoreStopped, match="can't follow"):
            await lane.core.run()

    asyncio.run(session())
    assert RestGate() in lane.safe
    lane.journal.close()


def test_an_order_posted_when_the_journal_fails_is_answered_not_forgotten(tmp_path: Path) -> None:
    lane = SmallLane(tmp_path / "run")
    lane.core.journal = Broken(0)

    async def session() -> None:
        running = asyncio.create_task(lane.core.run())
        order = Unhold(person="li.wei", role=Role.OFFICER, nonce="n1")
        with pytest.raises(CoreStopped):
            await lane.core.post(OrderGiven(at_us=1, belt_um=0, order=order))
        with pytest.raises(CoreStopped):
            await running

    asyncio.run(session())
    lane.journal.close()


def test_safe_commands_never_open_anything() -> None:
    from lane.runtime.core import SAFE

    forbidden: list[AnyCommand] = [SetBeam(on=True), AllowInduction(allowed=True)]
    assert not set(SAFE) & set(forbidden)
