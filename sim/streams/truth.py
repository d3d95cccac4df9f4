"""Ground truth of one parcel. Only the plant (physics), the declarant (what was declared) and the referee read it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Planted(StrEnum):
    """What is wrong with a parcel on purpose; a parcel has one such word, so the kinds are disjoint."""

    SOUND = "SOUND"
    SHORT = "SHORT"  # one item fewer than declared
    OVER = "OVER"  # one item more than declared
    SWAPPED = "SWAPPED"  # one item replaced by other goods
    NO_READ = "NO_READ"  # label can't be read
    NO_DECLARATION = "NO_DECLARATION"  # nobody declared it
    BAD_STATUS = "BAD_STATUS"  # declared, but its status forbids release


CONTENT_ERRORS = frozenset({Planted.SHORT, Planted.OVER, Planted.SWAPPED})
"""Planted errors that only the picture and the weight can show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredLineTruth:
    """One line as the declarant writes it. ``qty_e5``: quantity x 10^5; unit codes are JGS-20.

    ``second_qty_e5`` -1: no second quantity. ``pieces``: visible pieces this line stands for.
    """

    line_no: int
    sku: str
    name: str
    hs_code: str
    spec: str
    qty_e5: int
    unit: str
    legal_qty_e5: int
    legal_unit: str
    second_qty_e5: int
    second_unit: str
    pieces: int
    unit_mg: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTruth:
    """The declared list of one parcel. ``status_code`` "": no receipt ever came."""

    carrier: str
    waybill: str
    list_no: str
    order_no: str
    status_code: str
    gross_mg: int
    net_mg: int
    lines: tuple[DeclaredLineTruth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelTruth:
    """One body: sizes in mm, masses in mg, contents as (sku, visible pieces) pairs.

    ``number``: place in the stream, from 1. ``arrival_us``: it waits before the induct eye from then on.
    ``label``: waybill printed on it; ``readable`` False: no reader gets it. ``seed``: of its picture and masses.
    ``masses`` are computed by ``sim.goods.parcel_masses(contents, carton_mm, seed)``; ``weight_mg`` is their sum.
    """

    number: int
    arrival_us: int
    planted: Planted
    label: str
    readable: bool
    carton_mm: tuple[int, int, int]
    contents: tuple[tuple[str, int], ...]
    seed: int
    weight_mg: int
    declared: DeclaredTruth | None = field(default=None)

    @property
    def length_um(self) -> int:
        """Length along the belt."""
        return self.carton_mm[0] * 1_000

    @property
    def code(self) -> str:
        """What a reader gets ("": nothing)."""
        return self.label if self.readable else ""
