"""Latencies in wall time, kept as the newest samples; percentiles by sorting when asked."""

from collections import deque

from devices.ranks import nearest_rank

SAMPLES_MAX = 10_000
"""A shift's parcels; older samples fall out."""


class Latency:
    """One latency figure. ``definition`` says from what to what: it is printed wherever the figure is."""

    def __init__(self, definition: str) -> None:
        self.definition = definition
        self.count = 0
        self._samples: deque[float] = deque(maxlen=SAMPLES_MAX)

    def add(self, milliseconds: float) -> None:
        """Take a sample in."""
        self.count += 1
        self._samples.append(milliseconds)

    def figures(self) -> dict[str, object]:
        """count, p50, p99, p99.9 and maximum in milliseconds (0.0 without samples), and the definition."""
        ordered = sorted(self._samples)
        return {
            "count": self.count,
            "p50": _ranked(ordered, 500),
            "p99": _ranked(ordered, 990),
            "p99_9": _ranked(ordered, 999),
            "max": _ranked(ordered, 1_000),
            "definition": self.definition,
        }


def _ranked(ordered: list[float], permille: int) -> float:
    """Nearest rank, rounded to a microsecond; 0.0 without samples."""
    return round(nearest_rank(ordered, permille) or 0.0, 3)
