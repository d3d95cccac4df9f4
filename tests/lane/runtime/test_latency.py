"""Latency figures are samples that occurred, at the rank that their name says."""

from lane.runtime.latency import Latency


def test_percentiles_are_the_samples_of_their_rank() -> None:
    latency = Latency("from here to there")
    for milliseconds in range(1_000, 0, -1):
        latency.add(float(milliseconds))
    assert latency.figures() == {
        "count": 1_000, "p50": 500.0, "p99": 990.0, "p99_9": 999.0, "max": 1_000.0,
        "definition": "from here to there",
    }  # fmt: skip


def test_without_samples_all_figures_are_zero() -> None:
    figures = Latency("never").figures()
    assert [figures[name] for name in ("count", "p50", "p99", "p99_9", "max")] == [0, 0.0, 0.0, 0.0, 0.0]
