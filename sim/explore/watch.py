"""The omniscient watch: after every input it compares what the core concludes with what a lane may do.

Each check has the name of its rule in ``sim/RULES.md``: I1..I28 invariants of the lane, R1 and following what only an
omniscient referee can see. They are written from outside, with none of the controller's rules, and cost a constant time
per event.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from devices.signals import DeviceRestarted, LinkLost, LinkRestored, SafetyChanged
from lane.events.machine import AlarmRaised, RuleAdded, StateChanged
from lane.events.parcel import (
    BenchRecorded,
    ContentCompared,
    CustodyMoved,
    CustodyUnproven,
    DeclarationPinned,
    DispositionDecided,
    GroundAdded,
    ParcelDiverted,
    ParcelDrawn,
    ParcelIdentified,
    ParcelInducted,
    ParcelReleased,
    ParcelScanned,
    PermitIssued,
    PermitUsed,
    PermitVoided,
    StatusUpdated,
)
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, FeedState, LaneStarted, ScanStored, VisionResult
from lane.model.grounds import GROUNDS, Clearance, Ground
from lane.model.words import BenchResult, Custody, Route, State, StatusClass, Via
from sim.explore.words import AUXILIARY
from vision.item_count import Origin

ONE_PERSON = frozenset({BenchResult.INSPECTED_AND_RELEASED, BenchResult.RESCAN})
AT_BENCH = frozenset({Custody.AT_BENCH, Custody.HELD})
STRAYS_MAX, HASHES_MAX, NONCES_MAX, PARCELS_MAX = 16, 256, 1_024, 128
"""Bounds (I19): followed strays, image hashes, nonces; parcels on a belt of 12 m with room to spare."""
SHOWN_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A rule that did not hold. ``seq``: lane number, ``body``: body (0: none)."""

    rule: str
    at_us: int
    text: str
    seq: int = 0
    body: int = 0


@dataclass(slots=True)
class Known:
    """What the records said of one lane number so far."""

    drawn: bool | None = None
    code: str = ""
    image: str = ""
    pinned: bool = False
    compared: bool = False
    decided: Route | None = None
    permit_no: int = 0
    permit: str = ""  # issued, used, void
    window: tuple[int, int] = (0, 0)
    ended: str = ""
    doubtful: bool = False  # on the belt at a fault, emergency stop or restart
    later: tuple[Ground, ...] = ()  # grounds found after the decision
    timed_out: bool = False
    status: StatusClass | None = None
    test: bool = False


class Watch:
    """Hears inputs and events of one run. ``state``: asks for the core's state, ``routed``: route of a lane number's
    body where its head has reached the blade. ``at_bench``: numbers that lie there, by the records."""

    def __init__(self, state: Callable[[], Any], routed: Callable[[int], Route | None], slack_um: int) -> None:
        self._state, self._routed, self._slack_um = state, routed, slack_um
        self.broken: list[Broken] = []
        self.counts: Counter[str] = Counter()
        self.known: dict[int, Known] = {}
        self._on_belt: dict[int, None] = {}
        self.at_bench: dict[int, None] = {}
        self._last_inducted = self._last_drawn = 0
        self._sticky: set[str] = set()
        self._images: dict[str, int] = {}
        self._alarms: set[int] = set()
        self._lost: set[str] = set()
        self._fresh = True
        self.state = State.STOPPED
        self.released: list[int] = []
        self.released_us: dict[int, int] = {}
        self.at_us = 0
        self._readers: dict[type, Callable[[Any], None]] = {
            ParcelInducted: self._inducted,
            ParcelIdentified: self._identified,
            ParcelDrawn: self._drawn,
            ParcelScanned: self._scanned,
            DeclarationPinned: self._pinned,
            ContentCompared: self._compared,
            GroundAdded: self._ground,
            DispositionDecided: self._decided,
            PermitIssued: self._issued,
            PermitUsed: self._used,
            PermitVoided: self._voided,
            ParcelReleased: self._released,
            ParcelDiverted: self._diverted,
            CustodyMoved: self._moved,
            CustodyUnproven: lambda event: self._ended(event.seq, "unproven"),
            StatusUpdated: self._status,
            BenchRecorded: self._bench,
            RuleAdded: self._rule,
            StateChanged: self._changed,
            AlarmRaised: self._raised,
        }
        self._heard: dict[type, Callable[[Any], None]] = {
            LinkLost: lambda item: self._lost.add(item.role),
            LinkRestored: lambda item: self._lost.discard(item.role),
            FeedState: self._feed,
            ScanStored: self._stored,
            DeviceRestarted: lambda item: self._doubt("lane I/O restart") if item.role == "io" else None,
            SafetyChanged: self._safety,
            VisionResult: self._late_count,
        }

    def saw(self, item: AnyInput, events: Sequence[AnyEvent]) -> None:
        """One step of the core."""
        self.at_us = item.at_us
        if type(item) is LaneStarted and item.restart:  # a new process knows this before anything else
            self._doubt("restart")
        readers = self._readers
        for event in events:
            reader = readers.get(type(event))
            if reader is not None:
                reader(event)
        heard = self._heard.get(type(item))
        if heard is not None:  # after its own step: what came due before it was decided without it
            heard(item)
        state = self._state()
        ended = state.released_count + state.diverted_count + state.unproven_count + state.removed_count
        if state.inducted != ended + len(state.parcels):
            self.breaks("I7", "inducted differs from ended and on the belt")
        if (
            len(state.strays) > STRAYS_MAX
            or len(state.hashes) > HASHES_MAX
            or len(state.nonces) > NONCES_MAX
            or len(state.parcels) > PARCELS_MAX
        ):
            self.breaks("I19", "a bounded collection is larger than its bound")

    def breaks(self, rule: str, text: str, seq: int = 0, body: int = 0) -> None:
        """Note a broken rule; of one rule only the first few are kept."""
        self.counts[f"broken {rule}"] += 1
        if len(self.broken) < SHOWN_MAX:
            self.broken.append(Broken(rule=rule, at_us=self.at_us, text=text, seq=seq, body=body))

    def _of(self, seq: int) -> Known:
        known = self.known.get(seq)
        if known is None:
            known = self.known[seq] = Known()
        return known

    # --- inputs

    def _feed(self, item: FeedState) -> None:
        self._fresh = item.fresh

    def _stored(self, item: ScanStored) -> None:
        if item.origin is Origin.TEST:
            self._of(item.seq).test = True

    def _late_count(self, item: VisionResult) -> None:
        known = self.known.get(item.seq)
        self.counts["verdict after the latch"] += known is not None and known.decided is not None

    def _safety(self, item: SafetyChanged) -> None:
        running = self.state not in (State.STOPPED, State.IDLE, State.ABORTED, State.ABORTING, State.COMPLETE)
        if running and not (item.estop_ok and item.guard_ok and item.interlock_ok):
            self._doubt("safety chain open")

    def _doubt(self, why: str) -> None:
        """Everything on the belt that has not passed the blade must go to INSPECT (I13)."""
        self.counts[f"doubt: {why}"] += 1
        self._lost.clear() if why == "restart" else None
        for seq in self._on_belt:
            if self._routed(seq) is None:
                self.known[seq].doubtful = True

    # --- events

    def _inducted(self, event: ParcelInducted) -> None:
        if event.seq != self._last_inducted + 1:
            self.breaks("I4", f"lane number {event.seq} follows {self._last_inducted}", event.seq)
        self._last_inducted = event.seq
        self._on_belt[event.seq] = None
        self.known[event.seq] = Known()

    def _identified(self, event: ParcelIdentified) -> None:
        self._of(event.seq).code = event.code

    def _drawn(self, event: ParcelDrawn) -> None:
        known = self._of(event.seq)
        if event.seq != self._last_drawn + 1 or known.drawn is not None:
            self.breaks("I4", f"draw {event.seq} follows {self._last_drawn}", event.seq)
        self._last_drawn = event.seq
        if known.image:
            self.breaks("R3", "drawn after its picture", event.seq)
        known.drawn = event.effective
        if event.drawn and not event.effective:
            self.breaks("I6", "drawn, but not effective", event.seq)
        if event.parcel_key:
            if event.parcel_key in self._sticky and not event.effective:
                self.breaks("I6", "an earlier effective draw of this waybill is forgotten", event.seq)
            if event.effective:
                self._sticky.add(event.parcel_key)

    def _scanned(self, event: ParcelScanned) -> None:
        known = self._of(event.seq)
        if known.drawn is None:
            self.breaks("R3", "picture without a durable draw", event.seq)
        if event.image_sha256 in self._images or known.image:
            other = self._images.get(event.image_sha256)
            self.breaks("I9", f"one picture for two parcels, or two for one ({other})", event.seq)
        self._images[event.image_sha256] = event.seq
        known.image = event.image_sha256

    def _pinned(self, event: DeclarationPinned) -> None:
        known = self._of(event.seq)
        known.pinned, known.status = True, event.status_class

    def _compared(self, event: ContentCompared) -> None:
        self._of(event.seq).compared = True

    def _ground(self, event: GroundAdded) -> None:
        known = self._of(event.seq)
        if known.decided is not None:
            known.later = (*known.later, event.ground)
        if event.ground is Ground.VISION_TIMEOUT:
            known.timed_out = True

    def _status(self, event: StatusUpdated) -> None:
        self._of(event.seq).status = event.status_class

    def _decided(self, event: DispositionDecided) -> None:
        known = self._of(event.seq)
        if known.decided is not None:
            self.breaks("I3", "decided twice", event.seq)
        known.decided = event.route
        self.counts[f"decided {event.route}"] += 1
        self.counts["drawn parcel without its image"] += bool(known.drawn) and not known.image
        if event.route is not Route.RELEASE:
            return
        checks = (
            ("I2", bool(event.grounds), "decided to release with open grounds"),
            ("R2", not known.image or event.image_sha256 != known.image, "decided on no picture, or on another one"),
            ("I5", known.drawn is not False, "decided to release what is drawn for opening, or not drawn"),
            ("R6", not known.code, "decided to release an unknown waybill"),
            ("R2", not known.pinned, "decided to release without a pinned list"),
            ("R2", not known.compared and not event.cleared, "decided to release without a count"),
            ("R5", known.status is not StatusClass.RELEASED, f"decided to release with status {known.status}"),
            ("I12", not self._fresh, "decided to release on a stale status feed"),
            ("I11", bool(self._lost - AUXILIARY), f"decided to release while {sorted(self._lost)} does not answer"),
            ("I20", known.test, "test evidence decides a release"),
            (
                "I28",
                known.timed_out and Ground.VISION_TIMEOUT not in event.cleared,
                "a late count lifts its own ground",
            ),
            (
                "I2",
                any(GROUNDS[ground].clearance is not Clearance.ONE for ground in event.cleared),
                "cleared by one officer what one officer may not clear",
            ),
        )
        for rule, broken, text in checks:
            if broken:
                self.breaks(rule, text, event.seq)

    def _issued(self, event: PermitIssued) -> None:
        known = self._of(event.seq)
        checks = (
            ("I1", known.permit_no != 0, "a second permit"),
            ("I3", known.decided is not Route.RELEASE, "a permit without a decision to release"),
            ("I2", bool(known.later), f"a permit with open grounds {[str(one) for one in known.later]}"),
            ("I5", known.drawn is not False, "a permit for what is drawn for opening"),
            ("I17", self.state is not State.EXECUTE, f"a permit in {self.state.name}"),
            ("I13", known.doubtful, "a permit for a parcel that a fault made doubtful"),
        )
        for rule, broken, text in checks:
            if broken:
                self.breaks(rule, text, event.seq)
        known.permit_no, known.permit = event.permit_no, "issued"
        known.window = (event.from_um, event.to_um)

    def _used(self, event: PermitUsed) -> None:
        known = self._of(event.seq)
        if known.permit != "issued" or known.permit_no != event.permit_no:
            self.breaks("I10", f"permit {event.permit_no} used while {known.permit or 'never issued'}", event.seq)
        start, end = known.window
        if not start - self._slack_um <= event.belt_um <= end + self._slack_um:
            self.breaks("I10", f"permit {event.permit_no} used outside its window", event.seq)
        known.permit = "used"

    def _voided(self, event: PermitVoided) -> None:
        known = self._of(event.seq)
        if known.permit in ("", "void"):
            self.breaks("I10", f"permit {event.permit_no} voided while {known.permit or 'never issued'}", event.seq)
        if known.permit == "issued" and "refused" in event.reason:
            self.counts["permit expired unused"] += 1
        known.permit = "void"

    def _released(self, event: ParcelReleased) -> None:
        known = self._of(event.seq)
        if event.via is Via.GATE:
            self._ended(event.seq, "released")
            self.released.append(event.seq)
            self.released_us[event.seq] = event.at_us
            if known.permit != "used":
                self.breaks("I1", f"released with a permit that is {known.permit or 'missing'}", event.seq)
            if known.doubtful:
                self.breaks("I13", "released although a fault made it doubtful", event.seq)
            if known.drawn is not False:
                self.breaks("I5", "drawn for opening, and released by the belt", event.seq)

    def _diverted(self, event: ParcelDiverted) -> None:
        self._ended(event.seq, "diverted")
        self.at_bench[event.seq] = None

    def _moved(self, event: CustodyMoved) -> None:
        if event.custody not in AT_BENCH:
            self.at_bench.pop(event.seq, None)

    def _ended(self, seq: int, how: str) -> None:
        if not seq:
            return
        known = self._of(seq)
        if known.ended:
            self.breaks("I7", f"{how} after it was {known.ended}", seq)
        known.ended = how
        self._on_belt.pop(seq, None)

    def _bench(self, event: BenchRecorded) -> None:
        if event.result not in ONE_PERSON and (not event.second or event.second == event.person):
            self.breaks("I26", f"{event.result} by one person", event.seq)

    def _rule(self, event: RuleAdded) -> None:
        if not event.second or event.second == event.person:
            self.breaks("I26", "a rule by one person")

    def _changed(self, event: StateChanged) -> None:
        if event.left is not self.state:
            self.breaks("I24", f"left {event.left.name} while in {self.state.name}")
        self.state = event.reached
        self.counts[f"state {event.reached.name}"] += 1
        if event.reached in (State.HOLDING, State.ABORTING):
            self.counts["stops"] += 1

    def _raised(self, event: AlarmRaised) -> None:
        if event.follows and event.follows not in self._alarms:
            self.breaks("R8", f"alarm {event.number} follows {event.follows}, which nobody raised", event.seq)
        self._alarms.add(event.number)
        self.counts[f"alarm {event.number}"] += 1
