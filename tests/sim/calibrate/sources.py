"""Lines of other makers: hand-written loops and Ciw networks with laws of their own, which write event logs.

They share no code with the twin or the fit.
"""

import heapq
import math
import random
from collections.abc import Callable
from pathlib import Path

Row = tuple[int, str, float]
Draw = Callable[[], float]


def hand_written(seed: int, parcels: int, *, batches: bool = True) -> list[Row]:
    """Arrivals in batches (or gamma headways), a triangular induct, lognormal reviews, gamma bench with three people.

    Times in seconds. Words: come, taken, pictured, verdict, ask, clear, opened, closed, out.
    """
    dice = random.Random(seed)
    come: list[float] = []
    at = 0.0
    while len(come) < parcels:
        if batches:
            at += dice.expovariate(1 / 50.0)
            inner = at
            for _ in range(1 + int(dice.expovariate(1 / 11.0))):
                come.append(inner)
                inner += dice.uniform(0.5, 1.5)
        else:
            at += dice.gammavariate(2.0, 2.4)
            come.append(at)
    come = sorted(come)[:parcels]
    screens, bench = [0.0] * 2, [0.0] * 3
    rows: list[Row] = []
    ready: list[tuple[float, int, bool]] = []
    free = 0.0
    for number, arrival in enumerate(come):
        taken = max(arrival, free)
        free = taken + dice.triangular(1.2, 3.2, 1.8)
        pictured = taken + 4.6
        verdict = pictured + dice.lognormvariate(math.log(0.4), 0.4)
        rows += [(number, "come", arrival), (number, "taken", taken), (number, "pictured", pictured)]
        rows.append((number, "verdict", verdict))
        ready.append((verdict, number, dice.random() < 0.15))
    to_bench: list[tuple[float, int]] = []
    for verdict, number, doubt in sorted(ready):
        leaves = verdict + 9.0
        if doubt:
            begins = max(verdict, heapq.heappop(screens))
            cleared = begins + dice.lognormvariate(math.log(20.0), 0.6)
            heapq.heappush(screens, cleared)
            rows += [(number, "ask", verdict), (number, "clear", cleared)]
            leaves = cleared + 5.0
        if dice.random() < 0.30:
            to_bench.append((leaves, number))
        else:
            rows.append((number, "out", leaves))
    for leaves, number in sorted(to_bench):
        begins = max(leaves, heapq.heappop(bench))
        closed = begins + dice.gammavariate(3.0, 10.0)
        heapq.heappush(bench, closed)
        rows += [(number, "opened", leaves), (number, "closed", closed)]
    return rows


HAND_WORDS = {
    "come": "arrived", "taken": "inducted", "pictured": "scanned", "verdict": "judged", "ask": "review_asked",
    "clear": "review_done", "opened": "bench_queued", "closed": "bench_done", "out": "released",
}  # fmt: skip
"""Their words for our moments."""


def write_csv(path: Path, rows: list[Row]) -> Path:
    """The rows as another system would export them: own columns, seconds with decimals, sorted by time."""
    lines = [f"{number},{event},{at:.6f}" for number, event, at in sorted(rows, key=lambda row: (row[2], row[0]))]
    path.write_text("\n".join(["case,activity,at", *lines]) + "\n", encoding="utf-8")
    return path


def ciw_network(seed: int, hours: float, *, batches: bool = False, brisk: bool = False) -> list[Row]:
    """A Ciw network: induct (one server, gamma), tunnel (lognormal, no queue), bench (lognormal).

    Single arrivals have gamma headways (mean 4.5 s, cv 0.63); batches of 1 to 9 come every 25 s on average. 28 % of the
    parcels are opened by four people in 43 s (cv 0.8); ``brisk``: 50 % by three in 18 s (cv 0.5). Either bench is busy
    for two thirds of the time with single arrivals; the brisk one tells its mean wait in a sixth of the parcels.
    """
    import ciw

    share, median_s, spread, people = (0.5, 16.0, 0.5, 3) if brisk else (0.28, 34.0, 0.7, 4)

    ciw.seed(seed)
    single = ciw.dists.Gamma(shape=2.5, scale=1.8)
    arrivals = ciw.dists.Exponential(rate=1 / 25.0) if batches else single
    sizes = ciw.dists.Pmf([1, 3, 5, 9], [0.3, 0.3, 0.3, 0.1]) if batches else ciw.dists.Deterministic(value=1)
    network = ciw.create_network(
        arrival_distributions=[arrivals, None, None],
        batching_distributions=[sizes, ciw.dists.Deterministic(value=1), ciw.dists.Deterministic(value=1)],
        service_distributions=[
            ciw.dists.Gamma(shape=8.0, scale=0.35),
            ciw.dists.Lognormal(mean=math.log(12.0), sd=0.05),
            ciw.dists.Lognormal(mean=math.log(median_s), sd=spread),
        ],
        number_of_servers=[1, float("inf"), people],
        routing=[[0.0, 1.0, 0.0], [0.0, 0.0, share], [0.0, 0.0, 0.0]],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(hours * 3600.0)
    words = {1: ("queue", "start", ""), 2: ("", "", "tunnel"), 3: ("desk", "", "done")}
    rows: list[Row] = []
    for record in simulation.get_all_records():
        times = record.arrival_date, record.service_start_date, record.service_end_date
        rows += [(record.id_number, word, at) for word, at in zip(words[record.node], times, strict=True) if word]
    return rows


CIW_WORDS = {
    "queue": "arrived", "start": "inducted", "tunnel": "released", "desk": "bench_queued", "done": "bench_done",
}  # fmt: skip
"""Every parcel leaves the tunnel; those that then come to the desk have both."""
