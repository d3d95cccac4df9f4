"""One line of text for each record that a person would want to jump to; the rest of the journal has none."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from devices.signals import (
    DeviceRestarted,
    EncoderDoubt,
    GateFault,
    LinkLost,
    LinkRestored,
    StrangerRefused,
    WatchdogProven,
)
from lane.errors import ALARMS, Alarm
from lane.events import machine, parcel
from lane.inputs import EpochOpened, LaneStarted, OrderGiven, VisionFailed
from lane.model.words import State


class Group(StrEnum):
    """What an event belongs to; the page filters by it."""

    MACHINE = "machine"
    ALARM = "alarm"
    DECISION = "decision"
    EXIT = "exit"
    PERSON = "person"
    DEVICE = "device"
    DRAW = "draw"


def alarm_title(number: int) -> str:
    """Title of the catalogue."""
    return ALARMS[Alarm(number)].title


def _grounds(event: Any) -> str:
    return ", ".join(str(ground) for ground in event.grounds)


def _order(item: OrderGiven) -> str:
    return f"{item.order.person} orders {type(item.order).__name__}"


def _decided(event: parcel.DispositionDecided) -> str:
    return f"{event.route}" + (f": {_grounds(event)}" if event.grounds else "")


def _released(event: parcel.ParcelReleased) -> str:
    return f"left by the release exit, permit {event.permit_no}" if event.permit_no else "released at the bench"


_TELL: dict[type, tuple[Group, Callable[[Any], str]]] = {
    LaneStarted: (Group.MACHINE, lambda item: "core started" if item.restart else "hourly header"),
    machine.StateChanged: (Group.MACHINE, lambda event: f"{State(event.reached).name}: {event.cause}"),
    machine.BeltFlushed: (Group.MACHINE, lambda event: f"belt flushed, {len(event.seqs)} parcels: {event.cause}"),
    machine.AlarmRaised: (
        Group.ALARM, lambda event: f"{event.number} {alarm_title(event.number)} {event.detail}".rstrip(),
    ),
    machine.AlarmCleared: (Group.ALARM, lambda event: f"{event.number} cleared"),
    machine.TrackingStray: (Group.ALARM, lambda event: f"nobody's edge at {event.eye}"),
    machine.OrderRefused: (Group.PERSON, lambda event: f"{event.order} of {event.person} refused: {event.reason}"),
    machine.RuleAdded: (Group.PERSON, lambda event: f"rule {event.rule} by {event.person}"),
    OrderGiven: (Group.PERSON, _order),
    parcel.ReviewRequested: (Group.PERSON, lambda event: f"review asked: {_grounds(event)}"),
    parcel.ReviewAnswered: (
        Group.PERSON, lambda event: f"{event.person} {'clears' if event.clear else 'wants it opened'}",
    ),
    parcel.BenchRecorded: (Group.PERSON, lambda event: f"{event.person} at the bench: {event.result}"),
    EpochOpened: (Group.DRAW, lambda item: f"draw epoch {item.epoch} opened"),
    parcel.ParcelDrawn: (Group.DRAW, lambda event: "drawn for opening" if event.effective else ""),
    parcel.DispositionDecided: (Group.DECISION, _decided),
    parcel.PermitVoided: (Group.DECISION, lambda event: f"permit {event.permit_no} void: {event.reason}"),
    parcel.GroundAdded: (Group.DECISION, lambda event: f"new ground {event.ground}"),
    parcel.ParcelReleased: (Group.EXIT, _released),
    parcel.ParcelDiverted: (Group.EXIT, lambda event: f"left by the inspect exit: {event.instruction}"),
    parcel.CustodyUnproven: (Group.EXIT, lambda event: f"custody unproven: {event.reason}"),
    parcel.TrackingLost: (Group.EXIT, lambda event: f"missed at {event.eye}"),
    parcel.RecallRaised: (Group.EXIT, lambda event: "recall"),
    LinkLost: (Group.DEVICE, lambda item: f"{item.role} lost: {item.reason}"),
    LinkRestored: (Group.DEVICE, lambda item: f"{item.role} back"),
    DeviceRestarted: (Group.DEVICE, lambda item: f"{item.role} restarted"),
    EncoderDoubt: (Group.DEVICE, lambda item: f"encoder doubt: {item.reason}"),
    GateFault: (Group.DEVICE, lambda item: f"gate fault: {item.reason}"),
    StrangerRefused: (Group.DEVICE, lambda item: f"{item.writes} strange writes refused"),
    WatchdogProven: (Group.DEVICE, lambda item: "watchdog proven" if item.ok else f"watchdog unproven: {item.reason}"),
    VisionFailed: (Group.DEVICE, lambda item: f"no count: {item.reason}"),
}  # fmt: skip


def told(record: Any) -> tuple[Group, str] | None:
    """(group, text) of a record; None: nothing to jump to."""
    row = _TELL.get(type(record))
    if row is None:
        return None
    text = row[1](record)
    return (row[0], text) if text else None
