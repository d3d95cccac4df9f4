"""Ring of the last minute of bytes on one port (rule 18). Bounded twice: by age and by size."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

CAPTURE_US = 60_000_000
"""One minute (of the clock that stamps it): enough to see what led to a fault, small enough to keep always."""
CAPTURE_BYTES_MAX = 2_000_000
"""About 60 s of the lane I/O at a 20 ms cycle (some 0.5 MB), with room for faster plants."""
EVIDENCE_SLICES_MAX = 16
"""Failures whose surroundings are kept; the oldest goes first."""
EVIDENCE_US = 1_000_000
"""How much before a failure is kept with it."""
EVIDENCE_RECORDS_MAX = 64


@dataclass(frozen=True, slots=True)
class Captured:
    """Bytes as they passed. ``sent`` True: from us to the device."""

    at_us: int
    sent: bool
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was on the wire around one failure."""

    at_us: int
    reason: str
    records: tuple[Captured, ...]


class CaptureRing:
    """Keeps what was sent and received on one port."""

    def __init__(self, port: str) -> None:
        self.port = port
        self.evidence: deque[Evidence] = deque(maxlen=EVIDENCE_SLICES_MAX)
        self._ring: deque[Captured] = deque()
        self._bytes = 0

    def add(self, at_us: int, sent: bool, data: bytes) -> None:
        """Remember bytes that passed at ``at_us`` (lane clock)."""
        self._ring.append(Captured(at_us, sent, bytes(data)))
        self._bytes += len(data)
        while self._ring and (self._bytes > CAPTURE_BYTES_MAX or self._ring[0].at_us < at_us - CAPTURE_US):
            self._bytes -= len(self._ring.popleft().data)

    def fail(self, at_us: int, reason: str) -> None:
        """Keep the slice before a failure as evidence."""
        recent: list[Captured] = []
        for record in reversed(self._ring):
            if record.at_us < at_us - EVIDENCE_US or len(recent) == EVIDENCE_RECORDS_MAX:
                break
            recent.append(record)
        self.evidence.append(Evidence(at_us=at_us, reason=reason, records=tuple(reversed(recent))))

    def records(self) -> Iterable[Captured]:
        """Everything kept, oldest first."""
        return tuple(self._ring)

    @property
    def held_bytes(self) -> int:
        """Bytes kept at present."""
        return self._bytes
