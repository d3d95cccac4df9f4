"""ISA-18.2 states of an alarm, first-out and chattering."""

import pytest

from lane.alarms import (
    CHATTER_COUNT,
    CHATTER_US,
    FIRST_OUT_US,
    RETOLD_MAX,
    SHELF_US_MAX,
    AlarmBook,
    AlarmState,
    acknowledged,
    cleared,
    raised,
    retold,
    shelved,
)
from lane.errors import Alarm

CONDITION, LATCHED = Alarm.LINK_LOST, Alarm.CUSTODY_UNPROVEN


def test_condition_alarm_goes_raised_acknowledged_cleared_normal() -> None:
    book = AlarmBook()
    assert raised(book, CONDITION, 0) is not None
    assert acknowledged(book, CONDITION) is False
    assert book.entries[CONDITION].state is AlarmState.ACKNOWLEDGED
    assert cleared(book, CONDITION)
    assert not book.entries


def test_condition_alarm_that_returned_waits_for_its_acknowledgement() -> None:
    book = AlarmBook()
    raised(book, CONDITION, 0)
    assert cleared(book, CONDITION)
    assert not cleared(book, CONDITION)
    assert book.entries[CONDITION].state is AlarmState.RETURNED
    assert acknowledged(book, CONDITION) is True
    assert not book.entries


def test_latched_alarm_ends_with_its_acknowledgement_only() -> None:
    book = AlarmBook()
    raised(book, LATCHED, 0)
    assert not cleared(book, LATCHED)
    assert acknowledged(book, LATCHED) is True


def test_unknown_or_seen_alarm_has_nothing_to_acknowledge_or_clear() -> None:
    book = AlarmBook()
    assert acknowledged(book, CONDITION) is None
    assert not cleared(book, CONDITION)
    raised(book, CONDITION, 0)
    acknowledged(book, CONDITION)
    assert acknowledged(book, CONDITION) is None


def test_a_related_alarm_of_the_same_upset_names_the_first_out_alarm() -> None:
    book = AlarmBook()
    first = raised(book, Alarm.JAM, 0)
    second = raised(book, Alarm.TRACKING_LOST, FIRST_OUT_US)
    stranger = raised(book, Alarm.LINK_LOST, FIRST_OUT_US)
    later = raised(book, Alarm.BELT_FLUSHED, FIRST_OUT_US + 1)
    assert first is not None
    assert second is not None
    assert stranger is not None
    assert later is not None
    assert (first.follows, second.follows, stranger.follows) == (0, Alarm.JAM, 0)
    assert later.follows == Alarm.LINK_LOST, "another family, but a stated cause"


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (Alarm.EPOCH_QUEUE_LOW, Alarm.EMERGENCY_STOP),
        (Alarm.EPOCH_QUEUE_LOW, Alarm.LINK_LOST),
        (Alarm.EPOCH_QUEUE_LOW, Alarm.DRAW_MISSING),
        (Alarm.LINK_LOST, Alarm.WATCHDOG_UNPROVEN),
        (Alarm.BENCH_FULL, Alarm.JAM),
    ],
)
def test_an_unrelated_or_less_urgent_alarm_is_never_named_as_the_first(earlier: Alarm, later: Alarm) -> None:
    book = AlarmBook()
    raised(book, earlier, 0)
    entry = raised(book, later, 1)
    assert entry is not None
    assert entry.follows == 0


def test_no_alarm_of_the_safety_chain_or_of_the_journal_can_be_shelved() -> None:
    book = AlarmBook()
    for number in range(101, 106):
        raised(book, Alarm(number), 0)
        assert "can't be shelved" in shelved(book, number, 0, 10)


def test_a_longer_list_of_silent_devices_is_announced_but_not_without_end() -> None:
    book = AlarmBook()
    raised(book, CONDITION, 0, "io does not answer")
    told = [raised(book, CONDITION, 1, f"list {n}") is not None for n in range(2 * RETOLD_MAX)]
    assert told == [True] * RETOLD_MAX + [False] * RETOLD_MAX
    acknowledged(book, CONDITION)
    assert retold(book, CONDITION, "io, drive do not answer") is None


def test_same_alarm_again_is_merged_until_it_was_seen() -> None:
    book = AlarmBook()
    raised(book, CONDITION, 0)
    assert raised(book, CONDITION, 1) is None
    acknowledged(book, CONDITION)
    assert raised(book, CONDITION, 2) is not None


def test_chattering_alarm_is_announced_three_times_a_minute_at_most() -> None:
    book = AlarmBook()
    announced = 0
    for at_us in range(20):
        announced += raised(book, CONDITION, at_us) is not None
        cleared(book, CONDITION)
    assert announced == CHATTER_COUNT
    assert raised(book, CONDITION, CHATTER_US + 1) is not None


def test_shelved_alarm_is_silent_until_its_time_and_no_shelf_is_endless() -> None:
    book = AlarmBook()
    assert shelved(book, CONDITION, 0, 10) == f"alarm {CONDITION} is not open"
    raised(book, CONDITION, 0)
    assert "within 8 h" in shelved(book, CONDITION, 0, SHELF_US_MAX + 1)
    assert "within 8 h" in shelved(book, CONDITION, 5, 5)
    assert shelved(book, CONDITION, 0, 10) == ""
    acknowledged(book, CONDITION)
    assert raised(book, CONDITION, 5) is None
    cleared(book, CONDITION)
    assert raised(book, CONDITION, 15) is not None
