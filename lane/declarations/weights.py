"""Weight checks that need the list alone: (a) sum of line masses against net weight, (c) unit mass against the spec.

Both are flags: they inform, grounds decide. Check (b), scale against declared gross weight, belongs to the core.
Tolerances are own choices, to be tuned on site data.
"""

from lane.declarations.records import Declaration, DeclaredLine
from lane.declarations.spec import read_spec
from lane.declarations.tables import Tables, UnitClass
from lane.declarations.units import E5, Expectation
from lane.declarations.words import Flag

NET_SUM_PERMILLE = 50
NET_SUM_MG_MIN = 50_000
UNIT_MASS_PERMILLE = 20


def line_mass_mg(line: DeclaredLine, tables: Tables) -> int:
    """Mass of a line from the first of unit, legal unit and second unit that is one of mass (-1: none)."""
    for quantity, code in (
        (line.qty_e5, line.unit),
        (line.legal_qty_e5, line.legal_unit),
        (line.second_qty_e5, line.second_unit),
    ):
        mass_mg = tables.unit(code).mass_mg
        if quantity >= 0 and mass_mg:
            return quantity * mass_mg // E5
    return -1


def net_sum_differs(declaration: Declaration, tables: Tables) -> bool:
    """Check (a): every line has a mass, and their sum is off net weight by more than max(5 %, 50 g)."""
    if declaration.net_mg < 0:
        return False
    masses = [line_mass_mg(line, tables) for line in declaration.lines]
    if min(masses, default=-1) < 0:
        return False
    allowed = max(declaration.net_mg * NET_SUM_PERMILLE // 1000, NET_SUM_MG_MIN)
    return abs(sum(masses) - declaration.net_mg) > allowed


def unit_mass_differs(line: DeclaredLine, tables: Tables) -> bool:
    """Check (c): legal mass / quantity is off the mass in the specification text by more than 2 %."""
    unit = tables.unit(line.unit)
    if line.qty_e5 <= 0 or unit.unit_class in (UnitClass.MEASURE, UnitClass.UNLISTED):
        return False
    total = _other_mass_mg(line, tables)
    stated = read_spec(line.spec, unit.name).mass_mg
    if total < 0 or not stated:
        return False
    per_unit = total * E5 // line.qty_e5
    return abs(per_unit - stated) * 1000 > stated * UNIT_MASS_PERMILLE


def unit_mg(line: DeclaredLine, expectation: Expectation, tables: Tables) -> int:
    """Mass of one expected object (0: unknown): line mass over the count it was declared in, else from the spec.

    For multiples (dozen) it is the mass of one piece; for pairs and sets that of the whole unit, because nobody
    knows in how many visible pieces it comes.
    """
    total = line_mass_mg(line, tables)
    if total > 0 and expectation.divisor_e5:
        return total * E5 // expectation.divisor_e5
    own = tables.unit(line.unit)
    if total > 0 and line.qty_e5 > 0 and own.unit_class not in (UnitClass.MEASURE, UnitClass.UNLISTED):
        return total * E5 // (line.qty_e5 * own.factor)
    stated = read_spec(line.spec, own.name).mass_mg
    return stated if own.unit_class in (UnitClass.PIECE, UnitClass.PACK) else 0


def list_flags(declaration: Declaration, tables: Tables) -> tuple[str, ...]:
    """Flags of the whole list that follow from masses."""
    return (Flag.NET_SUM,) if net_sum_differs(declaration, tables) else ()


def _other_mass_mg(line: DeclaredLine, tables: Tables) -> int:
    """Mass of a line from legal or second unit (-1: none)."""
    for quantity, code in ((line.legal_qty_e5, line.legal_unit), (line.second_qty_e5, line.second_unit)):
        mass_mg = tables.unit(code).mass_mg
        if quantity >= 0 and mass_mg:
            return quantity * mass_mg // E5
    return -1
