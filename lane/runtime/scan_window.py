"""Windows of belt for which an image is wanted, and the newest detector lines to cut it from.

Pure bookkeeping: lines come in as they are, positions are belt micrometres (the caller converts encoder counts).
"""

from collections import deque
from dataclasses import dataclass

LINES_KEPT = 4_000
"""Five metres at 1.2 mm a line: an arming that comes late still finds its lines (10 MiB)."""
WINDOWS_MAX = 64
"""More windows than bodies fit on a belt; the oldest is given up (its parcel has no image then)."""
LINES_MAX = 2_500
"""Three metres: no parcel is longer. A longer window is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltLine:
    """One detector line: counter, encoder, clock, flags, belt position, both raw planes (u16 little-endian)."""

    seq: int
    encoder: int
    t_us: int
    fast: bool
    overrun: bool
    synthetic: bool
    belt_um: int
    low: bytes
    high: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Belt for one image of lane parcel ``seq``."""

    seq: int
    from_um: int
    to_um: int


class Windows:
    """Armed windows and the lines seen lately."""

    def __init__(self) -> None:
        self._lines: deque[BeltLine] = deque(maxlen=LINES_KEPT)
        self._armed: list[Window] = []
        self.given_up = 0

    def arm(self, window: Window) -> list[tuple[Window, list[BeltLine]]]:
        """Want an image; it is ready at once when its belt has passed already."""
        self._armed = [one for one in self._armed if one.seq != window.seq]
        self._armed.append(window)
        if len(self._armed) > WINDOWS_MAX:
            self._armed.pop(0)
            self.given_up += 1
        return self._ready()

    def add(self, line: BeltLine) -> list[tuple[Window, list[BeltLine]]]:
        """Take a line in; images that it completes."""
        self._lines.append(line)
        if not self._armed or line.belt_um < min(window.to_um for window in self._armed):
            return []
        return self._ready()

    def forget_lines(self) -> None:
        """The detector's connection was lost: its old lines are not mixed with new ones."""
        self._lines.clear()

    def _ready(self) -> list[tuple[Window, list[BeltLine]]]:
        if not self._lines:
            return []
        reached = self._lines[-1].belt_um
        done = [window for window in self._armed if reached >= window.to_um]
        self._armed = [window for window in self._armed if reached < window.to_um]
        images = []
        for window in done:
            lines = [line for line in self._lines if window.from_um <= line.belt_um <= window.to_um]
            if 0 < len(lines) <= LINES_MAX:
                images.append((window, lines))
            else:
                self.given_up += 1
        return images


def missing(lines: list[BeltLine]) -> int:
    """Lines lost between first and last, by the detector's own counter (u32)."""
    span = (lines[-1].seq - lines[0].seq) % (1 << 32) + 1
    return max(0, span - len(lines))
