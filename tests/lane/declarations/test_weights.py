"""Weight checks (a) and (c), and the mass of one expected piece."""

import pytest

from lane.declarations.records import Declaration, DeclaredLine
from lane.declarations.tables import load_tables
from lane.declarations.units import expect
from lane.declarations.weights import list_flags, net_sum_differs, unit_mass_differs, unit_mg
from lane.declarations.words import Flag
from lane.model.declared import ParcelKey

TABLES = load_tables()


def line(qty: float, unit: str, legal_kg: float = -1, spec: str = "", line_no: int = 1) -> DeclaredLine:
    return DeclaredLine(
        line_no=line_no, qty_e5=round(qty * 1e5), unit=unit, spec=spec,
        legal_qty_e5=round(legal_kg * 1e5) if legal_kg >= 0 else -1, legal_unit="035" if legal_kg >= 0 else "",
    )  # fmt: skip


def a_list(net_kg: float, *lines: DeclaredLine) -> Declaration:
    return Declaration(key=ParcelKey(carrier="C", waybill="W"), lines=lines, net_mg=round(net_kg * 1e6))


@pytest.mark.parametrize(
    ("net_kg", "lines", "differs"),
    [
        (5.4, [line(6, "122", 5.4)], False),
        (5.4, [line(6, "122", 5.66)], False),  # 4.8 %
        (5.4, [line(6, "122", 5.68)], True),  # 5.2 %
        (0.2, [line(1, "140", 0.249)], False),  # inside 50 g
        (0.2, [line(1, "140", 0.251)], True),
        (60.33, [line(70, "035")], True),  # the unit code in the wild that must be caught
        (5.4, [line(6, "122", 3.0), line(1, "007", line_no=2)], False),  # a line without mass: not checked
        (-1e-6, [line(6, "122", 3.0)], False),  # no net weight: not checked
    ],
)
def test_net_sum_is_flagged_beyond_its_tolerance(net_kg: float, lines: list[DeclaredLine], differs: bool) -> None:
    declaration = a_list(net_kg, *lines)
    assert net_sum_differs(declaration, TABLES) is differs
    assert list_flags(declaration, TABLES) == ((Flag.NET_SUM,) if differs else ())


@pytest.mark.parametrize(
    ("checked", "differs"),
    [
        (line(6, "122", 5.4, "900g/罐"), False),
        (line(6, "122", 5.5, "900g/罐"), False),  # 1.9 %
        (line(6, "122", 5.52, "900g/罐"), True),  # 2.2 %
        (line(20, "140", 7.68, "384g/盒"), False),
        (line(20, "140", 7.68, "348g/盒"), True),
        (line(20, "140", 7.68, "500ml/盒"), False),  # volumes are not compared
        (line(5, "035", 5, "900g/罐"), False),  # a measure has no unit mass
        (line(6, "122", -1, "900g/罐"), False),  # no legal mass
    ],
)
def test_unit_mass_is_compared_with_the_specification(checked: DeclaredLine, differs: bool) -> None:
    assert unit_mass_differs(checked, TABLES) is differs


@pytest.mark.parametrize(
    ("checked", "mass_mg"),
    [
        (line(6, "122", 5.4, "900g/罐"), 900_000),
        (line(20, "140", 7.68, "384g/盒"), 384_000),
        (line(2, "127", 2.4), 100_000),  # per piece of the dozen
        (line(3, "025", 1.5), 500_000),  # per pair: nobody knows in how many pieces it shows
        (line(6, "122", -1, "900g/罐"), 900_000),  # from the specification when the legal mass is absent
        (line(5, "035"), 0),
        (line(2.5, "007"), 0),
    ],
)
def test_mass_of_one_piece(checked: DeclaredLine, mass_mg: int) -> None:
    assert unit_mg(checked, expect(checked, TABLES), TABLES) == mass_mg


def test_mass_of_one_piece_follows_the_unit_that_was_counted() -> None:
    by_weight = DeclaredLine(line_no=1, qty_e5=136_000, unit="035", second_qty_e5=200_000, second_unit="007")
    assert unit_mg(by_weight, expect(by_weight, TABLES), TABLES) == 680_000
