"""Stream files: what is made, written and read again runs to the identical journal; bad files are refused by place."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from sim.scenario import load_scenario
from sim.streams.files import read_parcels, write_parcels
from sim.streams.lines import LINE_CHARS_MAX
from sim.streams.rows import COLUMNS, stream_schema
from sim.streams.truth import ParcelTruth, Planted

ROOT = Path(__file__).resolve().parents[3]
DAY = ROOT / "config" / "scenarios" / "day.toml"
ROW = '{"t_us":5,"barcode":"YT1","l_mm":300,"w_mm":200,"h_mm":100,"g":812.5}'


def _stream(parcels: int, **keys: object) -> list[ParcelTruth]:
    plan = load_scenario(DAY, {f"stream.{name.replace('__', '.')}": value for name, value in keys.items()})
    return list(plan.parcels(parcels, 3))


@pytest.mark.parametrize("name", ["stream.csv", "stream.jsonl"])
@pytest.mark.parametrize("source", ["catalogue", "fitted"])
def test_a_written_stream_is_read_back_as_it_was(name: str, source: str, tmp_path: Path) -> None:
    made = _stream(300, goods__source=source)
    assert write_parcels(tmp_path / name, made) == 300
    assert list(read_parcels(tmp_path / name)) == made
    assert {parcel.planted for parcel in made} == set(Planted)


def test_a_replayed_stream_runs_to_the_identical_journal(tmp_path: Path) -> None:
    from sim.twin import run_core_twin

    keys = {"stream.arrivals.model": "waves", "stream.arrivals.batches_per_hour": 40}
    plan = load_scenario(DAY, keys)
    made = list(plan.parcels(40, 5))
    write_parcels(tmp_path / "day.csv", made)
    again = load_scenario(DAY, {"stream.arrivals.model": "trace", "stream.arrivals.file": str(tmp_path / "day.csv")})
    hashes = [
        run_core_twin(one.config, one.parcels(40, 5), 5, settings=one.settings).figures["journal_sha256"]
        for one in (plan, again)
    ]
    assert hashes[0] == hashes[1]


def _trace(tmp_path: Path, made: list[ParcelTruth], parcels: int = 1_000, **keys: object) -> list[ParcelTruth]:
    write_parcels(tmp_path / "trace.jsonl", made)
    given = {f"arrivals__{name}": value for name, value in keys.items()}
    return _stream(parcels, arrivals__model="trace", arrivals__file=str(tmp_path / "trace.jsonl"), **given)


def test_a_trace_gives_a_window_at_another_speed(tmp_path: Path) -> None:
    made = _stream(200)
    found = _trace(tmp_path, made, from_s=60, until_s=180, speed=2)
    inside = [parcel for parcel in made if 60e6 <= parcel.arrival_us < 180e6]
    assert [parcel.label for parcel in found] == [parcel.label for parcel in inside]
    assert [parcel.arrival_us for parcel in found] == [(parcel.arrival_us - 60_000_000) // 2 for parcel in inside]
    assert [parcel.number for parcel in found] == list(range(1, len(inside) + 1))
    assert len(_trace(tmp_path, made, parcels=7)) == 7


def test_a_multiplied_trace_has_so_many_parcels_with_labels_and_lists_of_their_own(tmp_path: Path) -> None:
    made = _stream(200)
    found = _trace(tmp_path, made, multiplier=2.5)
    assert len(found) == 500
    assert len({parcel.label for parcel in found}) == 500
    lists = [parcel.declared.list_no for parcel in found if parcel.declared]
    assert len(set(lists)) == len(lists)
    assert all(one.arrival_us <= other.arrival_us for one, other in pairwise(found))
    assert found[-1].arrival_us == made[-1].arrival_us
    assert {parcel.weight_mg for parcel in found} == {parcel.weight_mg for parcel in made}
    assert len(_trace(tmp_path, made, multiplier=0.25)) == 50
    assert len(_trace(tmp_path, made, peak={"multiplier": 1.5})) == 300


def test_a_customers_file_needs_six_columns_only(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "t_us,barcode,l_mm,w_mm,h_mm,g,declared_lines\n"
        '0,YT1,300,200,100,812.5,"[{""sku"":""A"",""qty"":2,""unit"":""007"",""unit_g"":300}]"\n'
        "2000000,,400,200,100,100,\n",
        encoding="utf-8",
    )
    first, second = read_parcels(path)
    assert (first.planted, first.label, first.contents, first.weight_mg) == (
        Planted.SOUND, "YT1", (("A", 2),), 812_500,
    )  # fmt: skip
    assert first.declared is not None
    assert (first.declared.waybill, first.declared.net_mg, first.declared.gross_mg) == ("YT1", 600_000, 812_500)
    assert (second.planted, second.readable, second.arrival_us) == (Planted.NO_DECLARATION, False, 2_000_000)


@pytest.mark.parametrize(
    ("declared", "true", "planted"),
    [
        ([("A", 2)], [("A", 1)], Planted.SHORT),
        ([("A", 2)], [("A", 3)], Planted.OVER),
        ([("A", 2)], [("A", 1), ("B", 1)], Planted.SWAPPED),
        ([("A", 1), ("A", 1)], [("A", 2)], Planted.SOUND),
    ],
)
def test_what_is_wrong_follows_from_contents_and_list(
    declared: list[tuple[str, int]], true: list[tuple[str, int]], planted: Planted, tmp_path: Path
) -> None:
    row = json.loads(ROW) | {
        "declared_lines": [{"sku": sku, "qty": qty, "unit": "007"} for sku, qty in declared],
        "true_items": [{"sku": sku, "pieces": pieces} for sku, pieces in true],
    }
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert [parcel.planted for parcel in read_parcels(path)] == [planted]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "t_us,barcode,buyer_name,l_mm,w_mm,h_mm,g\n", r"a.csv:1: unknown column buyer_name: .*known columns"),
        ("a.csv", "t_us,barcode,l_mm\n", r"a.csv:1: expected each of the columns .* missing: w_mm, h_mm, g"),
        ("a.csv", "t_us,barcode,l_mm,w_mm,h_mm,g\n1,A,1,1,1\n", r"a.csv:2: expected 6 columns, was 5"),
        ("a.csv", "t_us,barcode,l_mm,w_mm,h_mm,g\n0,A,9,9,9,1\nx,A,1,1,1,1\n", r"a.csv:3: t_us: Expected `int`"),
        ("a.csv", "t_us,barcode,l_mm,w_mm,h_mm,g\n0,A,0,9,9,1\n", r"a.csv:2: l_mm: Expected `int` >= 1"),
        ("a.csv", "t_us,barcode,l_mm,w_mm,h_mm,g\n0,A,1,9,9,0.0001\n", r"a.csv:2: g: expected .* steps of 1/1000"),
        ("a.csv", "t_us,barcode,l_mm,w_mm,h_mm,g\n0,A,1,9,9,9e999999\n", r"a.csv:2: g: expected 0\.\.10\^9 .*"),
        ("a.csv", "t_us,barcode,l_mm,w_mm,h_mm,g\n0,A,1,9,9,sNaN\n", r"a.csv:2: g: expected .* was sNaN"),
        ("a.jsonl", ROW[:-1] + ',"buyer":"x"}\n', r"a.jsonl:1: Object contains unknown field `buyer`; a stream holds"),
        ("a.jsonl", ROW + "\n" + ROW.replace(":5,", ":4,") + "\n", r"a.jsonl:2: t_us: expected .* not before .* \(5\)"),
        ("a.jsonl", "\n{\n", r"a.jsonl:2: .*truncated"),
        ("a.jsonl", '{"t_us":1}\n', r"a.jsonl:1: Object missing required field"),
        ("a.jsonl", ROW[:-1] + ',"declared":{"waybill":"Y"}}\n', r"a.jsonl:1: declared_lines: expected at least one"),
        ("a.xlsx", "", r"a.xlsx: expected a name that ends in .csv, .jsonl"),
    ],
)
def test_a_bad_file_is_refused_by_file_line_and_column(name: str, text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=expected):
        list(read_parcels(path))


def test_a_file_is_read_parcel_by_parcel_and_no_line_may_grow_without_bound(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_text(ROW + "\n" + '{"barcode":"' + "x" * LINE_CHARS_MAX + '"}\n', encoding="utf-8")
    parcels: Iterator[ParcelTruth] = read_parcels(path)
    assert next(parcels).label == "YT1"
    with pytest.raises(ValueError, match=r"long.jsonl:2: expected lines of at most"):
        next(parcels)
    with pytest.raises(ValueError, match="can't be read"):
        list(read_parcels(tmp_path / "nowhere.csv"))


def test_the_published_schema_is_that_of_the_reader() -> None:
    published = json.loads((ROOT / "config" / "streams" / "parcel.schema.json").read_text(encoding="utf-8"))
    assert published == stream_schema()
    row = published["$defs"]["ParcelRow"]
    assert tuple(row["properties"]) == COLUMNS
    assert row["additionalProperties"] is False
