"""Streams keep exact quotas, are the same by seed, and what they declare fits what they hold."""

import csv
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.goods import GOODS, parcel_masses
from sim.streams.declare import write_declarations
from sim.streams.labels import Labels, s10
from sim.streams.make import BAD_STATUSES, StreamSpec, make_stream
from sim.streams.randoms import Keyed, key
from sim.streams.truth import ParcelTruth, Planted


def _pieces(parcel: ParcelTruth) -> Counter[str]:
    return Counter(dict(parcel.contents))


def _declared(parcel: ParcelTruth) -> Counter[str]:
    assert parcel.declared is not None
    return Counter({line.sku: line.pieces for line in parcel.declared.lines})


def test_three_hundred_parcels_have_exactly_the_quotas_of_the_demo() -> None:
    found = Counter(parcel.planted for parcel in make_stream(StreamSpec(seed=7, parcels=300)))
    assert found == {
        Planted.SHORT: 24, Planted.OVER: 24, Planted.SWAPPED: 12, Planted.NO_READ: 9, Planted.NO_DECLARATION: 9,
        Planted.BAD_STATUS: 12, Planted.SOUND: 210,
    }  # fmt: skip


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_quotas_are_exact_and_disjoint_for_any_seed(seed: int, parcels: int, a: int, b: int, c: int) -> None:
    spec = StreamSpec(
        seed=seed, parcels=parcels, short_permille=a, over_permille=b, swapped_permille=0, no_read_permille=c,
        no_declaration_permille=0, bad_status_permille=0,
    )  # fmt: skip
    found = Counter(parcel.planted for parcel in make_stream(spec))
    assert all(found[kind] == count for kind, count in spec.quotas().items())
    assert found.total() == parcels


def test_what_is_planted_is_what_differs_between_contents_and_declaration() -> None:
    for parcel in make_stream(StreamSpec(seed=3, parcels=400)):
        if parcel.planted is Planted.NO_DECLARATION:
            assert parcel.declared is None
            continue
        missing, surplus = _declared(parcel) - _pieces(parcel), _pieces(parcel) - _declared(parcel)
        expected = {Planted.SHORT: (1, 0), Planted.OVER: (0, 1), Planted.SWAPPED: (1, 1)}.get(parcel.planted, (0, 0))
        assert (missing.total(), surplus.total()) == expected
        assert parcel.contents, "an empty carton is no parcel"
        if parcel.planted is Planted.OVER:
            assert set(surplus) <= set(_declared(parcel))
        if parcel.planted is Planted.SWAPPED:
            assert not set(surplus) & set(_declared(parcel))
        assert parcel.declared is not None
        assert (parcel.declared.status_code != "800") == (parcel.planted is Planted.BAD_STATUS)
        assert parcel.readable == (parcel.planted is not Planted.NO_READ)


def test_every_bad_status_occurs_and_every_waybill_is_its_own() -> None:
    stream = make_stream(StreamSpec(seed=5, parcels=300))
    bad = [p.declared.status_code for p in stream if p.planted is Planted.BAD_STATUS and p.declared]
    assert set(bad) == set(BAD_STATUSES)
    assert len({parcel.label for parcel in stream}) == 300


def test_masses_sizes_and_gross_weights_are_those_of_real_parcels() -> None:
    stream = make_stream(StreamSpec(seed=11, parcels=500))
    for parcel in stream:
        assert parcel.weight_mg == parcel_masses(parcel.contents, parcel.carton_mm, parcel.seed).gross_mg
        assert 120 <= parcel.carton_mm[0] <= 800
        assert all(GOODS[sku].unit_mg > 0 for sku, _ in parcel.contents)
    sound = [p for p in stream if p.planted is Planted.SOUND and p.declared]
    off = [p for p in sound if p.declared and abs(p.weight_mg - p.declared.gross_mg) > max(50_000, p.weight_mg // 33)]
    assert len(off) <= len(sound) // 33, "the gross check must pass nearly all sound parcels"
    units = {line.unit for p in stream if p.declared for line in p.declared.lines}
    assert {"122", "142", "140", "025", "035"} <= units


def test_the_mean_number_of_pieces_and_the_rate_are_as_ordered() -> None:
    stream = make_stream(StreamSpec(seed=2, parcels=3_000))
    pieces = sum(_pieces(parcel).total() for parcel in stream) / len(stream)
    assert 1.9 < pieces < 2.1
    headway_s = stream[-1].arrival_us / 1e6 / len(stream)
    assert 2.9 < headway_s < 3.1
    assert all(one.arrival_us < other.arrival_us for one, other in pairwise(stream))


def test_the_same_seed_gives_the_same_parcels_and_another_seed_others() -> None:
    spec = StreamSpec(seed=9, parcels=50)
    assert make_stream(spec) == make_stream(spec)
    assert make_stream(spec) != make_stream(StreamSpec(seed=10, parcels=50))


def test_keyed_streams_are_pinned() -> None:
    """Golden values: a change here changes every stream of every user."""
    assert key("a", 1) == 9_484_037_261_928_657_086
    source = Keyed(7, "pinned")
    assert [source.below(1_000) for _ in range(5)] == [96, 431, 988, 773, 553]
    assert [source.exponential(1_000_000) for _ in range(3)] == [197_205, 1_047_425, 4_005_081]


def test_exponential_numbers_have_the_mean_and_spread_of_the_law() -> None:
    source = Keyed(1, "exponential")
    drawn = [source.exponential(1_000_000) for _ in range(20_000)]
    mean = sum(drawn) / len(drawn)
    variance = sum((one - mean) ** 2 for one in drawn) / len(drawn)
    assert 0.97e6 < mean < 1.03e6
    assert 0.94e12 < variance < 1.06e12
    assert abs(sum(one > 2_000_000 for one in drawn) / len(drawn) - 0.1353) < 0.01


@pytest.mark.parametrize(("serial", "check"), [(47312482, 9), (12345678, 5), (1, 4), (8, 0), (15, 5)])
def test_s10_check_digits_are_those_of_the_standard(serial: int, check: int) -> None:
    assert s10("EA", serial, "CN") == f"EA{serial:08d}{check}CN"


def test_a_stream_uses_several_label_formats() -> None:
    labels = Labels(1)
    kinds = {carrier for carrier, _ in (labels.next(number) for number in range(200))}
    assert len(kinds) == 4


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("parcels", 0, "parcels"),
        ("short_permille", -1, "short_permille expected 0 or more, was -1"),
        ("short_permille", 990, "at most 1000 permille"),
        ("pieces_mean_permille", 900, "at least 1000"),
    ],
)
def test_an_impossible_stream_is_refused_by_name(field: str, value: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        replace(StreamSpec(seed=1, parcels=100), **{field: value})  # type: ignore[arg-type]  # all are integers


def test_declared_lists_are_written_as_official_messages_and_csv(tmp_path: Path) -> None:
    stream = make_stream(StreamSpec(seed=7, parcels=120))
    files = write_declarations(stream, tmp_path / "declared")
    declared = {parcel.declared.waybill: parcel.declared for parcel in stream if parcel.declared}
    waybills: list[str] = []
    receipts = 0
    for path in files:
        if path.suffix == ".xml":
            root = ET.parse(path).getroot()
            waybills += [str(element.text) for element in root.iter() if element.tag.endswith("}logisticsNo")]
            receipts += sum(element.tag.endswith("}InventoryReturn") for element in root.iter())
    with (tmp_path / "declared" / "declared.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    in_csv = {row["waybill"] for row in rows}
    assert sorted([*waybills, *in_csv]) == sorted(declared)
    assert receipts == 2 * sum(bool(declared[w].status_code) for w in declared if w not in in_csv)
    assert 10 < len(in_csv) < 40
    assert all(row["unit"] != "035" for row in rows), "CSV has no column for a second quantity"
