"""Percentiles by nearest rank: always a value that occurred."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def nearest_rank(ordered: Sequence[T], permille: int) -> T | None:
    """Smallest value that at least ``permille`` of 1,000 values do not pass; None of no values.

    ``ordered``: values in ascending order. 0 is the least of them, 1,000 the greatest. The rank is ceil(n p) in
    integers, so that no rounding of a share picks the neighbour (Hyndman and Fan 1996, definition 1).
    """
    if not 0 <= permille <= 1_000:
        raise ValueError(f"permille: expected 0..1000, was {permille}")
    return ordered[max(1, -(-len(ordered) * permille // 1_000)) - 1] if ordered else None
