"""What the lane may ask of each role, as Protocols. Drivers fulfil them; vendors differ below this line.

Every method names a state to reach (C5) and returns at once; signals prove it or name why not.
"""

from typing import Protocol

from devices.commands import Light, ReleasePulse


class Device(Protocol):
    """Common to all roles."""

    role: str
    ready: bool
    """Answers at present, is safe and identified."""


class BeltDrivePort(Device, Protocol):
    """Belt: proof is ``BeltState`` with the actual speed."""

    def run(self, speed_um_s: int) -> None:
        """Belt forward at this speed."""

    def stand(self) -> None:
        """Belt at rest."""


class RemoteIoPort(Device, Protocol):
    """Eyes, encoder, outputs: proof is ``OutputProven``."""

    def allow_induction(self, allowed: bool) -> None:
        """Upstream may feed."""

    def show_light(self, light: Light) -> None:
        """Stack light."""


class DivertGatePort(Protocol):
    """Gate: proof is ``GateInPosition``; contradictions are ``GateFault``."""

    def release(self, pulse: ReleasePulse) -> None:
        """One pulse, made and ended by the device."""

    def rest(self) -> None:
        """INSPECT."""


class WatchdogProofPort(Protocol):
    """Start-up proof: answered by ``WatchdogProven``."""

    def start(self) -> None:
        """Run it."""


class XraySourcePort(Device, Protocol):
    """Beam: on only with permissive and interlock read closed; proof is ``SafetyChanged.xray_on``."""

    def set_beam(self, on: bool) -> None:
        """Beam wanted or not."""


class SafetyStatusPort(Protocol):
    """Read only: observed, never claimed (C9)."""

    def chain_closed(self) -> bool:
        """Everything read closed on connected devices."""

    def ready(self) -> bool:
        """Closed, ready, no fault."""


class FramedDevicePort(Device, Protocol):
    """Readers and scales: they report by themselves."""

    def start(self) -> None:
        """Open the port."""

    async def stop(self) -> None:
        """Close it."""
