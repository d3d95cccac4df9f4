"""Goods by fitted laws: a second source beside the catalogue, for parcels as varied as a marketplace's.

Weight and longest side of a parcel are lognormal, tied by a Gaussian copula and cut at what the lane takes. Fit over
32,949 products of the Olist set (not weighted by sales; the data are not shipped).
Its tail is lighter than the data's (95 % of weights below 7.7 kg, of sides below 64 cm): for heavy parcels fit your
own file with ``lane sim streams fit``. Assumed, not fitted: sides two and three are 0.5-1.0 and 0.2-0.7 of the longest
(triangular); a tenth of the weight is packing; the goods of a parcel differ by up to a factor of three in mass.

Variate i belongs to parcel i; a pair outside the lane is drawn again from further streams, block by block, so that no
other parcel's numbers move.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy
from numpy.typing import NDArray

from lane.declarations.tables import UnitClass, load_tables
from sim.goods import CATALOGUE, Goods
from sim.streams.philox import BLOCK, Law, philox, variates
from sim.streams.randoms import key
from sim.streams.truth import DeclaredLineTruth, Planted

MILLI = 1_000
E5 = 100_000
VARIANTS = 10
"""Different goods of each catalogue name, with masses of their own."""
PACKING_PERMILLE = 100
GROSS_SPREAD = 0.005
GROSS_STEP_MG = 10_000
"""A warehouse states gross weight within 0.5 %, in steps of 10 g."""
UNIT_KILOGRAM = "035"
TRIES_MAX = 64
"""Redraws of a pair outside the lane; one that still is outside is cut to the lane's limits."""

Contents = tuple[tuple[str, int], ...]
Floats = NDArray[numpy.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedGoods:
    """Parameters in thousandths: ``weight_mu_milli`` of ln(g), ``side_mu_milli`` of ln(cm), ``rho_milli`` of the
    copula.

    ``rho``: 2 sin(pi r / 6) of a rank correlation r (0.753 for weight with volume). ``counted_only``: only goods that
    are declared by the piece or the pack, so that no doubt comes from the unit itself (a pair may show as one or two).
    """

    weight_mu_milli: int = 6_726
    weight_sigma_milli: int = 1_349
    side_mu_milli: int = 3_381
    side_sigma_milli: int = 474
    rho_milli: int = 768
    side_mm_min: int = 120
    side_mm_max: int = 600
    weight_g_max: int = 30_000
    counted_only: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.side_mm_min < self.side_mm_max or self.weight_g_max < 1 or abs(self.rho_milli) > MILLI:
            raise ValueError("goods: expected 0 < side_mm_min < side_mm_max, weight_g_max of 1 or more, rho of -1..1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One parcel as packed: what is in it, how large and heavy it is, and what its list says."""

    declared: Contents
    contents: Contents
    carton_mm: tuple[int, int, int]
    weight_mg: int
    net_mg: int
    gross_mg: int
    lines: tuple[DeclaredLineTruth, ...]


def sizes(fit: FittedGoods, seed: int, replication: int) -> Iterator[tuple[float, float]]:
    """Endless (weight in g, longest side in mm), pair i for parcel i."""
    attempts: list[_Attempt] = []
    for block in count():
        weight, side = numpy.zeros(BLOCK), numpy.zeros(BLOCK)
        outside = numpy.ones(BLOCK, dtype=bool)
        for attempt in range(TRIES_MAX):
            if attempt == len(attempts):
                attempts.append(_Attempt(fit, seed, replication, attempt))
            drawn_weight, drawn_side = attempts[attempt].block(block)
            weight, side = numpy.where(outside, drawn_weight, weight), numpy.where(outside, drawn_side, side)
            outside = (weight > fit.weight_g_max) | (side > fit.side_mm_max) | (side < fit.side_mm_min)
            if not outside.any():
                break
        weight, side = numpy.minimum(weight, fit.weight_g_max), numpy.clip(side, fit.side_mm_min, fit.side_mm_max)
        yield from zip(weight.tolist(), side.tolist(), strict=True)


class _Attempt:
    """The n-th draw of every parcel's pair; blocks that nobody needed are skipped."""

    def __init__(self, fit: FittedGoods, seed: int, replication: int, number: int) -> None:
        self._fit = fit
        self._weights = philox(seed, replication, f"goods.weight.{number}")
        self._sides = philox(seed, replication, f"goods.side.{number}")
        self._drawn = 0

    def block(self, number: int) -> tuple[Floats, Floats]:
        """Weights in g and sides in mm of block ``number``; numbers must not go back."""
        while self._drawn <= number:
            one, other = self._weights.standard_normal(BLOCK), self._sides.standard_normal(BLOCK)
            self._drawn += 1
        fit, rho = self._fit, self._fit.rho_milli / MILLI
        tied = rho * one + math.sqrt(1 - rho * rho) * other
        weight = numpy.exp(fit.weight_mu_milli / MILLI + fit.weight_sigma_milli / MILLI * one)
        side = 10 * numpy.exp(fit.side_mu_milli / MILLI + fit.side_sigma_milli / MILLI * tied)
        return weight, side


class FittedPacker:
    """Packs parcel after parcel; a parcel takes the same number of variates of each stream whatever is planted."""

    def __init__(
        self, fit: FittedGoods, seed: int, replication: int, *,
        pieces_mean_permille: int, pieces_max: int, kinds_max: int, measure_permille: int,
    ) -> None:  # fmt: skip
        self._sizes = sizes(fit, seed, replication)
        self._names = tuple(goods.sku for goods in CATALOGUE if not fit.counted_only or _counted(goods))
        self._pieces_mean, self._pieces_max, self._kinds_max = pieces_mean_permille, pieces_max, kinds_max
        self._measure_permille = measure_permille

        def uniform(name: str) -> Iterator[float]:
            return variates(seed, replication, f"goods.{name}", Law.UNIFORM)

        self._second, self._third = uniform("second side"), uniform("third side")
        self._pieces, self._kinds, self._first = uniform("pieces"), uniform("kinds"), uniform("first kind")
        self._place, self._measure = uniform("planted line"), uniform("measure")
        self._gross = variates(seed, replication, "goods.gross", Law.NORMAL)

    def pack(self, kind: Planted) -> Packed:
        """The next parcel, with what is planted in it."""
        weight_g, side_mm = next(self._sizes)
        second, third = _triangular(next(self._second), 0.5, 1.0), _triangular(next(self._third), 0.2, 0.7)
        carton = (round(side_mm), max(10, round(side_mm * second)), max(10, round(side_mm * third)))
        pieces = 1 + _geometric(next(self._pieces), (self._pieces_mean - MILLI) / MILLI, self._pieces_max - 1)
        pieces = max(2, pieces) if kind is Planted.SHORT else pieces
        kinds = min(pieces, self._kinds_max, 1 + _geometric(next(self._kinds), 0.5, self._kinds_max - 1))
        first, place = int(next(self._first) * VARIANTS * len(self._names)), int(next(self._place) * kinds)
        by_mass, stated = next(self._measure) * MILLI < self._measure_permille, next(self._gross)
        declared = tuple((self._sku(first + k), (pieces + k) // kinds) for k in range(kinds))
        goods_mg = weight_g * MILLI * (MILLI - PACKING_PERMILLE) / MILLI
        unit_mg = _unit_masses(declared, goods_mg, self._sku(first + kinds))
        contents = _planted(declared, kind, place, self._sku(first + kinds))
        packing_mg = round(weight_g * MILLI - goods_mg)
        lines = _lines(declared, unit_mg, by_mass)
        net_mg = sum(unit_mg[sku] * number for sku, number in declared)
        gross_mg = (net_mg + packing_mg) * (1 + GROSS_SPREAD * stated)
        return Packed(
            declared=declared,
            contents=contents,
            carton_mm=carton,
            weight_mg=packing_mg + sum(unit_mg[sku] * number for sku, number in contents),
            net_mg=net_mg,
            gross_mg=max(GROSS_STEP_MG, round(gross_mg / GROSS_STEP_MG) * GROSS_STEP_MG),
            lines=lines,
        )

    def _sku(self, number: int) -> str:
        """Neighbouring numbers are different goods."""
        variant, place = divmod(number % (VARIANTS * len(self._names)), len(self._names))
        return f"{self._names[place]}/{variant}"


def _triangular(uniform: float, low: float, high: float) -> float:
    """Symmetric triangular law between two bounds, by its inverse."""
    half = math.sqrt(uniform / 2) if uniform < 0.5 else 1 - math.sqrt((1 - uniform) / 2)
    return low + (high - low) * half


def _geometric(uniform: float, mean: float, limit: int) -> int:
    """Failures before the first success, with the given mean, cut at ``limit``; by its inverse."""
    if mean <= 0:
        return 0
    return min(limit, int(math.log1p(-uniform) / math.log(mean / (1 + mean))))


def _counted(goods: Goods) -> bool:
    """Whether a declared unit of the goods is one visible piece."""
    return load_tables().unit(goods.unit).unit_class in (UnitClass.PIECE, UnitClass.PACK)


def _goods(sku: str) -> Goods:
    """The catalogue's entry that lends the sku its name, code and unit."""
    return _BY_SKU[sku.rpartition("/")[0]]


_BY_SKU = {goods.sku: goods for goods in CATALOGUE}


def _unit_masses(declared: Contents, goods_mg: float, other: str) -> dict[str, int]:
    """Mass of one piece of each sku: the parcel's goods shared out by each kind's own factor; one milligram least."""
    factors = {sku: 0.5 + key("fitted", sku) % MILLI / MILLI for sku in (*(sku for sku, _ in declared), other)}
    shares = sum(factors[sku] * number for sku, number in declared)
    return {sku: max(1, round(goods_mg * factor / shares)) for sku, factor in factors.items()}


def _planted(declared: Contents, kind: Planted, place: int, other: str) -> Contents:
    counts = dict(declared)
    sku = declared[place][0]
    if kind is Planted.OVER:
        counts[sku] += 1
    elif kind in (Planted.SHORT, Planted.SWAPPED):
        counts[sku] -= 1
    if kind is Planted.SWAPPED:
        counts[other] = 1
    return tuple((sku, number) for sku, number in counts.items() if number > 0)


def _lines(declared: Contents, unit_mg: dict[str, int], by_mass: bool) -> tuple[DeclaredLineTruth, ...]:
    lines = []
    for line_no, (sku, pieces) in enumerate(declared, start=1):
        goods = _goods(sku)
        net_e5 = unit_mg[sku] * pieces // 10  # mg to kg x 10^5
        measured = by_mass and line_no == 1 and net_e5 > 0
        lines.append(
            DeclaredLineTruth(
                line_no=line_no, sku=sku, name=goods.name, hs_code=goods.hs_code, spec="",
                qty_e5=net_e5 if measured else pieces * E5, unit=UNIT_KILOGRAM if measured else goods.unit,
                legal_qty_e5=net_e5, legal_unit=goods.legal_unit,
                second_qty_e5=pieces * E5 if measured else -1, second_unit=goods.unit if measured else "",
                pieces=pieces, unit_mg=unit_mg[sku],
            )
        )  # fmt: skip
    return tuple(lines)
