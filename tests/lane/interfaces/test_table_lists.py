"""CSV, JSON Lines and postal lists become the same records as customs messages."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.declarations.records import Declaration, DeclaredLine, Item, Problem, Receipt
from lane.declarations.words import Flag
from lane.interfaces.csv_lists import COLUMNS, ScatteredRowsError, read_csv
from lane.interfaces.faults import FileRefusedError
from lane.interfaces.json_lists import read_json
from lane.interfaces.postal import s10_country
from lane.model.declared import ParcelKey

HEADER = (
    "carrier,waybill,list_no,order_no,status,status_at,line_no,sku,name,hs_code,qty,unit,legal_qty,legal_unit,"
    "net_kg,gross_kg,spec"
)
ROW = "4101986180,t17,L17,T-17,800,20251121093000001,1,MP-900,奶粉,1901101000,6,122,5.4,035,5.4,6.1,900g/罐"
OBJECT: dict[str, Any] = {
    "schema": "lane-declaration/1", "carrier": "4101986180", "waybill": "T17", "list_no": "L17", "order_no": "T-17",
    "status": 800, "status_at": "20251121093000001", "net_kg": "5.4", "gross_kg": "6.1",
    "lines": [{"line_no": 1, "sku": "MP-900", "name": "奶粉", "hs_code": "1901101000", "qty": "6", "unit": "122",
               "legal_qty": "5.4", "legal_unit": "035", "spec": "900g/罐"}],
}  # fmt: skip
IMPORTED = "20251122000000000"


def csv_items(*rows: str, header: str = HEADER, encoding: str = "utf-8", gather: bool = False) -> list[Item]:
    data = "\r\n".join([header, *rows, ""]).encode(encoding)
    return list(read_csv(data, encoding=encoding, imported_at=IMPORTED, gather=gather))


def json_items(*objects: object) -> list[Item]:
    data = "\n".join(json.dumps(value, ensure_ascii=False) for value in objects).encode()
    return list(read_json(data, imported_at=IMPORTED))


def rejected(items: Iterable[Item]) -> list[Problem]:
    return [item for item in items if isinstance(item, Problem) and item.rejects]


LINE = DeclaredLine(
    line_no=1, sku="MP-900", name="奶粉", hs_code="1901101000", qty_e5=600_000, unit="122", legal_qty_e5=540_000,
    legal_unit="035", spec="900g/罐",
)  # fmt: skip
LIST = Declaration(
    key=ParcelKey(carrier="4101986180", waybill="T17"), lines=(LINE,), list_no="L17", order_no="T-17",
    net_mg=5_400_000, gross_mg=6_100_000,
)  # fmt: skip


def receipt(feed: str, at: str = "20251121093000001") -> Receipt:
    return Receipt(code="800", return_time=at, list_no="L17", carrier="4101986180", waybill="T17", feed=feed)


def test_a_row_becomes_a_list_and_a_receipt() -> None:
    assert csv_items(ROW) == [LIST, receipt("csv")]


def test_columns_stand_in_any_order_and_may_be_absent() -> None:
    assert csv_items(",".join(reversed(ROW.split(","))), header=",".join(reversed(HEADER.split(",")))) == [
        LIST,
        receipt("csv"),
    ]
    (found,) = csv_items("C,T1,1", header="carrier,waybill,line_no")
    assert found == Declaration(key=ParcelKey(carrier="C", waybill="T1"), lines=(DeclaredLine(line_no=1),))


def test_a_byte_order_mark_is_accepted_and_gb18030_only_when_declared() -> None:
    data = f"{HEADER}\n{ROW}\n"
    assert list(read_csv(b"\xef\xbb\xbf" + data.encode(), imported_at=IMPORTED)) == [LIST, receipt("csv")]
    gb = data.encode("gb18030")
    assert list(read_csv(gb, encoding="gb18030", imported_at=IMPORTED)) == [LIST, receipt("csv")]
    with pytest.raises(FileRefusedError, match=r"expected UTF-8.*--encoding gb18030"):
        list(read_csv(gb, imported_at=IMPORTED))
    with pytest.raises(FileRefusedError, match="UTF-8 mark"):
        list(read_csv(b"\xef\xbb\xbf" + data.encode(), encoding="gb18030", imported_at=IMPORTED))


def test_a_status_without_time_is_dated_by_the_import_and_one_with_offset_is_converted() -> None:
    assert csv_items(ROW.replace("20251121093000001", ""))[1] == receipt("csv", IMPORTED)
    assert csv_items(ROW.replace("20251121093000001", "2025-11-21T01:30:00.001Z"))[1] == receipt("csv")


def test_a_status_that_is_none_is_dropped_with_a_warning() -> None:
    for bad in (ROW.replace("800", "released"), ROW.replace("20251121093000001", "noon")):
        items = csv_items(bad)
        assert not any(isinstance(item, Receipt) for item in items)
        assert [item.rejects for item in items if isinstance(item, Problem)] == [False]


def test_rows_of_a_parcel_become_lines() -> None:
    second = ROW.replace(",1,MP-900,", ",2,CC-030,")
    found = csv_items(ROW, second)[0]
    assert isinstance(found, Declaration)
    assert [line.sku for line in found.lines] == ["MP-900", "CC-030"]


def test_a_row_that_contradicts_its_parcel_rejects_that_parcel_only() -> None:
    items = csv_items(ROW, ROW.replace("6.1", "6.2").replace(",1,MP", ",2,MP"), ROW.replace("t17", "t18"))
    (problem,) = rejected(items)
    assert (problem.place, problem.field) == ("row 3", "gross_kg")
    assert [item.key.waybill for item in items if isinstance(item, Declaration)] == ["T18"]


def test_scattered_rows_are_gathered_in_a_second_reading() -> None:
    rows = [ROW, ROW.replace("t17", "t18"), ROW.replace(",1,MP-900,", ",2,MP-900,")]
    with pytest.raises(ScatteredRowsError):
        csv_items(*rows)
    found = {i.key.waybill: len(i.lines) for i in csv_items(*rows, gather=True) if isinstance(i, Declaration)}
    assert found == {"T17": 2, "T18": 1}
    contradicting = [*rows[:2], rows[2].replace("6.1", "6.2")]
    assert [problem.field for problem in rejected(csv_items(*contradicting, gather=True))] == ["gross_kg"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("4101986180", ""), "carrier"),
        (("t17", " "), "waybill"),
        ((",1,MP", ",,MP"), "line_no"),
        ((",1,MP", ",0,MP"), "line_no"),
    ],
)
def test_a_missing_key_rejects_the_parcel(change: tuple[str, str], field: str) -> None:
    assert [problem.field for problem in rejected(csv_items(ROW.replace(*change)))] == [field]


def test_a_line_number_used_twice_rejects_the_parcel() -> None:
    assert [problem.field for problem in rejected(csv_items(ROW, ROW.replace("MP-900", "CC-030")))] == ["line_no"]


def test_unknown_columns_are_named_once() -> None:
    items = csv_items(f"{ROW},x", header=f"{HEADER},buyer")
    assert [str(item) for item in items if isinstance(item, Problem)] == ["line 1: buyer: unknown column, skipped"]


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        ("carrier,line_no", [], "missing waybill"),
        (f"{HEADER},waybill", [], "waybill appears twice"),
        (HEADER, ["a,b"], "row 2: expected 17 cells, was 2"),
        (HEADER, [f'{ROW},"'], "no well-formed CSV|cells"),
        (HEADER, ['"a"b,' + ROW], "no well-formed CSV|cells"),
    ],
)
def test_what_is_no_table_is_refused(header: str, rows: list[str], words: str) -> None:
    with pytest.raises(FileRefusedError, match=words):
        csv_items(*rows, header=header)


def test_a_quantity_out_of_range_is_unusable_and_an_absent_one_only_uncountable() -> None:
    found = next(item for item in csv_items(ROW.replace(",6,122", ",six,122")) if isinstance(item, Declaration))
    assert found.lines[0].flags == (Flag.OUT_OF_RANGE, Flag.UNUSABLE)
    found = next(item for item in csv_items(ROW.replace(",6,122", ",,122")) if isinstance(item, Declaration))
    assert (found.lines[0].qty_e5, found.lines[0].flags) == (-1, ())


def test_an_object_becomes_the_same_list_as_a_row() -> None:
    assert json_items(OBJECT) == [LIST, receipt("json")]


def test_numbers_and_texts_are_the_same_and_unknown_keys_are_skipped() -> None:
    line = {**OBJECT["lines"][0], "qty": 6, "legal_qty": 5.4, "colour": {"deep": [1]}}
    assert json_items({**OBJECT, "net_kg": 5.4, "lines": [line], "buyer": {"name": "x"}}) == [LIST, receipt("json")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schema": "lane-declaration/2"}, "schema"),
        ({"schema": ["x"]}, "schema"),
        ({"waybill": None}, "waybill"),
        ({"carrier": {"a": 1}}, "carrier"),
        ({"carrier": True}, "carrier"),
        ({"order_no": "\ud800"}, "order_no"),
        ({"lines": []}, "lines"),
        ({"lines": "x"}, "lines"),
        ({"lines": [{"line_no": "x"}]}, "line_no"),
    ],
)
def test_a_wrong_object_is_rejected_alone(change: dict[str, Any], field: str) -> None:
    data = "\n".join(json.dumps(value) for value in (OBJECT, {**OBJECT, **change})).encode()
    items = list(read_json(data, imported_at=IMPORTED))
    assert [(problem.place, problem.field) for problem in rejected(items)] == [("line 2", field)]
    assert items[:2] == [LIST, receipt("json")]


@pytest.mark.parametrize("bad", [b'{"a": ', b'{"schema": NaN}', b"[" * 5_000, b"\xff", b"1" * 5_000, b"\n\n"])
def test_what_is_no_json_is_refused(bad: bytes) -> None:
    with pytest.raises(FileRefusedError) as caught:
        list(read_json(bad, imported_at=IMPORTED))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_number_with_a_huge_exponent_does_not_fill_the_memory() -> None:
    data = json.dumps(OBJECT).replace('"5.4"', "1e999999999").encode()
    assert [problem.field for problem in rejected(read_json(data, imported_at=IMPORTED))] != []


def test_a_json_file_may_hold_one_object_or_an_array() -> None:
    for whole in (OBJECT, [OBJECT]):
        data = json.dumps(whole, indent=1).encode()
        assert list(read_json(data, imported_at=IMPORTED, lines=False)) == [LIST, receipt("json")]


POSTAL: dict[str, Any] = {
    "schema": "lane-postal/1", "item_id": "cc473124829cn", "gross_kg": "1.2", "category": "gift", "status": "800",
    "status_at": "20251121093000001", "sender": {"name": "x"},
    "contents": [
        {"line_no": 1, "description": "tea", "quantity": 2, "net_kg": "0.5", "hs_code": "0902", "origin": "CN"},
        {"line_no": 2, "description": "cup", "net_kg": "0.3"},
    ],
}  # fmt: skip


def test_a_postal_item_becomes_a_list_of_its_country() -> None:
    found, status = json_items(POSTAL)
    assert isinstance(found, Declaration)
    assert isinstance(status, Receipt)
    assert (found.key, found.net_mg, found.gross_mg) == (
        ParcelKey(carrier="UPU-CN", waybill="CC473124829CN"),
        800_000,
        1_200_000,
    )
    assert [(line.name, line.qty_e5, line.unit, line.legal_qty_e5, line.legal_unit) for line in found.lines] == [
        ("tea", 200_000, "H87", 50_000, "035"),
        ("cup", -1, "", 30_000, "035"),
    ]
    assert (status.feed, status.code) == ("postal", "800")


def test_a_postal_item_needs_a_valid_number_and_contents() -> None:
    assert [p.field for p in rejected(json_items({**POSTAL, "item_id": "CC473124820CN"}))] == ["item_id"]
    assert [p.field for p in rejected(json_items({**POSTAL, "item_id": "T17"}))] == ["item_id"]
    assert [p.field for p in rejected(json_items({**POSTAL, "contents": []}))] == ["lines"]


@pytest.mark.parametrize(
    ("serial", "check"), [("47312482", 9), ("12345678", 5), ("00000001", 4), ("00000008", 0), ("00000015", 5)]
)
def test_s10_check_digits(serial: str, check: int) -> None:
    for digit in range(10):
        assert s10_country(f"RA{serial}{digit}CN") == ("CN" if digit == check else "")


@settings(derandomize=True, max_examples=150)
@given(st.binary(max_size=200), st.sampled_from(["utf-8", "gb18030"]))
def test_random_bytes_are_refused_or_read_but_never_crash(noise: bytes, encoding: str) -> None:
    for data in (noise, HEADER.encode() + b"\n" + noise, ROW.encode("gb18030") + noise):
        with suppress(FileRefusedError):
            for item in read_csv(data, encoding=encoding, imported_at=IMPORTED, gather=True):
                assert isinstance(item, Declaration | Receipt | Problem)
        with suppress(FileRefusedError):
            for item in read_json(data, imported_at=IMPORTED):
                assert isinstance(item, Declaration | Receipt | Problem)


def test_the_header_of_the_format_is_the_documented_one() -> None:
    assert set(COLUMNS) == set(HEADER.split(","))
