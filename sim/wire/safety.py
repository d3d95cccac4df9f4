"""The hardware safety chain of the simulated lane: emergency stop, guard, interlock, key. One truth for all devices."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class SafetyChain:
    """State of the chain; ``broken`` callbacks run at once when a link of it opens, as hardware would act."""

    estop_released: bool = True
    guard_closed: bool = True
    key_on: bool = True
    broken: list[Callable[[], None]] = field(default_factory=list)

    @property
    def interlock_closed(self) -> bool:
        """The X-ray interlock: emergency stop released and guard closed."""
        return self.estop_released and self.guard_closed

    def set(self, **links: bool) -> None:
        """Change named links (``estop_released``, ``guard_closed``, ``key_on``)."""
        for name, value in links.items():
            if name not in ("estop_released", "guard_closed", "key_on"):
                raise ValueError(f"expected estop_released, guard_closed or key_on, was {name!r}")
            setattr(self, name, value)
        if not (self.interlock_closed and self.key_on):
            for act in self.broken:
                act()


def life(wall_us: int) -> int:
    """Life counter of all devices: +1 each 10 ms wall (u16)."""
    return wall_us // 10_000 & 0xFFFF


@dataclass(slots=True, kw_only=True)
class Heartbeat:
    """A watchdog in wall time that a changed value feeds."""

    limit_us: int
    fed_us: int = -1
    """Wall time of the last feed; -1: not armed since power-up."""
    value: int = 0

    def write(self, value: int, wall_us: int) -> None:
        """A heartbeat register was written."""
        if value != self.value or self.fed_us < 0:
            self.fed_us = wall_us
        self.value = value

    def alive(self, wall_us: int) -> bool:
        """Fed within its time."""
        return self.fed_us >= 0 and wall_us - self.fed_us <= self.limit_us
