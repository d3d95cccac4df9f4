"""The PackML table: every pair of state and command has one answer."""

from itertools import product

import pytest

from lane.errors import ALARMS, CAUSES, Alarm, Cause, Kind
from lane.machine import BUCKETS, COMMANDS, DONE, TABLE, Bucket, Command, rank, reach, refusal
from lane.model.words import State

ACTING = {state for state in State if state.name.endswith("ING")}


@pytest.mark.parametrize(("state", "command"), list(product(State, Command)))
def test_every_pair_of_state_and_command_is_obeyed_or_refused_with_a_reason(state: State, command: Command) -> None:
    reached = reach(state, command)
    if reached is None:
        assert state.name in refusal(state, command)
        assert command in refusal(state, command)
    else:
        assert reached in ACTING


def test_every_acting_state_ends_in_a_resting_one() -> None:
    assert set(DONE) == ACTING
    assert not set(DONE.values()) & ACTING


def test_abort_is_taken_everywhere_but_while_aborting_or_aborted() -> None:
    assert {state for state in State if reach(state, Command.ABORT) is None} == {State.ABORTING, State.ABORTED}


def test_stop_is_taken_everywhere_but_in_the_five_states_that_stand_or_stop() -> None:
    refused = {state for state in State if reach(state, Command.STOP) is None}
    assert refused == {State.CLEARING, State.STOPPED, State.STOPPING, State.ABORTING, State.ABORTED}


def test_only_execute_suspends_and_completes() -> None:
    assert [state for state, command in TABLE if command is Command.SUSPEND] == [State.EXECUTE]
    assert [state for state, command in TABLE if command is Command.COMPLETE] == [State.EXECUTE]


def test_after_an_abort_only_clear_then_reset_then_start_lead_back_to_execute() -> None:
    state = DONE[reach(State.ABORTED, Command.CLEAR)]  # type: ignore[index]
    assert [command for command in Command if reach(State.ABORTED, command)] == [Command.CLEAR]
    state = DONE[reach(state, Command.RESET)]  # type: ignore[index]
    assert state is State.IDLE
    assert DONE[reach(state, Command.START)] is State.EXECUTE  # type: ignore[index]


def test_abort_outranks_stop_outranks_hold_outranks_suspend() -> None:
    ranks = [
        rank(Cause.EMERGENCY_STOP),
        rank(Cause.STOPPED_BY_PERSON),
        rank(Cause.GATE_FAULT),
        rank(Cause.BENCH_FULL),
        rank(Cause.ORDERED),
    ]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == 5


def test_every_state_is_counted_in_one_availability_bucket() -> None:
    assert set(BUCKETS) == set(State)
    assert BUCKETS[State.EXECUTE] is Bucket.RUNNING


def test_catalogue_has_a_row_for_every_alarm_and_every_cause() -> None:
    assert set(ALARMS) == set(Alarm)
    assert set(CAUSES) == set(Cause)
    assert {kind for kind, _ in CAUSES.values()} - {Kind.NOTE} == set(COMMANDS)
    assert all(number == 0 or Alarm(number) in ALARMS for _, number in CAUSES.values())


@pytest.mark.parametrize("number", list(Alarm))
def test_every_alarm_says_what_happened_why_and_the_way_out(number: Alarm) -> None:
    text = ALARMS[number]
    assert len({text.title, text.happened, text.cause, text.way_out}) == 4
    assert text.way_out.endswith(".")
