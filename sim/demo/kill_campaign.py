"""Kill the core ten times while parcels are on the belt, at moments that hurt; then prove what must still be true.

Moments: the gate is open; a permit is durable but not yet written to the device; a parcel is in the X-ray; a
released parcel is between blade and exit eye; any moment. Every kind is hit twice, in an order that follows from the
seed. After each kill drive and gate must become safe by themselves, and the restarted core must flush the belt.
"""

import hashlib
import os
import signal
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from lane.events.machine import AlarmCleared, AlarmRaised, BeltFlushed
from lane.events.parcel import CustodyUnproven
from lane.mailbox import MailboxDown
from lane.model.config import Layout
from lane.model.words import State
from lane.views.tail import JournalTail
from sim.demo.live import Screen
from sim.demo.processes import descendants
from sim.demo.session import Session
from sim.streams.randoms import Keyed
from sim.wire.clock import wall_us
from sim.wire.lane_file import read_layout

TRAP_FOLDER = Path(__file__).resolve().parent / "trap"
TRAP_KIND = "PermitIssued"
CORE_MODULE = "lane.station"
"""What the core's process runs."""
ALARM_CUSTODY_UNPROVEN = 303
SETTLED_MM = 9_000
"""Belt after a start before the next kill: released parcels have reached the exits again."""
WAIT_S_MAX = 60.0
"""A moment that does not come within this is replaced by any moment."""
DRIVE_MS_MAX = 600
"""The drive's watchdog is 500 ms; its last frame came at most one poll before the kill."""
GATE_MS_MAX = 500


class Moment(StrEnum):
    """When to kill."""

    GATE_OPEN = "gate open"
    COMMITTED = "between commit and write"
    X_RAY = "during X-ray"
    BEFORE_EXIT = "before an exit eye"
    ANY = "any moment"


@dataclass(slots=True)
class Hit:
    """One kill and what followed. Times in milliseconds of wall after the kill; -1: did not happen."""

    number: int
    moment: str
    at_us: int
    on_belt: int
    records: int
    wall_us: int
    wanted: str = ""
    tail_sha256: str = ""
    drive_stopped_ms: int = -1
    valve_closed_ms: int = -1
    flushed: bool = False
    executing_ms: int = -1
    records_kept: bool = False
    unproven: int = 0


class KillCampaign:
    """Runs inside a session. ``kills``: how many (each kind of moment in turn)."""

    def __init__(self, session: Session, kills: int = 10) -> None:
        self._session = session
        self._trap = session.files.twin / "trap"
        path = os.pathsep.join(filter(None, (str(TRAP_FOLDER), os.environ.get("PYTHONPATH", ""))))
        session.environment |= {"PYTHONPATH": path, "LANE_CAMPAIGN_TRAP": str(self._trap)}
        kinds = [list(Moment)[number % len(Moment)] for number in range(kills)]
        self._keyed = Keyed(session.plan.seed, "kills")
        self._keyed.shuffle(kinds)
        self._kinds = kinds
        self._kills = kills
        self.hits: list[Hit] = []
        self._after: Hit | None = None
        self._started_um = -1
        self._waiting_s = 0.0
        self._delay_s = 0.0
        self._layout: Layout = read_layout(session.plan.lane_file)[0]
        self._flushed = 0
        self._alarms: set[int] = set()
        self._unproven = 0
        self._silent_unproven = 0
        session.watchers.append(self._saw)

    def run(self, screen: Screen) -> dict[str, Any]:
        """The whole run with its kills; the campaign's own figures."""
        self._session.run(screen, each=lambda: self._each(screen))
        return self.figures()

    def figures(self) -> dict[str, Any]:
        """Hits and verdict."""
        faults = self.faults()
        hits = [{name: value for name, value in asdict(hit).items() if name != "wall_us"} for hit in self.hits]
        return {"campaign": "kill", "hits": hits, "faults": faults, "failed": bool(faults)}

    def faults(self) -> list[str]:
        """What was not as it must be."""
        found = [] if len(self.hits) == self._kills else [f"{len(self.hits)} of {self._kills} kills before the end"]
        for hit in self.hits:
            checks = (
                (not 0 <= hit.drive_stopped_ms <= DRIVE_MS_MAX, f"drive stopped after {hit.drive_stopped_ms} ms"),
                (hit.valve_closed_ms > GATE_MS_MAX, f"valve closed after {hit.valve_closed_ms} ms"),
                (not hit.flushed, "belt not flushed"),
                (not hit.records_kept, "records lost"),
                (hit.executing_ms < 0, "lane did not run again"),
            )
            found += [f"kill {hit.number} ({hit.moment}): {text}" for wrong, text in checks if wrong]
        for moment in Moment:
            if moment in self._kinds and not any(hit.moment == moment for hit in self.hits):
                found.append(f"no kill {moment}")
        if self._silent_unproven:
            found.append("a custody-unproven parcel without its alarm")
        return found

    # --- every look

    def _saw(self, item: object) -> None:
        match item:
            case BeltFlushed():
                self._flushed += 1
            case AlarmRaised():
                self._alarms.add(item.number)
            case AlarmCleared():
                self._alarms.discard(item.number)
            case CustodyUnproven():
                self._unproven += 1

    def _check_alarm(self) -> None:
        """At the end of a look, an unproven parcel must have its alarm (one alarm stands for all of them)."""
        if self._unproven and ALARM_CUSTODY_UNPROVEN not in self._alarms:
            self._silent_unproven += 1
        self._unproven = 0

    def _each(self, screen: Screen) -> None:
        self._check_alarm()
        if self._after is not None:
            self._follow(self._after, screen)
        elif len(self.hits) < self._kills:
            self._hunt(screen)

    def _hunt(self, screen: Screen) -> None:
        """Kill when the wanted moment has come."""
        session = self._session
        if session.story.state is not State.EXECUTE:
            self._started_um = -1
            return
        truth = session.control.do("truth")
        if self._started_um < 0:
            self._started_um = truth["belt_um"]
            self._waiting_s = 0.0
        if truth["belt_um"] - self._started_um < SETTLED_MM * 1_000 or not truth["bodies"]:
            return
        now = time.monotonic()
        if not self._waiting_s:
            self._waiting_s = now
            self._delay_s = self._keyed.below(4_000) / 1_000
        wanted = self._kinds[len(self.hits)]
        if now - self._waiting_s > WAIT_S_MAX:
            wanted = Moment.ANY
        if wanted is Moment.COMMITTED:
            self._spring(truth, screen)
        elif self._has_come(wanted, truth, now):
            self._kill(wanted, truth, screen)

    def _has_come(self, wanted: Moment, truth: dict[str, Any], now: float) -> bool:
        layout, bodies = self._layout, truth["bodies"]
        match wanted:
            case Moment.GATE_OPEN:
                return bool(truth["gate"] == "RELEASE")
            case Moment.X_RAY:
                line = layout.detector_um // 1_000
                return bool(truth["beam"]) and any(b["head_mm"] > line > b["head_mm"] - b["length_mm"] for b in bodies)
            case Moment.BEFORE_EXIT:
                exit_mm = layout.exit_release_um // 1_000
                return any(b["route"] == "RELEASE" and b["head_mm"] < exit_mm for b in bodies)
            case _:
                return now - self._waiting_s > self._delay_s

    def _spring(self, truth: dict[str, Any], screen: Screen) -> None:
        """Set the trap, and notice when it was sprung."""
        sprung = self._trap.with_name(self._trap.name + ".sprung")
        if sprung.exists():
            killed_us = wall_us() - int((time.time() - sprung.stat().st_ctime) * 1e6)
            sprung.unlink()
            self._note(Moment.COMMITTED, truth, screen, killed_us)
        elif not self._trap.exists():
            self._trap.write_text(TRAP_KIND, encoding="utf-8")

    def _kill(self, moment: Moment, truth: dict[str, Any], screen: Screen) -> None:
        pid = core_pid(self._session.lane.process.pid)
        if pid is None:
            return
        self._session.read_journal()
        os.kill(pid, signal.SIGKILL)
        self._note(moment, truth, screen, wall_us())

    def _note(self, moment: Moment, truth: dict[str, Any], screen: Screen, killed_us: int) -> None:
        session = self._session
        self._trap.unlink(missing_ok=True)
        records = session.story.records
        hit = Hit(
            number=len(self.hits) + 1,
            moment=moment,
            wanted=self._kinds[len(self.hits)],
            at_us=truth["at_us"],
            on_belt=len(truth["bodies"]),
            records=records,
            wall_us=killed_us,
            tail_sha256=journal_digest(session.files.run, records),
            valve_closed_ms=-1 if truth["valve"] else 0,
        )
        self.hits.append(hit)
        self._after = hit
        self._flushed = 0
        self._unproven_before = len(session.story.unproven)
        screen.say(f"kill {hit.number}: core killed, {moment}, {hit.on_belt} parcels on the belt")

    def _follow(self, hit: Hit, screen: Screen) -> None:
        """Time what drive and gate do by themselves, and wait until the lane runs again."""
        session = self._session
        for fact in session.facts:
            elapsed_ms = max(0, (fact["wall_us"] - hit.wall_us) // 1_000)
            if fact["kind"] == "DRIVE" and fact["value"] == 0 and hit.drive_stopped_ms < 0:
                hit.drive_stopped_ms = elapsed_ms
            elif fact["kind"] == "VALVE" and not fact["level"] and hit.valve_closed_ms < 0:
                hit.valve_closed_ms = elapsed_ms
        if session.story.state is not State.EXECUTE or session.story.records <= hit.records or not self._answers():
            return
        hit.flushed = self._flushed > 0
        hit.executing_ms = (wall_us() - hit.wall_us) // 1_000
        hit.records_kept = journal_digest(session.files.run, hit.records) == hit.tail_sha256
        hit.unproven = len(session.story.unproven) - self._unproven_before
        self._after = None
        self._started_um = -1
        screen.say(
            f"kill {hit.number}: drive stopped after {hit.drive_stopped_ms} ms, valve closed after "
            f"{hit.valve_closed_ms} ms, flushed {hit.flushed}, running again after {hit.executing_ms} ms"
        )

    def _answers(self) -> bool:
        """Whether the core lives (the journal's last state may be the dead one's)."""
        if self._flushed == 0:
            return False
        try:
            self._session.desk.state()
        except MailboxDown:
            return False
        return True


def core_pid(lane_pid: int) -> int | None:
    """Process of the core below ``lane run``."""
    for pid, label in descendants(lane_pid).items():
        if label == CORE_MODULE:
            return pid
    return None


def journal_digest(run: Path, records: int) -> str:
    """SHA-256 over the first ``records`` records: equal before a kill and after it when none was lost or changed."""
    tail, digest = JournalTail(run), hashlib.sha256()
    for index in range(records):
        body = tail.body(index)
        if body is None:
            tail.close()
            return f"record {index} is missing"
        digest.update(len(body).to_bytes(4, "big") + body)
    tail.close()
    return digest.hexdigest()
