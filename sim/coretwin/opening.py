"""What an officer finds when opening a parcel, and how the parcel ends. Truth, told without error."""

from lane.model.words import BenchResult, StatusClass
from sim.streams.truth import CONTENT_ERRORS, ParcelTruth, Planted

_RETURNED, _MODIFIED, _INSPECTED = (
    BenchResult.RETURNED,
    BenchResult.ORDER_MODIFIED,
    BenchResult.INSPECTED_AND_RELEASED,
)
_RELEASED = StatusClass.RELEASED
_NOBODY_KNOWS_WHAT = (Planted.NO_DECLARATION, Planted.NO_READ)
"""Nothing that was declared can be compared with what is inside."""


def opened(truth: ParcelTruth | None, status_class: StatusClass) -> tuple[BenchResult, tuple[tuple[int, int], ...]]:
    """(result, (line number, pieces found) pairs) of opening this body (None: nobody knows which it is)."""
    if truth is None:
        return _RETURNED, ()
    found: tuple[tuple[int, int], ...] = ()
    if truth.declared is not None:
        pieces = dict(truth.contents)
        found = tuple((line.line_no, pieces.get(line.sku, 0)) for line in truth.declared.lines)
    if truth.planted in CONTENT_ERRORS:
        return _MODIFIED, found
    if truth.planted in _NOBODY_KNOWS_WHAT:
        return _RETURNED, ()
    if status_class is _RELEASED:
        return _INSPECTED, found
    return (BenchResult.DETAINED if status_class is StatusClass.DETAINED else _RETURNED), found
