"""What the runtime of a lane is told beyond the core's own configuration: devices, processes, receivers, paths."""

from dataclasses import dataclass, field
from pathlib import Path

from lane.model.config import CoreConfig
from lane.model.words import LaneKind

ROLES = ("io", "drive", "cabinet", "source", "reader", "second_reader", "scale", "detector")
"""Every device a lane needs; the lane sees roles, never registers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEntry:
    """One device: its role, its address (``tcp://``, ``rtu://``, ``serial://``) and its profile file."""

    role: str
    address: str
    profile: str
    profile_path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where release messages go. ``kind`` file: ``target`` is a folder (below the run when relative); http: a URL.

    ``secret_file`` holds the webhook's signing secret (mode 0600). ``wait_for_ack`` (file): a message counts as
    accepted only when ``<key>.ack`` lies beside it; otherwise the durable file itself is the acceptance.
    ``test_receiver``: may get synthetic messages, and only those.
    """

    name: str
    kind: str
    target: str
    secret_file: str = ""
    wait_for_ack: bool = False
    test_receiver: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionSettings:
    """Counting workers: how many, with which reference signatures, and what one may use."""

    workers: int
    signatures_path: Path
    memory_mb_max: int = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class StationConfig:
    """A lane as the runtime builds it. ``core`` is all that the controller sees of it."""

    core: CoreConfig
    lane_file: Path
    devices: tuple[DeviceEntry, ...]
    vision: VisionSettings
    destinations: tuple[Destination, ...]
    outbox_max: int
    status_ttl_s: int
    console_host: str
    console_port: int
    scale_error_mg: int = 3_000
    warnings: tuple[str, ...] = field(default=())

    @property
    def twin(self) -> bool:
        """Whether this lane moves simulated parcels only."""
        return self.core.kind is LaneKind.TWIN

    def device(self, role: str) -> DeviceEntry:
        """The device in a role. Raises ``KeyError`` for an unknown role."""
        for entry in self.devices:
            if entry.role == role:
                return entry
        raise KeyError(role)
