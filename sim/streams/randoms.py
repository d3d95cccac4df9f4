"""Keyed random streams: one per (seed, name), so that a new kind of draw never shifts the others.

Only ``random.Random.random()`` is used, whose sequence Python promises to keep, and exact arithmetic on it: a seed
gives the same parcels on every machine. Never Python's ``hash()``, never the C library's logarithm.
"""

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def key(*parts: object) -> int:
    """A 64-bit number from words and integers, the same everywhere."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class Keyed:
    """Random numbers of one stream."""

    __slots__ = ("_draw",)

    def __init__(self, *parts: object) -> None:
        self._draw = random.Random(key(*parts)).random

    def uniform(self) -> float:
        """0 <= u < 1."""
        return self._draw()

    def below(self, bound: int) -> int:
        """0..bound-1, each equally likely (bias below 2^-30 for the small bounds used here)."""
        return int(self._draw() * bound)

    def between(self, low: int, high: int) -> int:
        """low..high inclusive."""
        return low + int(self._draw() * (high - low + 1))

    def permille(self, share: int) -> bool:
        """True for ``share`` of 1,000."""
        return self._draw() * 1_000 < share

    def ppm(self, share: int) -> bool:
        """True for ``share`` of 1,000,000."""
        return self._draw() * 1_000_000 < share

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[int(self._draw() * len(items))]

    def geometric(self, mean_permille: int, limit: int) -> int:
        """Failures before the first success, with the given mean in thousandths, cut at ``limit``."""
        stop = 1_000 / (1_000 + mean_permille)
        number = 0
        while number < limit and self._draw() >= stop:
            number += 1
        return number

    def exponential(self, mean: int) -> int:
        """Exponential with the given mean, by von Neumann's comparisons: no logarithm, so the same on every machine."""
        whole = 0
        while True:
            first = last = self._draw()
            run = 1
            while (draw := self._draw()) < last:
                last = draw
                run += 1
            if run % 2:
                return int((whole + first) * mean)
            whole += 1

    def error(self, sigma: int) -> int:
        """Roughly normal error of the given sigma: sum of twelve uniform draws less six."""
        draw = self._draw
        total = draw() + draw() + draw() + draw() + draw() + draw()
        total += draw()
        return int((total + draw() + draw() + draw() + draw() + draw() - 6) * sigma)

    def shuffle(self, items: list[T]) -> None:
        """Fisher-Yates, in place."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
