"""What an officer finds when opening a parcel, and how the parcel ends. Truth, told without error."""

from lane.model.words import BenchResult, StatusClass
from sim.streams.truth import CONTENT_ERRORS, ParcelTruth, Planted


def opened(truth: ParcelTruth | None, status_class: StatusClass) -> tuple[BenchResult, tuple[tuple[int, int], ...]]:
    """(result, (line number, pieces found) pairs) of opening this body (None: nobody knows which it is)."""
    if truth is None:
        return BenchResult.RETURNED, ()
    found: tuple[tuple[int, int], ...] = ()
    if truth.declared is not None:
        pieces = dict(truth.contents)
        found = tuple((line.line_no, pieces.get(line.sku, 0)) for line in truth.declared.lines)
    if truth.planted in CONTENT_ERRORS:
        return BenchResult.ORDER_MODIFIED, found
    if truth.planted in (Planted.NO_DECLARATION, Planted.NO_READ):
        return BenchResult.RETURNED, ()
    if status_class is StatusClass.RELEASED:
        return BenchResult.INSPECTED_AND_RELEASED, found
    return (BenchResult.DETAINED if status_class is StatusClass.DETAINED else BenchResult.RETURNED), found
