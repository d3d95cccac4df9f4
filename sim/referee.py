"""The referee knows everything and helps nobody: physical truth on one side, the lane's own records on the other.

Fed with what the plant knows (``fed``, ``left``) and with the journal's records in order (``saw``), in any
interleaving; ``report`` then says which releases broke a rule, which content errors passed unseen, which sound
parcels were opened and why, and which bodies nobody can account for. It uses the lane's words, none of its rules.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from lane.events.machine import AlarmRaised, OrderRefused, StateChanged
from lane.events.parcel import (
    BenchRecorded,
    ContentCompared,
    CustodyUnproven,
    DispositionDecided,
    GroundAdded,
    MessageQueued,
    ParcelDiverted,
    ParcelDrawn,
    ParcelIdentified,
    ParcelInducted,
    ParcelReleased,
    ParcelScanned,
    PermitIssued,
    TrackingLost,
)
from lane.model.grounds import Ground
from lane.model.words import MessageKind, Route, StatusClass, Via
from sim.referee_words import Family, Violation, family_of
from sim.streams.truth import CONTENT_ERRORS, ParcelTruth, Planted

MATCH_UM = 60_000
"""A record belongs to the body whose head stood within this of its head position: half the shortest parcel."""
SHOWN_MAX = 50
"""Violations listed in a report; all are counted."""

_RELEASE = MessageKind.RELEASE  # looked up on its class, a member of an enum costs 0.3 us in Python 3.11


class Passage(Struct, gc=False):
    """What the lane's records say of one lane number."""

    seq: int
    head_um: int
    number: int = 0  # body that stood at the induct eye then (0: none)
    code: str = ""
    drawn: bool | None = None
    image: str = ""
    finding: str = ""
    route: Route | None = None
    decided_um: int = 0
    grounds: tuple[Ground, ...] = ()
    permitted: bool = False
    released: list[Via] = []
    diverted: bool = False
    unproven: bool = False
    lost: bool = False
    release_messages: list[Via] = []
    bench: str = ""


class Fate(Struct, gc=False):
    """What truly happened to one body."""

    fed_um: int
    foreign: bool = False
    seq: int = 0
    gone: bool = False
    route: Route | None = None
    moved_blade: bool = False


class Referee:
    """Judges one run. ``status_class`` maps a status code to its class; ``gate_um``: blade from the induct eye.

    ``learn_zero``: the lane may count belt from another zero than the plant (a wire); not so in the core twin, where a
    number that fits no body is a ghost. ``judging`` False: it only keeps which body stands behind which lane number and
    how many were drawn, and can't judge; ``report`` and ``violations`` mean nothing then.
    """

    def __init__(
        self,
        parcels: Iterable[ParcelTruth],
        status_class: Callable[[str], StatusClass],
        *,
        gate_um: int,
        learn_zero: bool = True,
        judging: bool = True,
    ) -> None:
        self._parcels = {parcel.number: parcel for parcel in parcels}
        self._status_class = status_class
        self._gate_um = gate_um
        self._fates: dict[int, Fate] = {}
        self._fed_um: list[int] = []
        self._fed_number: list[int] = []
        self._offset_um = 0
        self._learn_zero = learn_zero
        self._early: Passage | None = None  # inducted just before its body stood there: something ran ahead of it
        self.passages: dict[int, Passage] = {}
        self.counts: Counter[str] = Counter()
        self.alarms: Counter[int] = Counter()
        self.readers: dict[type, Callable[[Any], None]] = {
            ParcelInducted: self._inducted,
            ParcelIdentified: self._identified,
            ParcelDrawn: self._drawn,
            ParcelScanned: self._scanned,
            ContentCompared: self._compared,
            DispositionDecided: self._decided,
            PermitIssued: self._permitted,
            ParcelReleased: self._released,
            ParcelDiverted: self._diverted,
            CustodyUnproven: self._unproven,
            TrackingLost: self._lost,
            GroundAdded: self._ground,
            MessageQueued: self._queued,
            BenchRecorded: self._bench,
            AlarmRaised: self._alarm,
            StateChanged: self._state,
            OrderRefused: self._refused,
        }
        self.judging = judging
        if not judging:
            self.readers = {kind: self.readers[kind] for kind in (ParcelInducted, ParcelDrawn)}

    # --- physical truth

    @property
    def bodies_fed(self) -> int:
        """Bodies that stood at the induct eye."""
        return len(self._fed_number)

    def fed(self, number: int, belt_um: int) -> None:
        """Body ``number`` stood with its head at the induct eye at this plant belt position (in belt order)."""
        self._fates[number] = Fate(belt_um)
        self._fed_um.append(belt_um)
        self._fed_number.append(number)
        early, self._early = self._early, None
        if early is not None and abs(early.head_um + self._offset_um - belt_um) <= MATCH_UM:
            early.number, self._fates[number].seq = number, early.seq

    def inserted(self, parcel: ParcelTruth) -> None:
        """A person put a foreign body on the belt behind the induct eye: it must never leave by the release exit."""
        self._parcels[parcel.number] = parcel
        self._fates[parcel.number] = Fate(-1, foreign=True)

    def returned(self, parcel: ParcelTruth) -> None:
        """A parcel that went round comes a second time, under a body number of its own."""
        self._parcels[parcel.number] = parcel

    def left(self, number: int, route: Route | None, *, moved_blade: bool) -> None:
        """Body ``number`` left by this exit; None: a person took it off the belt."""
        fate = self._fates[number]
        fate.gone, fate.route, fate.moved_blade = True, route, moved_blade

    # --- the lane's records

    def saw(self, record: object) -> None:
        """One record of the journal, decoded; others than those it needs are passed over."""
        reader = self.readers.get(type(record))
        if reader is not None:
            reader(record)

    def body_of(self, seq: int) -> ParcelTruth | None:
        """True parcel behind a lane number."""
        passage = self.passages.get(seq)
        return self._parcels.get(passage.number) if passage else None

    def parcel(self, number: int) -> ParcelTruth | None:
        """True parcel of a body's number."""
        return self._parcels.get(number)

    def _passage(self, seq: int) -> Passage:
        passage = self.passages.get(seq)
        if passage is None:
            passage = self.passages[seq] = Passage(seq, -1)
        return passage

    def _inducted(self, event: ParcelInducted) -> None:
        passage = Passage(event.seq, event.head_um)
        self.passages[event.seq] = passage
        number = self._find(event.head_um + self._offset_um)
        if number == 0 and self._learn_zero:  # learn it from the next body nobody claimed
            number = next((n for n in self._fed_number if self._fates[n].seq == 0), 0)
            if number:
                self._offset_um = self._fates[number].fed_um - event.head_um
        if number and self._fates[number].seq == 0:
            passage.number = number
            self._fates[number].seq = event.seq
        elif not self._learn_zero:
            self._early = passage

    def _find(self, belt_um: int) -> int:
        place = bisect_left(self._fed_um, belt_um - MATCH_UM)
        if place < len(self._fed_um) and self._fed_um[place] <= belt_um + MATCH_UM:
            return self._fed_number[place]
        return 0

    def _identified(self, event: ParcelIdentified) -> None:
        self._passage(event.seq).code = event.code

    def _drawn(self, event: ParcelDrawn) -> None:
        self.counts["drawn"] += event.drawn
        self.counts["draws"] += 1
        self._passage(event.seq).drawn = event.effective

    def _scanned(self, event: ParcelScanned) -> None:
        self._passage(event.seq).image = event.image_sha256

    def _compared(self, event: ContentCompared) -> None:
        self._passage(event.seq).finding = event.finding

    def _decided(self, event: DispositionDecided) -> None:
        passage = self._passage(event.seq)
        passage.route, passage.decided_um, passage.grounds = event.route, event.belt_um, event.grounds

    def _permitted(self, event: PermitIssued) -> None:
        self._passage(event.seq).permitted = True

    def _released(self, event: ParcelReleased) -> None:
        self._passage(event.seq).released.append(event.via)

    def _diverted(self, event: ParcelDiverted) -> None:
        passage = self._passage(event.seq)
        passage.diverted, passage.grounds = True, event.grounds

    def _unproven(self, event: CustodyUnproven) -> None:
        self._passage(event.seq).unproven = True

    def _lost(self, event: TrackingLost) -> None:
        self._passage(event.seq).lost = True

    def _ground(self, event: GroundAdded) -> None:
        passage = self._passage(event.seq)
        passage.grounds = (*passage.grounds, event.ground)

    def _queued(self, event: MessageQueued) -> None:
        self.counts[f"message_{event.message}"] += 1
        if event.message is _RELEASE:
            self._passage(event.seq).release_messages.append(event.via)

    def _bench(self, event: BenchRecorded) -> None:
        self._passage(event.seq).bench = event.result

    def _alarm(self, event: AlarmRaised) -> None:
        self.alarms[event.number] += 1

    def _state(self, event: StateChanged) -> None:
        self.counts[f"state_{event.reached.name}"] += 1

    def _refused(self, event: OrderRefused) -> None:
        self.counts["orders_refused"] += 1

    # --- judgement

    def violations(self) -> list[tuple[Violation, int, int]]:
        """(what, body, lane number) of every rule broken; a release may break several."""
        found = []
        for number, fate in self._fates.items():
            if fate.gone and fate.route is Route.RELEASE:
                found += [(what, number, fate.seq) for what in self._release_faults(number, fate)]
        for passage in self.passages.values():
            found += [(what, passage.number, passage.seq) for what in self._record_faults(passage)]
        return found

    def forbids(self, number: int) -> list[Violation]:
        """Rules that forbid this body to leave by the release exit through the gate, wherever it is."""
        return self._release_faults(number, self._fates[number])

    def _release_faults(self, number: int, fate: Fate) -> list[Violation]:
        """Rules that forbid this body to have left by the release exit through the gate."""
        passage, truth = self.passages.get(fate.seq), self._parcels[number]
        if passage is None:
            return [Violation.UNTRACKED]
        at_blade_um = passage.head_um + self._gate_um
        checks = (
            (Violation.NO_DECISION, passage.route is not Route.RELEASE or passage.decided_um > at_blade_um),
            (Violation.NO_PERMIT, not passage.permitted),
            (Violation.IDENTITY, not truth.code or passage.code != truth.code),
            (Violation.DECLARATION, truth.declared is None),
            (Violation.STATUS, self._status(truth) is not StatusClass.RELEASED),
            (Violation.SAMPLE, passage.drawn is not False),
            (Violation.NO_IMAGE, not passage.image),
        )
        return [what for what, broken in checks if broken]

    def _record_faults(self, passage: Passage) -> list[Violation]:
        """Rules that the lane's release records and messages break."""
        fate, truth = self._fates.get(passage.number), self._parcels.get(passage.number)
        faults = []
        gone_by_gate = fate is not None and fate.gone and fate.route is Route.RELEASE
        if Via.GATE in passage.released and not gone_by_gate:
            faults.append(Violation.FALSE_RECORD)
        if len(passage.released) > 1 or (passage.released and passage.diverted and Via.GATE in passage.released):
            faults.append(Violation.TWICE)
        if Counter(passage.release_messages) != Counter(passage.released):
            faults.append(Violation.MESSAGE)
        if Via.BENCH in passage.released and self._status(truth) is not StatusClass.RELEASED:
            faults.append(Violation.STATUS)
        return faults

    def _status(self, truth: ParcelTruth | None) -> StatusClass:
        if truth is None or truth.declared is None:
            return StatusClass.NONE
        return self._status_class(truth.declared.status_code)

    def _accounted(self, fate: Fate) -> bool:
        """Whether the records say of this body what truly happened to it."""
        passage = self.passages.get(fate.seq)
        if passage is None:
            return fate.foreign and fate.route is not Route.RELEASE
        if not fate.gone:
            return not passage.released and not passage.diverted
        if fate.route is None:
            return passage.lost or passage.unproven
        if fate.route is Route.RELEASE:
            return Via.GATE in passage.released
        return passage.diverted

    def _given_up(self, fate: Fate) -> bool:
        """Whether the lane lost this body and said so, and it left by INSPECT: it lies where people look for it."""
        passage = self.passages.get(fate.seq)
        return passage is not None and passage.lost and not passage.released and fate.route is Route.INSPECT

    def report(self) -> dict[str, Any]:
        """Figures of the run, ready for JSON."""
        violations = self.violations()
        fates = self._fates.items()
        missed = [
            number for number, fate in fates
            if fate.route is Route.RELEASE and self._parcels[number].planted in CONTENT_ERRORS
        ]  # fmt: skip
        unproven = {passage.seq for passage in self.passages.values() if passage.unproven}
        untold = [n for n, fate in fates if not self._accounted(fate) and fate.seq not in unproven]
        given_up = [n for n in untold if self._given_up(self._fates[n])]
        untracked = [n for n in untold if not self._fates[n].seq and self._fates[n].route is Route.INSPECT]
        lost = sorted(set(untold) - {*given_up, *untracked})
        releases = sum(len(passage.released) for passage in self.passages.values())
        by_gate = sum(Via.GATE in passage.released for passage in self.passages.values())
        errors = sum(self._parcels[number].planted in CONTENT_ERRORS for number in self._fates)
        routes = Counter(fate.route for _, fate in fates if fate.gone)
        return {
            "bodies_fed": len(self._fed_number),
            "bodies_inserted": sum(fate.foreign for _, fate in fates),
            "bodies_released": routes[Route.RELEASE],
            "bodies_inspected": routes[Route.INSPECT],
            "bodies_removed": routes[None],
            "bodies_on_belt": sum(not fate.gone for _, fate in fates),
            "rule_violating_releases": len({(body, seq) for _, body, seq in violations}),
            "violations": dict(Counter(what for what, _, _ in violations)),
            "violations_shown": [f"{what} body {body} seq {seq}" for what, body, seq in violations[:SHOWN_MAX]],
            "content_errors": errors,
            "missed_content": len(missed),
            "missed_content_permille": -(-1_000 * len(missed) // errors) if errors else 0,
            "sound_parcels_inspected": self._sound_inspected(),
            "unaccounted": len(lost),
            "unaccounted_bodies": lost[:SHOWN_MAX],
            "given_up": len(given_up),
            "untracked": len(untracked),
            "custody_unproven": len(unproven),
            "moved_blade_under_body": sum(fate.moved_blade for _, fate in fates),
            "release_messages": sum(len(p.release_messages) for p in self.passages.values()),
            "released_parcels": releases,
            "released_by_gate": by_gate,
            "bench_results": dict(Counter(p.bench for p in self.passages.values() if p.bench)),
            "alarms": {str(number): count for number, count in sorted(self.alarms.items())},
            "orders_refused": self.counts["orders_refused"],
        }

    def _sound_inspected(self) -> dict[str, Any]:
        """Sound parcels that were opened: by ground (each of its grounds counts) and by family (one per parcel)."""
        grounds: Counter[str] = Counter()
        families: Counter[Family] = Counter()
        sound = [n for n in self._fates if self._parcels[n].planted is Planted.SOUND and self._fates[n].gone]
        for number in sound:
            fate = self._fates[number]
            if fate.route is not Route.INSPECT:
                continue
            passage = self.passages.get(fate.seq)
            open_grounds = passage.grounds if passage else ()
            grounds.update(str(ground) for ground in set(open_grounds))
            families[family_of(open_grounds)] += 1
        total = len(sound) or 1
        return {
            "sound": len(sound),
            "inspected": sum(families.values()),
            "by_ground": dict(sorted(grounds.items())),
            "by_family": {str(name): families[name] for name in Family if families[name]},
            "permille_tracking_identity_device": round(
                1_000 * sum(families[name] for name in (Family.TRACKING, Family.IDENTITY, Family.DEVICE)) / total, 1
            ),
            "permille_other_but_draw": round(
                1_000 * sum(families[name] for name in (Family.CONTENT, Family.DECLARATION, Family.ORDER)) / total, 1
            ),
        }
