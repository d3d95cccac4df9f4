"""The twin's people: they give ordinary orders through the mailbox, as named users of a twin lane."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lane.mailbox import MailboxDown, ask
from lane.model.words import BenchResult, Role, State
from sim.demo.story import Story
from sim.streams.randoms import Keyed
from sim.streams.truth import CONTENT_ERRORS, ParcelTruth, Planted

OFFICER, BENCH_OFFICER, SUPERVISOR = "twin-chen", "twin-lin", "twin-zhou"
ORDER_EVERY_S = 1.0
"""A person presses a button, looks what happens, and presses again at the earliest after this."""
BENCH_CONSTANT_US, BENCH_MEAN_US = 20_000_000, 25_000_000
"""Opening a parcel in plant time: 20 s and an exponential part of 25 s."""
RETRY_S = 0.3
"""The mailbox is down while the core starts again."""

Bodies = Callable[[int], ParcelTruth | None]
"""True parcel behind a lane number (the officer opens it, so the officer may know)."""


@dataclass(slots=True)
class Given:
    """One order and what became of it."""

    order: str
    accepted: bool
    reason: str


class Desk:
    """Gives orders with one-use nonces."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._number = 0
        self.given: list[Given] = []

    def give(self, order: str, person: str, role: Role, **facts: Any) -> bool:
        """One order; True when it was taken. Raises ``MailboxDown``."""
        self._number += 1
        nonce = f"{person}-{time.time_ns():x}-{self._number}"
        reply = ask(self._run, {"order": order, "person": person, "role": str(role), "nonce": nonce, **facts})
        reason = str(reply.get("reason") or reply.get("refused") or "")
        accepted = bool(reply.get("accepted")) and not reply.get("refused")
        self.given.append(Given(order, accepted, reason))
        return accepted

    def state(self) -> dict[str, Any]:
        """Live figures of the lane. Raises ``MailboxDown``."""
        return ask(self._run, {"ask": "state"})


BUTTON: dict[State, str] = {
    State.STOPPED: "Reset",
    State.COMPLETE: "Reset",
    State.IDLE: "Start",
    State.HELD: "Unhold",
    State.ABORTED: "Clear",
}
"""What brings the lane on from the states in which it waits for a person."""


class Operator:
    """Brings the lane to EXECUTE and keeps it there: Reset, Start, Unhold, and Clear after an abort.

    With ``begin_only`` the operator leaves for good as soon as the lane executes.
    """

    def __init__(self, desk: Desk, *, begin_only: bool = False) -> None:
        self._desk = desk
        self._begin_only = begin_only
        self._next_s = 0.0
        self.orders: list[tuple[State, str]] = []

    def act(self, story: Story) -> None:
        """Press the button that this state asks for, if any."""
        if self._begin_only and any(state is State.EXECUTE for _, state, _ in story.states):
            return
        order = BUTTON.get(story.state)
        if order is None or not story.chain_reported or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + ORDER_EVERY_S
        try:
            self._desk.give(order, OFFICER, Role.OFFICER)
            self.orders.append((story.state, order))
        except MailboxDown:
            self._next_s = time.monotonic() + RETRY_S


class BenchOfficers:
    """Open diverted parcels, count what is in them and record it."""

    def __init__(self, desk: Desk, body_of: Bodies, *, seed: int, speed: int) -> None:
        self._desk = desk
        self._body_of = body_of
        self._seed = seed
        self._speed = speed
        self._waiting: deque[tuple[float, int]] = deque()
        self._seen = 0
        self.hurry = False
        """The belt is empty: what still lies at the bench is opened at once."""
        self.recorded = 0

    @property
    def idle(self) -> bool:
        """Nothing left to open."""
        return not self._waiting

    def act(self, story: Story) -> None:
        """Take new parcels, finish those that are due."""
        for seq in story.diverted[self._seen :]:
            opening_us = BENCH_CONSTANT_US + Keyed(self._seed, "bench", seq).exponential(BENCH_MEAN_US)
            self._waiting.append((time.monotonic() + opening_us / 1e6 / self._speed, seq))
        self._seen = len(story.diverted)
        for _ in range(len(self._waiting)):
            due_s, seq = self._waiting.popleft()
            if (due_s > time.monotonic() and not self.hurry) or not self._record(seq):
                self._waiting.append((due_s, seq))

    def _record(self, seq: int) -> bool:
        """One bench result; False when the lane does not answer just now (the officer tries again)."""
        body = self._body_of(seq)
        try:
            for result in results_of(body):
                found = found_pieces(body) if result is not BenchResult.RESCAN else []
                if self._desk.give(
                    "RecordBench", BENCH_OFFICER, Role.OFFICER,
                    seq=seq, result=result.value, found=found, seal=f"S{seq:06d}", second=SUPERVISOR,
                ):  # fmt: skip
                    self.recorded += 1
                    break
        except MailboxDown:
            return False
        return True


def results_of(body: ParcelTruth | None) -> tuple[BenchResult, ...]:
    """What an officer would record, best first; the next one when the lane refuses it."""
    if body is None:
        return (BenchResult.RETURNED,)
    if body.planted in CONTENT_ERRORS:
        return BenchResult.ORDER_MODIFIED, BenchResult.RETURNED
    match body.planted:
        case Planted.NO_DECLARATION | Planted.NO_READ:
            return BenchResult.RETURNED, BenchResult.DETAINED
        case Planted.BAD_STATUS:
            return BenchResult.DETAINED, BenchResult.RETURNED
        case _:
            return BenchResult.INSPECTED_AND_RELEASED, BenchResult.RETURNED


def found_pieces(body: ParcelTruth | None) -> list[tuple[int, int]]:
    """(line number, pieces truly found) of each declared line."""
    if body is None or body.declared is None:
        return []
    pieces = dict(body.contents)
    return [(line.line_no, pieces.get(line.sku, 0)) for line in body.declared.lines]
