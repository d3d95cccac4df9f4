"""What an event log for process mining takes from a recording: events with their objects, and how objects changed.

Kinds of events and their attributes are those of the journal. Objects: parcel, declared list, order, officer, device.
Times are wall times: the start's wall clock plus the lane time since then (on a twin at N times real time the log
therefore runs at the lane's pace).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from devices.signals import DeviceRestarted, GateFault, LinkLost, LinkRestored
from lane.events import machine, parcel
from lane.inputs import LaneStarted, OrderGiven, VisionFailed
from lane.model.words import Via
from sim.recording import Recording, RecordingError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Time of an attribute that an object has from the beginning (OCEL 2.0)."""


class Kind(StrEnum):
    """Types of objects."""

    PARCEL = "parcel"
    LIST = "declared list"
    ORDER = "order"
    OFFICER = "officer"
    DEVICE = "device"


KINDS: tuple[type, ...] = (
    parcel.ParcelInducted, parcel.ParcelMeasured, parcel.ParcelIdentified, parcel.ParcelDrawn,
    parcel.DeclarationPinned, parcel.StatusUpdated, parcel.ParcelWeighed, parcel.ParcelScanned,
    parcel.ContentCompared, parcel.ReviewRequested, parcel.ReviewAnswered, parcel.InspectionOrdered,
    parcel.DispositionDecided, parcel.PermitIssued, parcel.PermitUsed, parcel.PermitVoided, parcel.ParcelReleased,
    parcel.ParcelDiverted, parcel.CustodyUnproven, parcel.CustodyMoved, parcel.TrackingLost, parcel.GroundAdded,
    parcel.BenchRecorded, parcel.MessageQueued, parcel.RecallRaised, machine.StateChanged, machine.OrderRefused,
    machine.AlarmRaised, machine.AlarmCleared, machine.AlarmAcknowledged, machine.BeltFlushed, OrderGiven, LinkLost,
    LinkRestored, DeviceRestarted, GateFault, VisionFailed,
)  # fmt: skip
"""Records that become events; polls, edges and deadlines do not."""
DEVICE_OF: dict[type, str] = {
    parcel.ParcelInducted: "induct eye", parcel.ParcelMeasured: "induct eye", parcel.ParcelIdentified: "reader",
    parcel.ParcelWeighed: "scale", parcel.ParcelScanned: "detector", parcel.ContentCompared: "vision",
    parcel.PermitUsed: "gate", parcel.ParcelDiverted: "inspect exit eye", GateFault: "gate", VisionFailed: "vision",
}  # fmt: skip
"""The device that saw it, where the record itself names none."""
_LEFT_OUT = frozenset({"at_us", "belt_um", "seq", "order", "person", "second", "list_no", "order_no"})
"""Fields that become time or relations."""
Value = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """An object and its part in the matter."""

    target: str
    qualifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. ``case``: lane number of its parcel (0: none); ``person``, ``device``: who or what ("": nobody)."""

    id: str
    kind: str
    at: datetime
    attributes: dict[str, Value]
    relations: tuple[Relation, ...]
    case: int = 0
    person: str = ""
    device: str = ""


@dataclass(slots=True, kw_only=True)
class Object:
    """One object. ``changes``: (time, attribute, value) in order; ``relations`` to other objects."""

    id: str
    kind: Kind
    changes: list[tuple[datetime, str, Value]] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class EventLog:
    """Everything, in the order of the journal."""

    name: str
    origin: str
    config_sha256: str
    events: list[Event] = field(default_factory=list)
    objects: dict[str, Object] = field(default_factory=dict)


def event_log(recording: Recording) -> EventLog:
    """The log of a recording. Raises RecordingError when it does not begin with a start of the core."""
    log = EventLog(
        name=recording.name,
        origin="SYNTHETIC" if recording.synthetic else "MACHINE",
        config_sha256=recording.config_sha256,
    )
    builder: _Builder | None = None
    for index, record in enumerate(recording.records()):
        if isinstance(record, LaneStarted) and builder is None:
            builder = _Builder(log, record)
        if type(record) in KINDS:
            if builder is None:
                raise RecordingError(
                    f"{recording.path}: expected LaneStarted before record {index}; record the run from its beginning"
                )
            builder.add(index, record)
    return log


class _Builder:
    """Adds events and objects."""

    def __init__(self, log: EventLog, start: LaneStarted) -> None:
        self._log = log
        wall = datetime.fromisoformat(start.wall_at)
        self._zero = (wall if wall.tzinfo else wall.replace(tzinfo=UTC)) - timedelta(microseconds=start.at_us)
        self._list_of: dict[int, str] = {}

    def add(self, index: int, record: Any) -> None:
        """One record that is an event."""
        at = self._zero + timedelta(microseconds=record.at_us)
        seq = int(getattr(record, "seq", 0))
        order = record.order if isinstance(record, OrderGiven) else None
        person = str(getattr(order or record, "person", ""))
        device = str(getattr(record, "role", "")) or self._device(record)
        second = str(getattr(order or record, "second", ""))
        relations = list(self._relations(at, record, seq, (person, second), device))
        if order is not None and (seq := int(getattr(order, "seq", 0))):
            relations.append(Relation(target=self._object(Kind.PARCEL, str(seq)).id, qualifier="ordered for"))
        attributes = _attributes(record) | ({"order": type(order).__name__} if order is not None else {})
        self._log.events.append(
            Event(
                id=f"e{index}",
                kind=type(record).__name__,
                at=at,
                attributes=attributes,
                relations=tuple(relations),
                case=seq,
                person=person,
                device=device,
            )
        )

    @staticmethod
    def _device(record: Any) -> str:
        if isinstance(record, parcel.ParcelReleased):
            return "release exit eye" if record.via is Via.GATE else ""
        return DEVICE_OF.get(type(record), "")

    def _relations(
        self, at: datetime, record: Any, seq: int, persons: tuple[str, str], device: str
    ) -> Iterable[Relation]:
        if seq:
            body = self._object(Kind.PARCEL, str(seq))
            if not body.changes:
                body.changes.append((EPOCH, "number", seq))
            self._change(body, at, record)
            if isinstance(record, parcel.DeclarationPinned):
                self._pin(body, at, record)
            yield Relation(target=body.id, qualifier="concerns")
            if seq in self._list_of:
                yield Relation(target=self._list_of[seq], qualifier="compared with")
        for person, part in zip(persons, ("by", "second person"), strict=True):
            if person:
                yield Relation(target=self._named(Kind.OFFICER, person).id, qualifier=part)
        if device:
            yield Relation(target=self._named(Kind.DEVICE, device).id, qualifier="seen by")

    def _change(self, body: Object, at: datetime, record: Any) -> None:
        """Attributes of a parcel that this record settles."""
        match record:
            case parcel.ParcelMeasured():
                body.changes.append((at, "length_mm", record.length_um // 1_000))
            case parcel.ParcelIdentified():
                body.changes.append((at, "code", record.code))
            case parcel.ParcelDrawn():
                body.changes.append((at, "drawn", record.effective))
            case parcel.ParcelWeighed():
                body.changes.append((at, "weight_mg", record.mg))
            case parcel.ContentCompared():
                body.changes.append((at, "finding", str(record.finding)))
            case parcel.DispositionDecided():
                body.changes.append((at, "route", str(record.route)))
            case parcel.CustodyMoved():
                body.changes.append((at, "custody", str(record.custody)))

    def _pin(self, body: Object, at: datetime, record: parcel.DeclarationPinned) -> None:
        declared = self._named(Kind.LIST, record.list_no or record.waybill)
        declared.changes.append((at, "status", str(record.status_class)))
        self._list_of[record.seq] = declared.id
        _relate(body, Relation(target=declared.id, qualifier="declared by"))
        if record.order_no:
            _relate(declared, Relation(target=self._named(Kind.ORDER, record.order_no).id, qualifier="lists"))

    def _named(self, kind: Kind, name: str) -> Object:
        """An object whose number or name is its first attribute."""
        found = self._object(kind, name)
        if not found.changes:
            found.changes.append((EPOCH, "name", name))
        return found

    def _object(self, kind: Kind, name: str) -> Object:
        identity = f"{kind.replace(' ', '-')}:{name}"
        return self._log.objects.setdefault(identity, Object(id=identity, kind=kind))


def _relate(one: Object, relation: Relation) -> None:
    if relation not in one.relations:
        one.relations.append(relation)


def _attributes(record: Any) -> dict[str, Value]:
    """Fields as numbers, words, or JSON text where they are nested; the belt position in millimetres."""
    found: dict[str, Value] = {"belt_mm": record.belt_um // 1_000}
    for name in record.__struct_fields__:
        if name in _LEFT_OUT:
            continue
        value = getattr(record, name)
        if isinstance(value, bool) or type(value) is int:
            found[name] = value
        elif isinstance(value, str):
            found[name] = str(value)
        elif isinstance(value, tuple) and all(isinstance(part, str) for part in value):
            found[name] = ", ".join(str(part) for part in value)
        elif isinstance(value, int):
            found[name] = getattr(value, "name", str(int(value)))
        else:
            found[name] = msgspec.json.encode(value).decode()
    return found


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
