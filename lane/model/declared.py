"""A declared list as the core sees it: integers and words, already interpreted by the declarations store."""

from dataclasses import dataclass

import msgspec


class ParcelKey(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """(carrier, waybill), normalised by ``lane.declarations`` (empty carrier: not known)."""

    carrier: str
    waybill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredItem:
    """One declared line with its expected count interval and the reason for it.

    ``qty_e5``: quantity x 10^5 (-1: absent). ``count_lo``, ``count_hi``: expected visible pieces (-1, -1: none).
    ``inner``: pieces in one pack from the spec text (0: unknown). ``unit_mg``: mass of one unit (0: unknown).
    ``flags``: words such as ``UNIT_UNKNOWN``, ``QTY_NOT_WHOLE``, ``UNIT_MASS``, ``WIDE``.
    """

    line_no: int
    sku: str
    name: str
    hs_code: str
    qty_e5: int
    unit: str
    count_lo: int
    count_hi: int
    rule: str
    inner: int = 0
    unit_mg: int = 0
    flags: tuple[str, ...] = ()
