"""Records that only wait in the journal in memory come out as those that were appended one by one."""

import pytest

from lane.inputs import ClockReached, FeedState
from lane.journal.memory import MemoryJournal, MemoryMode


@pytest.mark.parametrize("mode", list(MemoryMode))
def test_held_records_give_the_hash_the_tree_and_the_bytes_of_appended_ones(mode: MemoryMode) -> None:
    held, appended = MemoryJournal(mode, keep=True), MemoryJournal(mode, keep=True)
    for at_us in range(1, 40):
        item = ClockReached(at_us=at_us, belt_um=at_us)
        appended.append(item, ())
        held.hold(item)
        if at_us % 7 == 0:
            more = [FeedState(at_us=at_us, belt_um=0, fresh=True)]
            appended.append(more[0], ())
            held.hold_all(more)  # type: ignore[arg-type]  # any records will do
        if at_us % 10 == 0:
            held.flush()
    assert held.size == appended.size
    assert held.checkpoint() == appended.checkpoint()
    assert held.sha256() == appended.sha256()
    assert list(held.records()) == list(appended.records())


def test_a_sealed_checkpoint_takes_in_what_waits() -> None:
    journal = MemoryJournal(MemoryMode.SEALED)
    journal.hold(ClockReached(at_us=1, belt_um=0))
    assert journal.checkpoint().size == 1
