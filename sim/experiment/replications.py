"""How many replications a wanted precision needs."""

from collections.abc import Sequence

from sim.intervals import interval_of

PRECISION = 0.05
"""Half-width over mean that is good enough unless a study says otherwise."""
STAYS = 5
"""Replications for which the precision must hold on: a lucky early streak of equal values does not end a study."""
FIRST = 3
"""Fewest replications that an interval is looked at from."""


def replications_needed(values: Sequence[float], precision: float = PRECISION, stays: int = STAYS) -> int | None:
    """Smallest n whose interval is as narrow as wanted and stays so for ``stays`` more; None: more are needed.

    The rule of sim-tools' replications algorithm, with 5 % in place of its 10 %. Values stand in replication order, so
    the answer does not depend on how many were run ahead.
    """
    met = 0
    for n in range(FIRST, len(values) + 1):
        met = met + 1 if interval_of(values[:n]).relative <= precision else 0
        if met > stays:
            return n - stays
    return None
