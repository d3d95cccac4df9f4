"""Published draws and results: the same numbers on every driver and in every tool that reads them."""

import random
from itertools import accumulate

SINGLE_SERVER = {30_000: 4.301629, 200_000: 3.932375}
"""Mean wait of the first n customers of the single server below (lambda 0.8, mu 1)."""
TANDEM = {3_000: 10.162323, 10_000: 10.160650, 50_000: 10.072505}
"""Mean sojourn of the first n parcels of the eight zones below."""
ZONES = 8
SLOW_ZONE = 4


def single_server(customers: int) -> tuple[list[float], list[float]]:
    """(gaps, services) of B1: ``random.Random(1)``, all gaps drawn first, then all services."""
    draw = random.Random(1)
    gaps = [draw.expovariate(0.8) for _ in range(customers)]
    return gaps, [draw.expovariate(1.0) for _ in range(customers)]


def tandem(parcels: int) -> tuple[list[float], list[list[float]]]:
    """(arrivals, services per zone) of B2: arrivals by summing, then eight services per parcel, the fifth slower."""
    draw = random.Random(1)
    arrivals = list(accumulate(draw.expovariate(0.55) for _ in range(parcels)))
    services = [
        [draw.uniform(1.0, 1.6) if zone == SLOW_ZONE else draw.uniform(0.8, 1.2) for zone in range(ZONES)]
        for _ in range(parcels)
    ]
    return arrivals, services
