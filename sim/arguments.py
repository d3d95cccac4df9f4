"""Bounds of the numbers that commands of the twin take: seeds, counts, real numbers."""

from typing import Any

import click

from lane.canonical import INTEGER_MAX

SEED_MAX = INTEGER_MAX
"""A seed stands in records and JSON files, which hold no larger number exactly."""
SEED = click.IntRange(0, SEED_MAX)
"""Type of an option ``--seed``."""
PARCELS = click.IntRange(1, 10_000_000)
"""Parcels of one run, whose stream is in memory: some kilobytes each."""
MANY = click.IntRange(1, 1_000_000_000)
"""Parcels or requests of many runs: weeks of work."""
WORKERS = click.IntRange(1, 256)
"""Processes on one machine."""


class RealRange(click.FloatRange):
    """A range of real numbers, to which "nan" does not belong (a float's comparisons would let it through)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Fails like any other outside the range."""
        number = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"expected a number in the range {self._describe_range()}, was nan.", param, ctx)
        return number
