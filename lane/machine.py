"""The PackML machine of the lane as one table (ISA-TR88.00.02, OPC 30050): states, commands, acting states.

The table says what may happen; nobody else changes the state. An acting state (CLEARING, STARTING, ...) ends when
the signal that it waits for has proved it (``DONE``). Causes that arrive together: Abort > Stop > Hold > Suspend.
"""

from enum import StrEnum

from lane.errors import Cause, Kind, kind_of
from lane.model.words import State


class Command(StrEnum):
    """PackML commands; SUSPEND and UNSUSPEND are given by the lane itself, never by a person."""

    RESET = "RESET"
    START = "START"
    STOP = "STOP"
    HOLD = "HOLD"
    UNHOLD = "UNHOLD"
    SUSPEND = "SUSPEND"
    UNSUSPEND = "UNSUSPEND"
    ABORT = "ABORT"
    CLEAR = "CLEAR"
    COMPLETE = "COMPLETE"


class Bucket(StrEnum):
    """Availability buckets of the shift report."""

    RUNNING = "RUNNING"
    WAITING = "WAITING"
    OWN_FAULT = "OWN_FAULT"
    SAFETY = "SAFETY"
    NOT_PLANNED = "NOT_PLANNED"


_NO_STOP = frozenset({State.CLEARING, State.STOPPED, State.STOPPING, State.ABORTING, State.ABORTED})
_NO_ABORT = frozenset({State.ABORTING, State.ABORTED})
_HOLDABLE = (
    State.STARTING,
    State.EXECUTE,
    State.SUSPENDING,
    State.SUSPENDED,
    State.UNSUSPENDING,
    State.UNHOLDING,
    State.COMPLETING,
)
"""The lane also holds while it starts, suspends or completes: a gate fault there must stop the belt at once."""

TABLE: dict[tuple[State, Command], State] = {
    (State.STOPPED, Command.RESET): State.RESETTING,
    (State.COMPLETE, Command.RESET): State.RESETTING,
    (State.IDLE, Command.START): State.STARTING,
    (State.HELD, Command.UNHOLD): State.UNHOLDING,
    (State.EXECUTE, Command.SUSPEND): State.SUSPENDING,
    (State.SUSPENDED, Command.UNSUSPEND): State.UNSUSPENDING,
    (State.EXECUTE, Command.COMPLETE): State.COMPLETING,
    (State.ABORTED, Command.CLEAR): State.CLEARING,
    **{(state, Command.HOLD): State.HOLDING for state in _HOLDABLE},
    **{(state, Command.STOP): State.STOPPING for state in State if state not in _NO_STOP},
    **{(state, Command.ABORT): State.ABORTING for state in State if state not in _NO_ABORT},
}
"""(state, command) -> acting state. A pair that is not in the table is refused."""

DONE: dict[State, State] = {
    State.CLEARING: State.STOPPED,
    State.STARTING: State.EXECUTE,
    State.STOPPING: State.STOPPED,
    State.ABORTING: State.ABORTED,
    State.HOLDING: State.HELD,
    State.UNHOLDING: State.EXECUTE,
    State.SUSPENDING: State.SUSPENDED,
    State.UNSUSPENDING: State.EXECUTE,
    State.RESETTING: State.IDLE,
    State.COMPLETING: State.COMPLETE,
}
"""Acting state -> state reached when its signal proved it."""

COMMANDS: dict[Kind, Command] = {
    Kind.SUSPEND: Command.SUSPEND,
    Kind.HOLD: Command.HOLD,
    Kind.STOP: Command.STOP,
    Kind.ABORT: Command.ABORT,
}
_RANK = {Kind.NOTE: 0, Kind.SUSPEND: 1, Kind.HOLD: 2, Kind.STOP: 3, Kind.ABORT: 4}

BUCKETS: dict[State, Bucket] = {
    State.EXECUTE: Bucket.RUNNING,
    State.SUSPENDING: Bucket.WAITING,
    State.SUSPENDED: Bucket.WAITING,
    State.UNSUSPENDING: Bucket.WAITING,
    State.HOLDING: Bucket.OWN_FAULT,
    State.HELD: Bucket.OWN_FAULT,
    State.UNHOLDING: Bucket.OWN_FAULT,
    State.ABORTING: Bucket.SAFETY,
    State.ABORTED: Bucket.SAFETY,
    State.CLEARING: Bucket.SAFETY,
    State.STARTING: Bucket.NOT_PLANNED,
    State.RESETTING: Bucket.NOT_PLANNED,
    State.IDLE: Bucket.NOT_PLANNED,
    State.STOPPING: Bucket.NOT_PLANNED,
    State.STOPPED: Bucket.NOT_PLANNED,
    State.COMPLETING: Bucket.NOT_PLANNED,
    State.COMPLETE: Bucket.NOT_PLANNED,
}
"""Where the time in a state is counted: outside causes wait, inside causes are the lane's own fault."""


def reach(state: State, command: Command) -> State | None:
    """State that ``command`` leads to from ``state``; None: refused there."""
    return TABLE.get((state, command))


def refusal(state: State, command: Command) -> str:
    """Why ``command`` is refused in ``state``, and from where it would be taken."""
    sources = ", ".join(known.name for known, given in TABLE if given is command)
    return f"{command} is not possible in {state.name}; it is taken in {sources}"


def rank(cause: Cause) -> int:
    """Strength of a cause: Abort 4 > Stop 3 > Hold 2 > Suspend 1."""
    return _RANK[kind_of(cause)]
