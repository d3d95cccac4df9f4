"""The numbered catalogue of alarms and of causes for a change of state: what happened, likely cause, way out.

One table is the source for the console, the manual and the tests. Numbers go by family: 1xx machine and safety,
2xx tracking, 3xx gate and custody, 4xx identity and draw, 5xx links, 6xx X-ray and vision, 7xx exits and messages.
An alarm always asks a person for something; what asks nobody is an event.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Priority(StrEnum):
    """ISA-18.2 priorities: about 5 % HIGH, 15 % MEDIUM, 80 % LOW in a healthy lane."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class Alarm(IntEnum):
    """Numbers of the alarms."""

    EMERGENCY_STOP = 101
    GUARD_OPEN = 102
    INTERLOCK_OPEN = 103
    KEY_OFF = 104
    JOURNAL_FAILED = 105
    WATCHDOG_UNPROVEN = 106
    BELT_STUCK = 107
    DRIVE_FAULT = 108
    ABORTED_BY_PERSON = 109
    CHAIN_UNKNOWN = 110
    TRACKING_LOST = 201
    TRACKING_STRAY = 202
    BELT_FLUSHED = 203
    PARCEL_REMOVED = 204
    JAM = 205
    ENCODER_DOUBT = 206
    GATE_UNPROVEN = 301
    GATE_FAULT = 302
    CUSTODY_UNPROVEN = 303
    RELEASE_WITHOUT_PERMIT = 304
    STRAY_AT_GATE = 305
    FOREIGN_PERMIT = 306
    DRAW_MISSING = 401
    EPOCH_QUEUE_LOW = 402
    DUPLICATE_WAYBILL = 403
    REPEAT_INDUCTION = 404
    LINK_LOST = 501
    LINK_HELD = 502
    DEVICE_RESTARTED = 503
    AUXILIARY_LOST = 504
    STRANGER_REFUSED = 505
    MODEL_UNTRUSTED = 601
    IMAGE_UNBOUND = 602
    BENCH_FULL = 701
    RELEASE_AREA_FULL = 702
    OUTBOX_FULL = 703
    STATUS_FEED_SILENT = 704
    RECALL = 705


@dataclass(frozen=True, slots=True)
class AlarmText:
    """One row: title, what happened, likely cause, way out. ``latched``: ends when acknowledged, not by itself."""

    title: str
    happened: str
    cause: str
    way_out: str
    priority: Priority
    latched: bool = False


_H, _M, _L = Priority.HIGH, Priority.MEDIUM, Priority.LOW

# fmt: off
ALARMS: dict[Alarm, AlarmText] = {
    Alarm.EMERGENCY_STOP: AlarmText(
        "Emergency stop pressed",
        "The hardware chain took the power from the drives; the lane observed it.",
        "Somebody pressed an emergency stop, or its circuit is open.",
        "Find the reason, release the button, then Clear, Reset, Start by a named person.",
        _H,
    ),
    Alarm.GUARD_OPEN: AlarmText(
        "Guard or door open",
        "A guard of the X-ray tunnel opened; the beam request is off.",
        "A curtain, panel or door is not closed.",
        "Close it, check that nobody is inside, then Clear, Reset, Start.",
        _H,
    ),
    Alarm.INTERLOCK_OPEN: AlarmText(
        "X-ray interlock open",
        "The interlock chain of the X-ray cabinet opened.",
        "An access panel is open, or the chain is broken.",
        "Close the panel, have the chain checked if it stays open, then Clear, Reset, Start.",
        _H,
    ),
    Alarm.KEY_OFF: AlarmText(
        "X-ray key switched off", "The key switch was turned off while the lane was running.",
        "Somebody took the key.", "Insert and turn the key, then Clear, Reset, Start.", _H,
    ),
    Alarm.JOURNAL_FAILED: AlarmText(
        "Journal can't be written",
        "A record is not durable; no parcel is released from here on.",
        "Disk full, disk defective, or the file system is read-only.",
        "Make room or replace the disk, run `lane verify`, restart the lane.",
        _H,
    ),
    Alarm.WATCHDOG_UNPROVEN: AlarmText(
        "Gate watchdog not proven",
        "With the heartbeat withheld, the release output did not fall in time.",
        "Watchdog switched off in the device, wrong time set, or the gate valve sticks.",
        "Set the watchdog as the device sheet says, then Clear, Reset, Start.",
        _H,
    ),
    Alarm.BELT_STUCK: AlarmText(
        "Belt does not move",
        "The drive was told to run, but the encoder stands still.",
        "Drive fault, slipping belt, jammed goods, or a broken encoder.",
        "Look at the belt and the drive's display, remove the cause, then Unhold.",
        _M,
    ),
    Alarm.DRIVE_FAULT: AlarmText(
        "Belt drive fault", "The drive reports a fault.", "Overload, or its communication watchdog expired.",
        "Read the fault code at the drive, reset it, then Unhold.", _M,
    ),
    Alarm.ABORTED_BY_PERSON: AlarmText(
        "Aborted by a person", "A signed-in person aborted it.", "See the order.", "Clear, Reset, Start.", _M, True
    ),
    Alarm.CHAIN_UNKNOWN: AlarmText(
        "Safety chain unknown", "A device that reports the safety chain does not answer; nothing proves it closed.",
        "Cable, power, or the network of the device that is named.",
        "Repair its link; the chain reports by itself, then Clear, Reset, Start.", _M,
    ),
    Alarm.TRACKING_LOST: AlarmText(
        "Parcel missed an eye",
        "A tracked parcel was not seen where the belt should have carried it.",
        "It slipped, was taken off, or an eye is blinded.",
        "Look for the parcel and its neighbours; all of them go to INSPECT.",
        _L,
        True,
    ),
    Alarm.TRACKING_STRAY: AlarmText(
        "Body without a number",
        "An eye saw something that was never inducted.",
        "A parcel was laid onto the belt, or one slipped far.",
        "Take it off at the bench and induct it again; its neighbours go to INSPECT.",
        _L,
        True,
    ),
    Alarm.BELT_FLUSHED: AlarmText(
        "Belt flushed to INSPECT",
        "Positions on the belt can't be trusted; everything on it goes to INSPECT.",
        "A second tracking fault, doubt about the encoder, or a restarted device.",
        "Have the bench scan the flushed parcels again; look for the first alarm before this one.",
        _M,
        True,
    ),
    Alarm.PARCEL_REMOVED: AlarmText(
        "Parcel never left the belt",
        "A tracked parcel was seen at no exit.",
        "It was taken off by hand, fell off, or is jammed.",
        "Search belt and floor; record it at the bench when found.",
        _M,
        True,
    ),
    Alarm.JAM: AlarmText(
        "Jam",
        "An eye stayed covered while the belt moved on.",
        "Goods are stuck at this eye.",
        "Free the belt, then Unhold; everything on it goes to INSPECT.",
        _M,
    ),
    Alarm.ENCODER_DOUBT: AlarmText(
        "Belt position in doubt", "The encoder and the drive disagree, or events of the eyes were lost.",
        "Encoder wheel slips, cable, or the controller was too slow to read the device.",
        "Check encoder wheel and cable; parcels on the belt go to INSPECT.", _M, True,
    ),
    Alarm.GATE_UNPROVEN: AlarmText(
        "Gate position not proven",
        "The gate was told to open for a permit, or to close behind it, and its end switch did not say so in time.",
        "Air pressure, valve, end switch, a blade that sticks, or a refused pulse.",
        "Free the gate by hand until it stands at INSPECT, bring what lies between gate and release exit to the bench, "
        "then Unhold.",
        _M,
    ),
    Alarm.GATE_FAULT: AlarmText(
        "Gate contradicts itself",
        "End switches disagree, the travel took too long, or the gate moved without a permit.",
        "End switch misplaced or broken, valve sticking, or somebody moved the gate.",
        "Check the gate by hand, bring what lies between gate and release exit to the bench, then Unhold.",
        _H,
    ),
    Alarm.CUSTODY_UNPROVEN: AlarmText(
        "Custody not proven",
        "Nobody can prove where a parcel with a permit went; no release message was sent.",
        "Restart or fault while the gate was open, a blinded exit eye, or it was taken off.",
        "Find the parcel in the release area or on the belt and bring it to the bench.",
        _H,
        True,
    ),
    Alarm.RELEASE_WITHOUT_PERMIT: AlarmText(
        "Body at the release exit without a permit",
        "Something passed the release exit that had no used permit.",
        "Gate stuck or moved by hand, or a body laid behind the gate.",
        "Stop it from leaving, bring it and what lies behind the gate to the bench, check the gate, then Unhold.",
        _H,
    ),
    Alarm.STRAY_AT_GATE: AlarmText(
        "Unknown body before the open gate", "Close behind a released parcel, or in its place, "
        "something else came; the belt stopped before it left.",
        "A parcel was laid onto the belt, or slipped up to the parcel ahead.",
        "Bring what lies between divert eye and release exit to the bench, then Unhold.", _H,
    ),
    Alarm.FOREIGN_PERMIT: AlarmText(
        "Gate opened by a stranger",
        "The release output went on for a permit that this lane never issued; gate home, belt stopped, belt flushed.",
        "Another Modbus master writes to the lane I/O: a second controller, a commissioning tool, or an attack.",
        "Take it off the lane's network, bring what left or lies behind the gate to the bench, then Unhold.", _H,
    ),
    Alarm.DRAW_MISSING: AlarmText(
        "No random draw possible",
        "No epoch with a key is open, so no parcel may be inducted.",
        "The queue of prepared epochs is empty, or a key file is missing or has the wrong owner.",
        "Have a supervisor enter 20 rolled digits (`lane draw enter --prompt`, or here); check the key directory.",
        _M,
    ),
    Alarm.EPOCH_QUEUE_LOW: AlarmText(
        "Few draw epochs left",
        "Two or fewer committed epochs with a nonce are left.",
        "Nonces were not entered ahead.",
        "Have a supervisor roll 20 digits and enter them: `lane draw enter --prompt`, or here on the Lane page.",
        _L,
    ),
    Alarm.DUPLICATE_WAYBILL: AlarmText(
        "Waybill twice on the lane", "Two parcels carry the same waybill number; both go to INSPECT.",
        "A copied label, or the parcel was inducted again without a bench record.",
        "Compare both parcels at the bench.", _L, True,
    ),
    Alarm.REPEAT_INDUCTION: AlarmText(
        "Parcel inducted again and again", "The same waybill was inducted more than twice.",
        "A parcel circulates between bench and belt.", "Open it; it is not released by the belt.", _L, True,
    ),
    Alarm.LINK_LOST: AlarmText(
        "Link to a device lost",
        "A device that the lane needs does not answer; permits are void.",
        "Cable, power, or the network.",
        "If it does not come back within a second, check cable and power, then Unhold.",
        _M,
    ),
    Alarm.LINK_HELD: AlarmText(
        "Held: a device was away too long",
        "A needed device did not answer for too long, or its watchdog tripped.",
        "Cable, power, or the network.",
        "Repair the link, bring what lies between gate and release exit to the bench, then Unhold; the gate's watchdog "
        "is proven again where it tripped.", _M,
    ),
    Alarm.DEVICE_RESTARTED: AlarmText(
        "A device restarted",
        "A device's boot counter changed; what it reported before no longer holds.",
        "Power dip, or somebody restarted it.",
        "Check its power, bring what lies between gate and release exit to the bench, then Unhold.", _M, True,
    ),
    Alarm.AUXILIARY_LOST: AlarmText(
        "Reader or scale does not answer", "Parcels go to INSPECT without code or weight; the belt runs on.",
        "Cable, power, or a dirty window.", "Check the device.", _L,
    ),
    Alarm.STRANGER_REFUSED: AlarmText(
        "A stranger writes to the lane I/O",
        "The lane I/O refused writes that were not this lane's; nothing moved by them, and the lane runs on.",
        "A second controller, a commissioning tool, or an attack on the lane's network.",
        "Find the other master and take it off the lane's network; acknowledge when it is gone.", _M, True,
    ),
    Alarm.MODEL_UNTRUSTED: AlarmText(
        "Counting model is not the configured one",
        "A count came from a model whose hash is not the configured one.",
        "A vision worker runs an old or altered file.",
        "Restart the vision workers with the model that the configuration names.",
        _M,
        True,
    ),
    Alarm.IMAGE_UNBOUND: AlarmText(
        "Image fits no parcel",
        "An X-ray image did not fit the parcel it was armed for.",
        "Merged parcels, slip in the tunnel, or lines lost on the way.",
        "Nothing at once; if it repeats, check belt and detector.",
        _L,
        True,
    ),
    Alarm.BENCH_FULL: AlarmText(
        "Bench full", "No free place for diverted parcels; induction is stopped.",
        "Parcels arrive faster than they are opened.", "Record results at the bench.", _L,
    ),
    Alarm.RELEASE_AREA_FULL: AlarmText(
        "Release area full", "Too many released parcels were not handed over; induction is stopped.",
        "No cage was closed or no truck departed.", "Record the hand-over of parcels.", _L,
    ),
    Alarm.OUTBOX_FULL: AlarmText(
        "Messages pile up", "The receiver has not acknowledged; the outbox is full and induction is stopped.",
        "The receiving system or the network is down.", "Check the receiving system; messages are kept and sent again.",
        _L,
    ),
    Alarm.STATUS_FEED_SILENT: AlarmText(
        "Status feed silent",
        "Customs statuses are too old; every parcel goes to INSPECT.",
        "The feed, the network, or the customs system is down.",
        "Check the feed; the lane goes on by itself when it returns.",
        _M,
    ),
    Alarm.RECALL: AlarmText(
        "Recall of a released parcel", "The status of a released parcel worsened before it was handed over.",
        "Customs changed the status after the decision.", "Take the parcel out of its cage and bring it to the bench.",
        _M, True,
    ),
}
# fmt: on
"""Every alarm has a row; ``tests/lane/core`` checks that none is missing."""


class Kind(StrEnum):
    """What a cause does: SUSPEND ends by itself, HOLD needs an officer, ABORT a named person and a new start."""

    NOTE = "NOTE"
    SUSPEND = "SUSPEND"
    HOLD = "HOLD"
    STOP = "STOP"
    ABORT = "ABORT"


class Cause(StrEnum):
    """Why the machine changed its state: words of ``StateChanged.cause``."""

    ORDERED = "ORDERED"
    PROVEN = "PROVEN"
    CORE_STARTED = "CORE_STARTED"
    CURED = "CURED"
    BENCH_FULL = "BENCH_FULL"
    RELEASE_AREA_FULL = "RELEASE_AREA_FULL"
    OUTBOX_FULL = "OUTBOX_FULL"
    HELD_BY_PERSON = "HELD_BY_PERSON"
    LINK_LOST = "LINK_LOST"
    WATCHDOG_TRIPPED = "WATCHDOG_TRIPPED"
    DEVICE_RESTARTED = "DEVICE_RESTARTED"
    GATE_UNPROVEN = "GATE_UNPROVEN"
    GATE_FAULT = "GATE_FAULT"
    RELEASE_WITHOUT_PERMIT = "RELEASE_WITHOUT_PERMIT"
    STRAY_AT_GATE = "STRAY_AT_GATE"
    FOREIGN_PERMIT = "FOREIGN_PERMIT"
    JAM = "JAM"
    BELT_STUCK = "BELT_STUCK"
    DRIVE_FAULT = "DRIVE_FAULT"
    STOPPED_BY_PERSON = "STOPPED_BY_PERSON"
    EMERGENCY_STOP = "EMERGENCY_STOP"
    GUARD_OPEN = "GUARD_OPEN"
    INTERLOCK_OPEN = "INTERLOCK_OPEN"
    KEY_OFF = "KEY_OFF"
    CHAIN_UNKNOWN = "CHAIN_UNKNOWN"
    JOURNAL_FAILED = "JOURNAL_FAILED"
    WATCHDOG_UNPROVEN = "WATCHDOG_UNPROVEN"
    ABORTED_BY_PERSON = "ABORTED_BY_PERSON"


CAUSES: dict[Cause, tuple[Kind, int]] = {
    Cause.ORDERED: (Kind.NOTE, 0),
    Cause.PROVEN: (Kind.NOTE, 0),
    Cause.CORE_STARTED: (Kind.NOTE, 0),
    Cause.CURED: (Kind.NOTE, 0),
    Cause.BENCH_FULL: (Kind.SUSPEND, Alarm.BENCH_FULL),
    Cause.RELEASE_AREA_FULL: (Kind.SUSPEND, Alarm.RELEASE_AREA_FULL),
    Cause.OUTBOX_FULL: (Kind.SUSPEND, Alarm.OUTBOX_FULL),
    Cause.HELD_BY_PERSON: (Kind.HOLD, 0),
    Cause.LINK_LOST: (Kind.HOLD, Alarm.LINK_HELD),
    Cause.WATCHDOG_TRIPPED: (Kind.HOLD, Alarm.LINK_HELD),
    Cause.DEVICE_RESTARTED: (Kind.HOLD, Alarm.DEVICE_RESTARTED),
    Cause.GATE_UNPROVEN: (Kind.HOLD, Alarm.GATE_UNPROVEN),
    Cause.GATE_FAULT: (Kind.HOLD, Alarm.GATE_FAULT),
    Cause.RELEASE_WITHOUT_PERMIT: (Kind.HOLD, Alarm.RELEASE_WITHOUT_PERMIT),
    Cause.STRAY_AT_GATE: (Kind.HOLD, Alarm.STRAY_AT_GATE),
    Cause.FOREIGN_PERMIT: (Kind.HOLD, Alarm.FOREIGN_PERMIT),
    Cause.JAM: (Kind.HOLD, Alarm.JAM),
    Cause.BELT_STUCK: (Kind.HOLD, Alarm.BELT_STUCK),
    Cause.DRIVE_FAULT: (Kind.HOLD, Alarm.DRIVE_FAULT),
    Cause.STOPPED_BY_PERSON: (Kind.STOP, 0),
    Cause.EMERGENCY_STOP: (Kind.ABORT, Alarm.EMERGENCY_STOP),
    Cause.GUARD_OPEN: (Kind.ABORT, Alarm.GUARD_OPEN),
    Cause.INTERLOCK_OPEN: (Kind.ABORT, Alarm.INTERLOCK_OPEN),
    Cause.KEY_OFF: (Kind.ABORT, Alarm.KEY_OFF),
    Cause.CHAIN_UNKNOWN: (Kind.ABORT, Alarm.CHAIN_UNKNOWN),
    Cause.JOURNAL_FAILED: (Kind.ABORT, Alarm.JOURNAL_FAILED),
    Cause.WATCHDOG_UNPROVEN: (Kind.ABORT, Alarm.WATCHDOG_UNPROVEN),
    Cause.ABORTED_BY_PERSON: (Kind.ABORT, Alarm.ABORTED_BY_PERSON),
}
"""What each cause does to the machine, and the alarm that goes with it (0: none)."""


def kind_of(cause: Cause) -> Kind:
    """What this cause does to the machine."""
    return CAUSES[cause][0]
