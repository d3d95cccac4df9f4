"""Pull the cables of I/O and drive while the gate is open; time what the devices do alone and what the lane says.

A gap that the devices' watchdogs do not notice needs no person; a longer one holds the lane until an officer's Unhold.
"""

import time
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from devices.signals import LinkLost, LinkRestored
from lane.events.machine import StateChanged
from lane.model.words import State
from sim.demo.live import Screen
from sim.demo.session import Session
from sim.wire.clock import wall_us

GATE_MS_MAX = 500
"""The gate rests at INSPECT within this by the device's own watchdog."""
SETTLED_S = 3.0
"""Lane runs undisturbed for so long before the next cable is pulled."""
WAIT_S_MAX = 45.0
"""An open gate that does not come within this is not waited for."""
CASE_S_MAX = 40.0
NEAR_GATE_MM = 5_500
"""Parcels whose head is not so far yet have no decision and reach the gate after a short gap is over."""


class When(StrEnum):
    """When a cable is pulled."""

    OPEN = "gate open"
    QUIET = "nobody near the gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    """One way to lose a device. ``person``: an officer's Unhold is expected (None: may be).

    A parcel that rides through the gate while its permit is void ends as custody-unproven and may hold the lane;
    short gaps are therefore judged with nobody near the gate, and timed with the gate open.
    """

    name: str
    role: str
    order: str
    seconds: float
    when: When
    person: bool | None


CABLES = (
    Cable(name="I/O socket closed", role="io", order="tcp_close", seconds=0.0, when=When.QUIET, person=False),
    Cable(name="I/O socket closed", role="io", order="tcp_close", seconds=0.0, when=When.OPEN, person=None),
    Cable(name="I/O black hole 0.2 s", role="io", order="tcp_black_hole", seconds=0.2, when=When.QUIET, person=False),
    Cable(name="I/O black hole 2.5 s", role="io", order="tcp_black_hole", seconds=2.5, when=When.OPEN, person=True),
    Cable(name="I/O refused 2.5 s", role="io", order="tcp_refuse", seconds=2.5, when=When.OPEN, person=True),
    Cable(name="drive pty hung up 0.1 s", role="drive", order="pty_hangup", seconds=0.1, when=When.QUIET, person=False),
    Cable(name="drive pty hung up 2.5 s", role="drive", order="pty_hangup", seconds=2.5, when=When.OPEN, person=True),
)


@dataclass(slots=True)
class Pull:
    """One cable pulled. Milliseconds of wall after the pull; -1: did not happen."""

    name: str
    when: str
    person_expected: bool | None
    gate_open: bool
    wall_us: int
    valve_closed_ms: int = -1
    gate_home_ms: int = -1
    watchdog_ms: int = -1
    noticed_ms: int = -1
    restored_ms: int = -1
    gap_ms: int = -1
    executing_ms: int = -1
    held: bool = False
    unheld_by: str = ""
    reasons: list[str] = field(default_factory=list)


class CableCampaign:
    """Runs inside a session."""

    def __init__(self, session: Session, cables: tuple[Cable, ...] = CABLES) -> None:
        self._session = session
        self._left = list(cables)
        self._cables = cables
        self.pulls: list[Pull] = []
        self._now: Pull | None = None
        self._ready_s = 0.0
        session.watchers.append(self._saw)

    def run(self, screen: Screen) -> dict[str, Any]:
        """The whole run with its cables; the campaign's own figures."""
        self._session.run(screen, each=lambda: self._each(screen))
        faults = self.faults()
        pulls = [{name: value for name, value in asdict(pull).items() if name != "wall_us"} for pull in self.pulls]
        return {"campaign": "cable", "pulls": pulls, "faults": faults, "failed": bool(faults)}

    def faults(self) -> list[str]:
        """What was not as it must be."""
        found = [] if not self._left else [f"{len(self._left)} cables were not pulled before the end"]
        for pull in self.pulls:
            checks = (
                (pull.gate_open and not 0 <= pull.valve_closed_ms <= GATE_MS_MAX, "the valve did not close in time"),
                (pull.executing_ms < 0, "the lane did not run again"),
                (pull.held and pull.person_expected is False, "the lane held although the gap was short"),
                (pull.person_expected is True and not pull.held, "the lane did not hold"),
                (pull.person_expected is True and not pull.reasons, "the lane said no reason"),
            )
            found += [f"{pull.name}, {pull.when}: {text}" for wrong, text in checks if wrong]
        return found

    def _each(self, screen: Screen) -> None:
        if self._now is not None:
            self._follow(self._now, screen)
        elif self._left:
            self._hunt(screen)

    def _hunt(self, screen: Screen) -> None:
        session = self._session
        now = time.monotonic()
        if session.story.state is not State.EXECUTE:
            self._ready_s = 0.0
            return
        self._ready_s = self._ready_s or now
        waited_s = now - self._ready_s
        truth = session.control.do("truth")
        cable = self._left[0]
        if waited_s < SETTLED_S or not (_has_come(cable.when, truth) or waited_s > WAIT_S_MAX):
            return
        self._left.pop(0)
        facts = {"seconds": cable.seconds} if cable.seconds else {}
        reply = session.control.do(cable.order, role=cable.role, **facts)
        pull = Pull(cable.name, cable.when, cable.person, truth["valve"], reply["wall_us"])
        self.pulls.append(pull)
        self._now = pull
        self._cable = cable
        screen.say(f"{cable.name}: pulled, {cable.when}, gate {truth['gate']}")

    def _ms(self, pull: Pull, at_wall_us: int) -> int:
        return max(0, (at_wall_us - pull.wall_us) // 1_000)

    def _saw(self, item: object) -> None:
        pull = self._now
        if pull is None:
            return
        match item:
            case LinkLost() if item.role == self._cable.role:
                pull.reasons.append(f"{item.role}: {item.reason}")
                if pull.noticed_ms < 0:
                    pull.noticed_ms = self._ms(pull, wall_us())
            case LinkRestored() if item.role == self._cable.role:
                pull.restored_ms = self._ms(pull, wall_us())
                pull.gap_ms = item.gap_us // 1_000
            case StateChanged():
                if item.reached in (State.HOLDING, State.HELD):
                    pull.held = True
                    pull.reasons.append(f"{item.reached.name}: {item.cause}")
                elif item.reached is State.UNHOLDING:
                    pull.unheld_by = item.person

    def _follow(self, pull: Pull, screen: Screen) -> None:
        for fact in self._session.facts:
            elapsed_ms = self._ms(pull, fact["wall_us"])
            if fact["wall_us"] < pull.wall_us:
                continue
            if fact["kind"] == "VALVE" and not fact["level"] and pull.valve_closed_ms < 0:
                pull.valve_closed_ms = elapsed_ms
            elif fact["kind"] == "SWITCH" and fact["where"] == "GATE_HOME" and fact["level"] and pull.gate_home_ms < 0:
                pull.gate_home_ms = elapsed_ms
            elif fact["kind"] == "WATCHDOG" and pull.watchdog_ms < 0:
                pull.watchdog_ms = elapsed_ms
        elapsed_s = (wall_us() - pull.wall_us) / 1e6
        over = elapsed_s > self._cable.seconds + 1.5 and self._session.story.state is State.EXECUTE
        if over:
            pull.executing_ms = int(elapsed_s * 1_000)
        if over or elapsed_s > CASE_S_MAX:
            self._now = None
            self._ready_s = 0.0
            screen.say(
                f"{pull.name}: valve closed {pull.valve_closed_ms} ms, home {pull.gate_home_ms} ms, lane noticed "
                f"{pull.noticed_ms} ms, gap {pull.gap_ms} ms, held {pull.held}; {'; '.join(pull.reasons)}"
            )


def _has_come(when: When, truth: dict[str, Any]) -> bool:
    if when is When.OPEN:
        return bool(truth["valve"])
    return bool(truth["bodies"]) and all(body["head_mm"] < NEAR_GATE_MM for body in truth["bodies"])
