"""Sessions end by themselves; only a person's use keeps one alive."""

import pytest

from lane.console.sessions import FAILURES_MAX, LOCK_S, SESSION_IDLE_S_MAX, SESSION_S_MAX, Sessions
from lane.model.words import Role


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr("lane.console.sessions.monotonic", lambda: now[0])
    return now


def test_a_page_that_only_shows_does_not_keep_a_session_alive(clock: list[float]) -> None:
    sessions = Sessions()
    token = sessions.begin("chen", Role.OFFICER)
    for _ in range(4):
        clock[0] += SESSION_IDLE_S_MAX / 3
        shown = sessions.find(token, using=False)
    assert shown is None
    assert sessions.find(token) is None


def test_use_keeps_a_session_alive_until_its_absolute_end(clock: list[float]) -> None:
    sessions = Sessions()
    token = sessions.begin("chen", Role.OFFICER)
    for _ in range(int(SESSION_S_MAX / (SESSION_IDLE_S_MAX - 1))):
        clock[0] += SESSION_IDLE_S_MAX - 1
        assert sessions.find(token) is not None
    clock[0] += SESSION_IDLE_S_MAX - 1
    assert sessions.find(token) is None


def test_wrong_passwords_lock_a_name_for_a_while(clock: list[float]) -> None:
    sessions = Sessions()
    for _ in range(FAILURES_MAX):
        assert not sessions.locked("chen")
        sessions.failed("chen")
    assert sessions.locked("chen")
    assert not sessions.locked("wang")
    clock[0] += LOCK_S
    assert not sessions.locked("chen")


def test_a_one_time_address_opens_once_and_no_other_does() -> None:
    sessions = Sessions(one_time_token="right")
    assert not sessions.spend_one_time("wrong")
    assert sessions.spend_one_time("right")
    assert not sessions.spend_one_time("right")
    assert not Sessions().spend_one_time("")
