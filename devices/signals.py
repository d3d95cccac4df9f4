"""What devices report to the lane. Pure words: no I/O, no clock.

Every signal carries two coordinates, stamped as near to the source as the device allows:

``at_us``
    lane clock in microseconds (monotonic, survives restarts of the core);
``belt_um``
    encoder position of the belt in micrometres (grows with forward motion).
"""

from enum import StrEnum

from msgspec import Struct

POINT_RELEASE = "release"
"""Name of the gate's valve in ``OutputProven``."""


class GatePosition(StrEnum):
    """Where the divert gate stands, from its two end switches."""

    INSPECT = "INSPECT"
    RELEASE = "RELEASE"
    MOVING = "MOVING"


class ReadQuality(StrEnum):
    """Result class of one barcode read (reader's own verdict)."""

    GOOD = "GOOD"
    MULTIPLE = "MULTIPLE"
    NO_READ = "NO_READ"


class Quality(StrEnum):
    """Whether a value may be used at all (UNKNOWN never satisfies a release condition)."""

    GOOD = "GOOD"
    UNKNOWN = "UNKNOWN"


class Signal(Struct, frozen=True, kw_only=True, gc=False):
    """Base of all signals: when (lane clock) and where (belt position)."""

    at_us: int
    belt_um: int


class EyeChanged(Signal, frozen=True, kw_only=True, gc=False):
    """A photo-eye changed level. ``ring_seq`` is the device's event number (1..65535, 0: none); with ``boot`` (boot
    counter) and ``encoder`` (raw count) it is where a restarted core takes up the ring."""

    eye: str
    blocked: bool
    ring_seq: int = 0
    boot: int = 0
    encoder: int = 0


class BeltMoved(Signal, frozen=True, kw_only=True, gc=False):
    """Belt position and speed, on a change of state or once per 250 mm."""

    speed_um_s: int
    quality: Quality = Quality.GOOD


class BeltState(Signal, frozen=True, kw_only=True, gc=False):
    """The drive's own word: running, actual speed, fault."""

    running: bool
    speed_um_s: int
    fault: bool = False


class BarcodeRead(Signal, frozen=True, kw_only=True, gc=False):
    """One read of a reader. ``sticky_from`` is the lane number of an earlier passage of this draw key
    whose draw was effective (0: none); the runtime fills it from the key index."""

    reader: str
    text: str
    quality: ReadQuality
    sticky_from: int = 0
    inductions: int = 0


class WeightMeasured(Signal, frozen=True, kw_only=True, gc=False):
    """One weight of the scale. Only ``stable`` weights count; ``error_mg`` is the scale's own tolerance."""

    mg: int
    stable: bool
    error_mg: int


class GateInPosition(Signal, frozen=True, kw_only=True, gc=False):
    """An end switch proved a position. ``permit_no`` is the last pulse number the device applied."""

    position: GatePosition
    permit_no: int = 0
    ring_seq: int = 0
    boot: int = 0
    encoder: int = 0


class GateFault(Signal, frozen=True, kw_only=True, gc=False):
    """The gate contradicts itself (both switches, none after travel time, pulse refused)."""

    reason: str


class OutputProven(Signal, frozen=True, kw_only=True, gc=False):
    """Read-back of an output point (the gate's valve: ``POINT_RELEASE``)."""

    point: str
    level: bool
    permit_no: int = 0
    ring_seq: int = 0
    boot: int = 0
    encoder: int = 0


class LinkLost(Signal, frozen=True, kw_only=True, gc=False):
    """A port or unit stopped answering. ``role`` is the lane's name of the device (``io``, ``drive``, ...)."""

    role: str
    port: str
    unit: int
    reason: str


class LinkRestored(Signal, frozen=True, kw_only=True, gc=False):
    """A port or unit answers again after ``gap_us`` (wall time); ``watchdog_tripped`` as the device tells."""

    role: str
    port: str
    unit: int
    gap_us: int
    watchdog_tripped: bool


class DeviceRestarted(Signal, frozen=True, kw_only=True, gc=False):
    """The device's boot counter changed: its registers and its encoder start anew."""

    role: str
    port: str
    unit: int
    boot: int


class StrangerRefused(Signal, frozen=True, kw_only=True, gc=False):
    """The lane I/O refused ``writes`` writes since this was told last, because they were not its owner's: another
    Modbus master is on its network."""

    writes: int


class EncoderDoubt(Signal, frozen=True, kw_only=True, gc=False):
    """Ring overrun, encoder against drive speed, impossible jump: positions can't be trusted."""

    reason: str


class SafetyChanged(Signal, frozen=True, kw_only=True, gc=False):
    """State of the hardware safety chain, observed only (C9)."""

    estop_ok: bool
    guard_ok: bool
    interlock_ok: bool
    key_on: bool
    xray_on: bool
    xray_ready: bool


class WatchdogProven(Signal, frozen=True, kw_only=True, gc=False):
    """Result of withholding the heartbeat at start-up: the release output fell after ``drop_us``."""

    ok: bool
    drop_us: int
    reason: str = ""


DeviceSignal = (
    EyeChanged
    | BeltMoved
    | BeltState
    | BarcodeRead
    | WeightMeasured
    | GateInPosition
    | GateFault
    | OutputProven
    | LinkLost
    | LinkRestored
    | DeviceRestarted
    | StrangerRefused
    | EncoderDoubt
    | SafetyChanged
    | WatchdogProven
)
