"""What the lane asks of devices: each command names a state to reach (C5), never a toggle."""

from enum import StrEnum

from msgspec import Struct


class Light(StrEnum):
    """Patterns of the stack light."""

    OFF = "OFF"
    GREEN = "GREEN"  # EXECUTE
    YELLOW = "YELLOW"  # waiting, held by hand
    RED = "RED"  # fault, aborted
    BLUE = "BLUE"  # a person is asked for


class RunBelt(Struct, frozen=True, kw_only=True, gc=False):
    """Belt runs forward at this speed."""

    speed_um_s: int


class StopBelt(Struct, frozen=True, kw_only=True, gc=False):
    """Belt stands still."""


class AllowInduction(Struct, frozen=True, kw_only=True, gc=False):
    """Upstream may (or may not) feed parcels."""

    allowed: bool


class ArmDetector(Struct, frozen=True, kw_only=True, gc=False):
    """Take one image of lane parcel ``seq`` while the belt is between the two positions."""

    seq: int
    from_um: int
    to_um: int


class SetBeam(Struct, frozen=True, kw_only=True, gc=False):
    """X-ray request on or off (the hardware chain has the last word, C9)."""

    on: bool


class ReleasePulse(Struct, frozen=True, kw_only=True, gc=False):
    """One gate opening, made and ended by the I/O device: opens at ``from_um``, closes at ``to_um`` or after
    ``pulse_ms``; refused by the device after ``not_after_us`` (lane clock). ``permit_no`` 1..65535 is the
    device's one-shot sequence number: a repeated one is ignored."""

    permit_no: int
    seq: int
    from_um: int
    to_um: int
    pulse_ms: int
    not_after_us: int


class RestGate(Struct, frozen=True, kw_only=True, gc=False):
    """Gate at INSPECT; cancels a pending or running pulse."""


class ShowLight(Struct, frozen=True, kw_only=True, gc=False):
    """Stack light pattern."""

    light: Light


class ProveWatchdog(Struct, frozen=True, kw_only=True, gc=False):
    """Start-up proof: test pulse, silence, read back (answered by ``WatchdogProven``)."""


DeviceCommand = (
    RunBelt | StopBelt | AllowInduction | ArmDetector | SetBeam | ReleasePulse | RestGate | ShowLight | ProveWatchdog
)
