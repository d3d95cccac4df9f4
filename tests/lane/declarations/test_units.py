"""One vector per unit code, the rules of expected counts, and what specification texts say."""

import csv
from pathlib import Path

import pytest

from lane.declarations.records import DeclaredLine
from lane.declarations.spec import Spec, read_spec
from lane.declarations.tables import TableError, UnitClass, config_dir, load_tables
from lane.declarations.units import Signature, expect
from lane.declarations.words import Flag

TABLES = load_tables()
PIECE = "001 002 003 005 007 008 010 011 012 013 014 015 016 017 018 022 023 031 037 039 131 132 134 163 C62 H87"
PACK = "034 120 122 123 125 126 128 136 140 142 BX CT BG"
MULTIPLES = {
    12: "127 DZN",
    144: "129",
    100: "040 041 042 043 044 049",
    1_000: "050 051 052 053 054 058 143 146",
    10_000: "038 057 059 144 145",
    10**8: "055 056",
}
MEASURE = "030 032 033 035 036 070 083 084 095 096 KGM GRM"
VECTORS = (
    [(code, 6, (6, 6), UnitClass.PIECE) for code in PIECE.split()]
    + [(code, 6, (6, 6), UnitClass.PACK) for code in PACK.split()]
    + [(code, 3, (3, 6), UnitClass.PAIR) for code in ("019", "025", "026", "PR")]
    + [(code, 2, (2, 20), UnitClass.SET) for code in ("006", "021", "SET")]
    + [(code, 2, (2 * n, 2 * n), UnitClass.MULTIPLE) for n, codes in MULTIPLES.items() for code in codes.split()]
    + [(code, 5, (-1, -1), UnitClass.MEASURE) for code in MEASURE.split()]
    + [(code, 30, (-1, -1), UnitClass.SMALL_PIECE) for code in ("020", "139")]
)


def line(qty: float, unit: str, **more: object) -> DeclaredLine:
    return DeclaredLine(line_no=1, qty_e5=round(qty * 10**5), unit=unit, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("code", "qty", "interval", "unit_class"), VECTORS, ids=[vector[0] for vector in VECTORS])
def test_every_unit_code_has_its_interval(
    code: str, qty: int, interval: tuple[int, int], unit_class: UnitClass
) -> None:
    expected = expect(line(qty, code), TABLES)
    assert ((expected.lo, expected.hi), expected.unit_class) == (interval, unit_class)
    assert code in expected.rule


def test_there_is_a_vector_for_every_code_of_the_table() -> None:
    assert {vector[0] for vector in VECTORS} == set(TABLES.units)


def test_an_unlisted_code_gives_no_interval_and_is_not_repeated() -> None:
    expected = expect(line(5, "A-NAME"), TABLES)
    assert (expected.lo, expected.hi, expected.flags) == (-1, -1, (Flag.UNIT_UNKNOWN,))
    assert "A-NAME" not in expected.rule


def test_a_measure_falls_to_the_second_unit_then_to_the_legal_one() -> None:
    both = line(1.36, "035", legal_unit="140", legal_qty_e5=400_000, second_unit="007", second_qty_e5=200_000)
    assert expect(both, TABLES).lo == 2
    legal = line(1.36, "035", legal_unit="140", legal_qty_e5=400_000, second_unit="036", second_qty_e5=136_000_000)
    assert expect(legal, TABLES).lo == 4
    assert expect(line(5, "035", legal_unit="035", legal_qty_e5=500_000), TABLES).lo == -1


@pytest.mark.parametrize(
    ("qty", "unit", "more", "interval"),
    [
        (6, "122", {"legal_qty_e5": 540_000, "legal_unit": "035", "spec": "900g/罐"}, (6, 6)),
        (20, "140", {"legal_qty_e5": 768_000, "legal_unit": "035", "spec": "384g/盒"}, (20, 20)),
        (
            1,
            "011",
            {"legal_qty_e5": 136_000, "legal_unit": "035", "second_unit": "007", "second_qty_e5": 10**5},
            (1, 1),
        ),
        (1, "140", {"spec": "30粒/盒"}, (1, 1)),
        (2.5, "007", {}, (-1, -1)),
        (3, "025", {}, (3, 6)),
        (2, "127", {}, (24, 24)),
        (5, "035", {"legal_unit": "035", "legal_qty_e5": 500_000}, (-1, -1)),
    ],
)
def test_vectors_of_the_design(qty: float, unit: str, more: dict[str, object], interval: tuple[int, int]) -> None:
    expected = expect(line(qty, unit, **more), TABLES)
    assert (expected.lo, expected.hi) == interval


def test_quantities_that_are_not_whole_zero_or_absent_give_no_interval() -> None:
    assert expect(line(2.5, "007"), TABLES).flags == (Flag.QTY_NOT_WHOLE,)
    assert expect(line(2.5, "127"), TABLES).flags == (Flag.QTY_NOT_WHOLE,)
    assert expect(line(0, "007"), TABLES).flags == (Flag.QTY_ZERO,)
    assert expect(DeclaredLine(line_no=1, unit="007"), TABLES).flags == (Flag.QTY_ABSENT,)


def test_the_inner_count_is_given_for_pieces_only() -> None:
    assert expect(line(30, "007", spec="10个/盒"), TABLES).inner == 10
    pack = expect(line(3, "140", spec="10个/盒"), TABLES)
    assert pack.inner == 0
    assert "10 in each" in pack.rule


def test_a_set_of_known_size_is_not_wide() -> None:
    assert expect(line(2, "006"), TABLES).flags == (Flag.WIDE,)
    known = expect(line(2, "006", spec="3件/套"), TABLES)
    assert (known.lo, known.hi, known.flags) == (2, 6, ())
    assert expect(line(2, "006"), TABLES, Signature(set_pieces=4)).hi == 8


def test_small_pieces_count_only_when_a_reference_says_they_are_visible() -> None:
    assert expect(line(30, "139"), TABLES, Signature(visible=True)).lo == 30
    assert expect(line(30, "139"), TABLES, Signature()).lo == -1


@pytest.mark.parametrize(
    ("text", "unit_name", "spec"),
    [
        ("900g/罐", "罐", Spec(mass_mg=900_000)),
        ("30粒/盒", "盒", Spec(inner=30)),
        ("384g/盒", "盒", Spec(mass_mg=384_000)),
        ("0.9千克/罐", "罐", Spec(mass_mg=900_000)),
        ("400克", "罐", Spec(mass_mg=400_000)),
        ("10g*30包/盒", "盒", Spec(inner=30, mass_mg=300_000)),
        ("30包×10g/盒", "盒", Spec(inner=30, mass_mg=300_000)),
        ("4|3|奶粉|900g/罐|品牌", "罐", Spec(mass_mg=900_000)),
        ("5mg/片|384g/盒", "盒", Spec(mass_mg=384_000)),
        ("500ml/瓶", "瓶", Spec()),
        ("100g 200g", "罐", Spec()),
        ("无", "罐", Spec()),
        ("", "罐", Spec()),
    ],
)
def test_specification_texts_are_read(text: str, unit_name: str, spec: Spec) -> None:
    assert read_spec(text, unit_name) == spec


def test_a_broken_table_is_refused_with_file_row_and_expectation(tmp_path: Path) -> None:
    for name in ("units.csv", "status_map.csv"):
        (tmp_path / name).write_bytes((config_dir() / name).read_bytes())
    (tmp_path / "units.csv").write_text("code,name,class,factor,mass_mg,note\n007,x,PIECES,1,0,\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"units\.csv:2.*007"):
        load_tables(tmp_path)


def test_units_file_has_one_row_per_code() -> None:
    rows = [
        row for row in csv.reader((config_dir() / "units.csv").open(encoding="utf-8")) if not row[0].startswith("#")
    ]
    assert len(rows) - 1 == len(TABLES.units)
