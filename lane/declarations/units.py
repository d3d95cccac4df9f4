"""From declared quantity to expected count of visible objects, with the reason for every interval. Pure.

Source of the codes: the JGS-20 code list of CEB messages; UN/ECE Recommendations 20 and 21. Their classes and what a
class lets one count are our own.
"""

from dataclasses import dataclass

from lane.declarations.records import DeclaredLine
from lane.declarations.spec import Spec, read_spec
from lane.declarations.tables import Tables, Unit, UnitClass
from lane.declarations.words import Flag

SET_PIECES_MAX = 10
"""Pieces assumed for a set of unknown size (own choice); the interval is flagged WIDE."""
E5 = 10**5


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a learned reference of the goods knows: whether small pieces are visible, pieces of one set (0: unknown)."""

    visible: bool = False
    set_pieces: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Expected visible objects ``lo..hi`` (both -1: none), why, and what else the line says.

    ``inner``: pieces in one pack, given for class PIECE only (a count of q/inner is UNCERTAIN there, not SHORT).
    ``divisor_e5``: number of visible units (x 10^5) that the line's mass is divided by for the unit mass (0: none).
    """

    lo: int
    hi: int
    rule: str
    unit_class: UnitClass
    inner: int = 0
    divisor_e5: int = 0
    flags: tuple[str, ...] = ()


def expect(line: DeclaredLine, tables: Tables, signature: Signature | None = None) -> Expectation:
    """Expected count interval of one line.

    The declared unit decides; a MEASURE falls to the second unit, then to the legal unit. A quantity that is not
    whole, zero or absent gives no interval.
    """
    unit = tables.unit(line.unit)
    if line.qty_e5 < 0 or not line.unit:
        missing = "quantity" if line.qty_e5 < 0 else "unit"
        return _none(unit, f"no {missing}", Flag.QTY_ABSENT if line.qty_e5 < 0 else Flag.UNIT_UNKNOWN)
    if unit.unit_class is UnitClass.UNLISTED:
        return _none(unit, f"{_word(unit)} not in the table of units", Flag.UNIT_UNKNOWN)
    if unit.unit_class is not UnitClass.MEASURE:
        return _counted(line.qty_e5, unit, "unit", read_spec(line.spec, unit.name), signature)
    for quantity, code, source in (
        (line.second_qty_e5, line.second_unit, "second unit"),
        (line.legal_qty_e5, line.legal_unit, "legal unit"),
    ):
        other = tables.unit(code)
        if quantity < 0 or other.unit_class in (UnitClass.UNLISTED, UnitClass.MEASURE, UnitClass.SMALL_PIECE):
            continue
        return _counted(quantity, other, source, read_spec(line.spec, other.name), signature)
    return _none(unit, f"{_word(unit)} is a measure and no other unit counts: by weight only")


def _counted(qty_e5: int, unit: Unit, source: str, spec: Spec, signature: Signature | None) -> Expectation:
    """Interval of a counted class, or none with its reason."""
    where = f"{_word(unit)} from {source}"
    if qty_e5 == 0:
        return _none(unit, f"{where}: quantity is zero", Flag.QTY_ZERO)
    if qty_e5 % E5:
        return _none(unit, f"{where}: quantity is not whole", Flag.QTY_NOT_WHOLE)
    q = qty_e5 // E5
    flags: tuple[str, ...] = ()
    lo, hi, divisor, inner = q, q, q, 0
    match unit.unit_class:
        case UnitClass.PIECE:
            inner, rule = spec.inner, "[q, q]"
        case UnitClass.PACK:
            rule = "[q, q] packs" + (f", {spec.inner} in each" if spec.inner else "")
        case UnitClass.SMALL_PIECE:
            if signature is None or not signature.visible:
                return _none(unit, f"{where}: too small to count without a reference")
            rule = "[q, q] by reference"
        case UnitClass.PAIR:
            hi, rule = 2 * q, "[q, 2q]"
        case UnitClass.SET:
            known = (signature.set_pieces if signature else 0) or spec.inner
            hi, rule = q * (known or SET_PIECES_MAX), f"[q, {known or SET_PIECES_MAX}q]"
            flags = () if known else (Flag.WIDE,)
        case UnitClass.MULTIPLE:
            lo = hi = divisor = q * unit.factor
            rule = f"[{unit.factor}q, {unit.factor}q]"
        case UnitClass.MEASURE | UnitClass.UNLISTED:
            return _none(unit, f"{where} does not count")
    return Expectation(
        lo=lo, hi=hi, rule=f"{where}: {rule}", unit_class=unit.unit_class, inner=inner, divisor_e5=divisor * E5,
        flags=flags,
    )  # fmt: skip


def _none(unit: Unit, rule: str, *flags: Flag) -> Expectation:
    return Expectation(lo=-1, hi=-1, rule=rule, unit_class=unit.unit_class, flags=tuple(flags))


def _word(unit: Unit) -> str:
    """``122 罐 PACK``; an unlisted code is not repeated (it may be any text)."""
    return f"{unit.code} {unit.name} {unit.unit_class}" if unit.unit_class is not UnitClass.UNLISTED else "unit code"
