"""What every driver is given: the lane clock, the way out for signals, the belt."""

from collections.abc import Callable
from dataclasses import dataclass, field

from devices.io_image import BeltTracker
from devices.signals import DeviceSignal


@dataclass(slots=True, kw_only=True)
class DeviceContext:
    """Shared by the drivers of one lane.

    ``now`` lane clock in microseconds; ``speed`` lane clock over wall clock (1 on a live lane);
    ``seed`` of the links' jitter (None: another one each time).
    """

    now: Callable[[], int]
    emit: Callable[[DeviceSignal], None]
    speed: int = 1
    seed: int | None = None
    belt: BeltTracker = field(default_factory=BeltTracker)

    def __post_init__(self) -> None:
        self.belt = BeltTracker(self.speed)

    def here(self) -> dict[str, int]:
        """Time and place of a signal that has no better ones: ``at_us`` and ``belt_um``."""
        now_us = self.now()
        return {"at_us": now_us, "belt_um": self.belt.position_um(now_us)}
