"""Latencies in wall time, kept as the newest samples; percentiles by sorting when asked."""

from collections import deque

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
            "p50": percentile(ordered, 0.50),
            "p99": percentile(ordered, 0.99),
            "p99_9": percentile(ordered, 0.999),
            "max": round(ordered[-1], 3) if ordered else 0.0,
            "definition": self.definition,
        }


def percentile(ordered: list[float], share: float) -> float:
    """Nearest-rank percentile of a sorted list (0.0 for an empty one), rounded to a microsecond."""
    if not ordered:
        return 0.0
    rank = max(0, min(len(ordered) - 1, int(share * len(ordered))))
    return round(ordered[rank], 3)
