"""Can this content error be shown at all? Judged on noise-free truth, with fixed limits, before anything is counted.

An error can be shown when it changes the mass, or an integral of the picture, by more than three sigma of what varies
anyway. Nothing here knows how vision works: the limits are figures of scale, packing and renderer, and stay as they are
when vision changes, so that the set of errors that can be shown is the same for every version that is measured on it.

Integrals are of polyethylene (C) and iron (P), over the whole parcel, and over a single object where the objects that
changed lie free of all others.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sim.goods import CARTON_SPREAD, FILLER_SPREAD_MG, LOT_SPREAD, PIECE_SPREAD, Goods, nominal_tare_mg
from sim.xray.materials import BASIS_SHARES

SIGMAS = 3.0
PARCEL_SPREAD = 0.055
"""Relative spread of a parcel's integral against its truth, as measured on 400 parcels of 1-30 pieces: pieces look
larger the higher they lie over the belt."""
OBJECT_SPREAD = 0.06
"""The same of one object: height, lot and piece together."""
LEAK = 0.02
"""Share of the C integral that the decomposition may put into P, or take from it."""
FILLER_ROUGHNESS_G_CM2 = 0.02
"""Spread of the filler's areal density under an object: 30 % of what loose filler in a 300 mm carton has per area."""


class Witness(StrEnum):
    """What would show an error."""

    MASS = "MASS"
    PARCEL = "PARCEL"
    OBJECT = "OBJECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an error is made of. ``declared``, ``true``: pieces by sku; ``goods``: every sku of either.

    ``free``: the pieces that are too many, or that are missing, overlap no other piece in projection. ``scale_mg``: one
    sigma of the scale.
    """

    declared: Mapping[str, int]
    true: Mapping[str, int]
    goods: Mapping[str, Goods]
    carton_mm: tuple[int, int, int]
    free: bool
    scale_mg: int


def witnesses(contents: Contents) -> tuple[Witness, ...]:
    """Who would show the difference of true and declared contents; none for an error that can't be shown."""
    skus = sorted({*contents.declared, *contents.true})
    change = {sku: contents.true.get(sku, 0) - contents.declared.get(sku, 0) for sku in skus}
    if not any(change.values()):
        return ()
    found = []
    mass_g = sum(count * contents.goods[sku].unit_mg for sku, count in change.items()) / 1000
    if abs(mass_g) > SIGMAS * _mass_sigma_g(contents):
        found.append(Witness.MASS)
    if _parcel_differs(contents, change):
        found.append(Witness.PARCEL)
    if contents.free and _object_differs(contents.goods, change):
        found.append(Witness.OBJECT)
    return tuple(found)


def content_g(goods: Goods) -> tuple[float, float]:
    """Noise-free integrals (g of C, g of P) of one piece of the mass ``unit_mg``, without magnification."""
    scale = goods.unit_mg / math.fsum(solid.mass_mg for solid in goods.solids) / 1000
    c_g = scale * math.fsum(solid.mass_mg * BASIS_SHARES[solid.material][0] for solid in goods.solids)
    p_g = scale * math.fsum(solid.mass_mg * BASIS_SHARES[solid.material][1] for solid in goods.solids)
    return max(0.0, c_g), max(0.0, p_g)


def _mass_sigma_g(contents: Contents) -> float:
    """Scale, carton, filler, and the lots and pieces of what was declared."""
    parts = [contents.scale_mg, CARTON_SPREAD * nominal_tare_mg(contents.carton_mm)[0], FILLER_SPREAD_MG]
    for sku, count in contents.declared.items():
        unit = contents.goods[sku].unit_mg
        parts += [count * unit * LOT_SPREAD, math.sqrt(count) * unit * PIECE_SPREAD]
    return math.hypot(*parts) / 1000


def _parcel_differs(contents: Contents, change: Mapping[str, int]) -> bool:
    declared = _summed((contents.goods[sku], count) for sku, count in contents.declared.items())
    changed = _summed((contents.goods[sku], count) for sku, count in change.items())
    tare_g = math.hypot(CARTON_SPREAD * nominal_tare_mg(contents.carton_mm)[0], FILLER_SPREAD_MG) / 1000
    board_c, board_p = BASIS_SHARES["board"]
    sigma_c = math.hypot(PARCEL_SPREAD * declared[0], board_c * tare_g)
    sigma_p = math.hypot(PARCEL_SPREAD * declared[1], board_p * tare_g, LEAK * declared[0])
    return abs(changed[0]) > SIGMAS * sigma_c or abs(changed[1]) > SIGMAS * sigma_p


def _object_differs(goods: Mapping[str, Goods], change: Mapping[str, int]) -> bool:
    """One object more or fewer shows over the filler; one in another's place shows by its own integrals."""
    lost = [goods[sku] for sku, count in change.items() for _ in range(-count)]
    come = [goods[sku] for sku, count in change.items() for _ in range(count)]
    if len(lost) != len(come):
        rest = lost if len(lost) > len(come) else come
        return any(sum(content_g(one)) > SIGMAS * FILLER_ROUGHNESS_G_CM2 * _footprint_cm2(one) for one in rest)
    # In whichever place each came: the greatest against the greatest, the least against the least.
    pairs = zip(sorted(map(content_g, lost)), sorted(map(content_g, come)), strict=True)
    for (lost_c, lost_p), (come_c, come_p) in pairs:
        sigma_p = math.hypot(OBJECT_SPREAD * lost_p, LEAK * lost_c)
        if abs(come_c - lost_c) > SIGMAS * OBJECT_SPREAD * lost_c or abs(come_p - lost_p) > SIGMAS * sigma_p:
            return True
    return False


def _summed(parts: Iterable[tuple[Goods, int]]) -> tuple[float, float]:
    contents = [(content_g(goods), count) for goods, count in parts]
    return math.fsum(c * count for (c, _), count in contents), math.fsum(p * count for (_, p), count in contents)


def _footprint_cm2(goods: Goods) -> float:
    return goods.size_mm[0] * goods.size_mm[1] / 100
