"""What the lane asks of devices: each command names a state to reach (C5), never a toggle."""

from dataclasses import dataclass
from enum import StrEnum


class Light(StrEnum):
    """Patterns of the stack light."""

    OFF = "OFF"
    GREEN = "GREEN"  # EXECUTE
    YELLOW = "YELLOW"  # waiting, held by hand
    RED = "RED"  # fault, aborted
    BLUE = "BLUE"  # a person is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBelt:
    """Belt runs forward at this speed."""

    speed_um_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopBelt:
    """Belt stands still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowInduction:
    """Upstream may (or may not) feed parcels."""

    allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDetector:
    """Take one image of lane parcel ``seq`` while the belt is between the two positions."""

    seq: int
    from_um: int
    to_um: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBeam:
    """X-ray request on or off (the hardware chain has the last word, C9)."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePulse:
    """One gate opening, made and ended by the I/O device: opens at ``from_um``, closes at ``to_um`` or after
    ``pulse_ms``; refused by the device after ``not_after_us`` (lane clock). ``permit_no`` 1..65535 is the
    device's one-shot sequence number: a repeated one is ignored."""

    permit_no: int
    seq: int
    from_um: int
    to_um: int
    pulse_ms: int
    not_after_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestGate:
    """Gate at INSPECT; cancels a pending or running pulse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowLight:
    """Stack light pattern."""

    light: Light


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveWatchdog:
    """Start-up proof: test pulse, silence, read back (answered by ``WatchdogProven``)."""


DeviceCommand = (
    RunBelt | StopBelt | AllowInduction | ArmDetector | SetBeam | ReleasePulse | RestGate | ShowLight | ProveWatchdog
)
