"""The run as its journal tells it: rows for the live table, counts and latencies for the summary."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from devices.signals import EyeChanged, SafetyChanged
from lane.events.machine import AlarmRaised, OrderRefused, StateChanged
from lane.events.parcel import (
    BenchRecorded,
    ContentCompared,
    CustodyUnproven,
    DispositionDecided,
    MessageQueued,
    ParcelDiverted,
    ParcelDrawn,
    ParcelIdentified,
    ParcelInducted,
    ParcelReleased,
    ParcelWeighed,
)
from lane.inputs import DeclarationAnswer, EpochRevealed, LaneStarted, MessageAcknowledged, ScanStored
from lane.model.config import EYE_EXIT_RELEASE
from lane.model.words import MessageKind, State


@dataclass(slots=True)
class Row:
    """One parcel, as the lane has recorded it so far. ``route`` is where it was proven to go."""

    seq: int
    code: str = ""
    goods: str = ""
    weight_mg: int = -1
    finding: str = ""
    drawn: bool | None = None
    decided: str = ""
    route: str = ""
    grounds: tuple[str, ...] = ()
    bench: str = ""
    scan_at_us: int = -1


@dataclass(slots=True)
class Story:
    """Folds records in journal order."""

    rows: dict[int, Row] = field(default_factory=dict)
    state: State = State.STOPPED
    cause: str = ""
    at_us: int = 0
    records: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    alarms: list[tuple[int, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    states: list[tuple[int, State, str]] = field(default_factory=list)
    draws: int = 0
    selected: int = 0
    diverted: list[int] = field(default_factory=list)
    unproven: set[int] = field(default_factory=set)
    released: int = 0
    revealed: int = 0
    scan_to_finding_us: list[int] = field(default_factory=list)
    exit_to_message_us: list[int] = field(default_factory=list)
    chain_reported: bool = False
    """The safety chain has reported since the core started last (no Reset before)."""
    starts: int = 0
    first_inducted_us: int = -1
    last_left_us: int = -1
    _release_eye_us: int = -1
    _queued: dict[str, int] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)

    def apply(self, item: object) -> None:
        """Fold one record in."""
        self.records += 1
        self.at_us = max(self.at_us, getattr(item, "at_us", 0))
        reader = _READERS.get(type(item))
        if reader is not None:
            reader(self, item)

    def row(self, seq: int) -> Row:
        """The parcel's row (made when missing)."""
        return self.rows.setdefault(seq, Row(seq))

    @property
    def gone(self) -> int:
        """Parcels whose end on the belt is recorded."""
        return sum(bool(row.route) for row in self.rows.values())

    @property
    def at_bench(self) -> int:
        """Diverted parcels that nobody has recorded a result for yet."""
        return sum(not self.rows[seq].bench for seq in set(self.diverted))

    # --- one method per record kind

    def _state(self, event: StateChanged) -> None:
        self.state, self.cause = event.reached, event.cause
        self.states.append((event.at_us, event.reached, event.cause))

    def _started(self, item: LaneStarted) -> None:
        if item.restart:
            self.starts += 1
            self.chain_reported = False

    def _chain(self, signal: SafetyChanged) -> None:
        self.chain_reported = True

    def _alarm(self, event: AlarmRaised) -> None:
        self.alarms.append((event.number, event.detail))

    def _refusal(self, event: OrderRefused) -> None:
        self.refused.append(f"{event.order} of {event.person}: {event.reason}")

    def _inducted(self, event: ParcelInducted) -> None:
        self.row(event.seq)
        if self.first_inducted_us < 0:
            self.first_inducted_us = event.at_us

    def _identified(self, event: ParcelIdentified) -> None:
        self.row(event.seq).code = event.code

    def _drawn(self, event: ParcelDrawn) -> None:
        self.row(event.seq).drawn = event.effective
        self.draws += 1
        self.selected += event.drawn

    def _declared(self, answer: DeclarationAnswer) -> None:
        names = [f"{item.name} {item.qty_e5 / 100_000:g}" for item in answer.items]
        self.row(answer.seq).goods = ", ".join(names)

    def _weighed(self, event: ParcelWeighed) -> None:
        self.row(event.seq).weight_mg = event.mg

    def _stored(self, scan: ScanStored) -> None:
        self.row(scan.seq).scan_at_us = scan.at_us

    def _compared(self, event: ContentCompared) -> None:
        row = self.row(event.seq)
        row.finding = event.finding
        self.findings[event.finding] += 1
        if row.scan_at_us >= 0:
            self.scan_to_finding_us.append(event.at_us - row.scan_at_us)

    def _decided(self, event: DispositionDecided) -> None:
        row = self.row(event.seq)
        row.decided, row.grounds = event.route, event.grounds

    def _released(self, event: ParcelReleased) -> None:
        self.released += 1
        row = self.row(event.seq)
        if not row.route:
            row.route, self.last_left_us = "RELEASE", event.at_us

    def _diverted(self, event: ParcelDiverted) -> None:
        row = self.row(event.seq)
        row.route, row.grounds, self.last_left_us = "INSPECT", event.grounds, event.at_us
        self.diverted.append(event.seq)

    def _unproven(self, event: CustodyUnproven) -> None:
        self.row(event.seq).route = "UNPROVEN"
        self.unproven.add(event.seq)

    def _bench(self, event: BenchRecorded) -> None:
        self.row(event.seq).bench = event.result

    def _eye(self, signal: EyeChanged) -> None:
        if signal.eye == EYE_EXIT_RELEASE and signal.blocked:
            self._release_eye_us = signal.at_us

    def _message(self, event: MessageQueued) -> None:
        self.waiting.add(event.idempotency_key)
        if event.message is MessageKind.RELEASE and event.via == "GATE" and self._release_eye_us >= 0:
            self._queued[event.idempotency_key] = self._release_eye_us

    def _acknowledged(self, item: MessageAcknowledged) -> None:
        self.waiting.discard(item.idempotency_key)
        eye_us = self._queued.pop(item.idempotency_key, -1)
        if eye_us >= 0:
            self.exit_to_message_us.append(item.at_us - eye_us)

    def _reveal(self, item: EpochRevealed) -> None:
        self.revealed += 1


_READERS: dict[type, Callable[[Story, Any], None]] = {
    LaneStarted: Story._started,
    SafetyChanged: Story._chain,
    StateChanged: Story._state,
    AlarmRaised: Story._alarm,
    OrderRefused: Story._refusal,
    ParcelInducted: Story._inducted,
    ParcelIdentified: Story._identified,
    ParcelDrawn: Story._drawn,
    DeclarationAnswer: Story._declared,
    ParcelWeighed: Story._weighed,
    ScanStored: Story._stored,
    ContentCompared: Story._compared,
    DispositionDecided: Story._decided,
    ParcelReleased: Story._released,
    ParcelDiverted: Story._diverted,
    CustodyUnproven: Story._unproven,
    BenchRecorded: Story._bench,
    EyeChanged: Story._eye,
    MessageQueued: Story._message,
    MessageAcknowledged: Story._acknowledged,
    EpochRevealed: Story._reveal,
}
