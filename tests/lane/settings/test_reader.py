"""Typed reading of TOML: what a person is told about a wrong file."""

from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.settings.reader import SettingsError, TomlFile, line_numbers


class Colour(StrEnum):
    """Words for the tests."""

    RED = "red"
    GREEN = "green"


def load(tmp_path: Path, text: str) -> TomlFile:
    """A TOML file with this text."""
    path = tmp_path / "x.toml"
    path.write_text(text, encoding="utf-8")
    return TomlFile.load(path)


def test_unknown_key_is_named_with_file_line_and_the_nearest_known_key(tmp_path: Path) -> None:
    file = load(tmp_path, "[a]\nspeed_mm_s = 5\nspeed_mms = 6\n")
    root = file.root()
    table = root.table("a")
    assert table.scaled("speed_mm_s", 0, 10) == 5
    table.close()
    root.close()
    with pytest.raises(SettingsError) as caught:
        file.finish()
    assert caught.value.problems == (f"{tmp_path}/x.toml:3: a.speed_mms: unknown key, did you mean 'speed_mm_s'?",)


def test_all_problems_are_told_at_once_in_file_order_of_reading(tmp_path: Path) -> None:
    file = load(tmp_path, 'n = 11\nw = "rot"\nb = 1\nt = "x!"\n')
    root = file.root()
    root.scaled("n", 0, 10)
    root.word("w", Colour)
    root.boolean("b")
    root.text("t", pattern="[a-z]+", hint="letters")
    root.scaled("gone", 1, 2)
    with pytest.raises(SettingsError) as caught:
        file.finish()
    assert [problem.split(": ", 1)[1] for problem in caught.value.problems] == [
        "n: expected 0..10, was 11",
        "w: expected red | green, was 'rot'",
        "b: expected true or false, was 1",
        "t: expected letters, was 'x!'",
        "gone: missing, expected 1..2",
    ]


def test_items_of_table_arrays_have_lines_of_their_own() -> None:
    lines = line_numbers("[[d]]\nk = 1\n\n[[d]]\nk = 2\n[e.f]\ng = 3\n")
    assert lines == {"d[0]": 1, "d[0].k": 2, "d[1]": 4, "d[1].k": 5, "e.f": 6, "e.f.g": 7}


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(0, 5_000_000))
def test_a_number_in_millimetres_becomes_exactly_its_micrometres(micrometres: int) -> None:
    file = TomlFile(Path("x"), {"a_mm": Decimal(micrometres) / 1000}, {})
    assert file.root().millimetres("a_mm", 0, 5_000) == micrometres
    assert file.problems == []


@pytest.mark.parametrize("value", [True, "abc", Decimal("NaN"), Decimal("0.0005"), [1], -1])
def test_no_odd_value_becomes_a_number(value: object) -> None:
    file = TomlFile(Path("x"), {"a_mm": value}, {})
    file.root().millimetres("a_mm", 0, 10)
    assert len(file.problems) == 1


@pytest.mark.parametrize(("content", "expected"), [(b"a = \xff", "expected UTF-8"), (b"a = [", "not valid TOML")])
def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=expected) as caught:
        TomlFile.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = " + "[" * 100_000, r"x\.toml: not valid TOML: .*recursion"),
        ("a = " + "[" * 40 + "]" * 40, "expected tables and lists at most 32 deep"),
        (".".join("a" * 40) + " = 1", "expected tables and lists at most 32 deep"),
        ("a = " + "9" * 5_000, r"x\.toml: not valid TOML: .*digits"),
    ],
)
def test_values_nested_or_long_beyond_reading_are_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(SettingsError, match=told):
        TomlFile.load(tmp_path / "x.toml")


@pytest.mark.parametrize(("place", "what"), [("/dev/zero", "a device or a pipe"), ("/", "a folder")])
def test_what_is_no_file_is_not_read(place: str, what: str) -> None:
    with pytest.raises(SettingsError, match=f"expected a file, can't be read: it is {what}"):
        TomlFile.load(Path(place))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: can't be read"):
        TomlFile.load(tmp_path / "nowhere.toml")


def test_problems_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    file = load(tmp_path, "a = 11\nb = 12\nc = 13\n")
    root = file.root()
    for key in ("c", "gone", "a", "b"):
        root.scaled(key, 0, 10)
    root.take_over(["other.toml:1: x: wrong"])
    with pytest.raises(SettingsError) as caught:
        file.finish()
    assert [problem.split(": ")[1] for problem in caught.value.problems] == ["a", "b", "c", "gone", "x"]


def test_a_count_in_quotes_is_no_number_where_text_is_not_asked_for(tmp_path: Path) -> None:
    file = load(tmp_path, 'places = "400"\nshare = "0.5"\n')
    root = file.root()
    root.scaled("places", 1, 1_000)
    assert root.scaled("share", 0, 1, 1_000, quoted=True) == 500
    assert file.problems == [f"{tmp_path}/x.toml:1: places: expected 1..1000 without quotes, was '400'"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = 1\n\na = 2\n", "3: not valid TOML: a: this key stands here twice, expected once"),
        ("[a]\nx = 1\n[a]\n", "3: not valid TOML: Cannot declare ('a',) twice (column 3)"),
        ("a = 1\nb\n", "2: not valid TOML: Expected '=' after a key in a key/value pair (column 2)"),
        ("a = 1\nb = [", "2: not valid TOML: Invalid value (end of file)"),
    ],
)
def test_a_fault_of_the_notation_is_told_with_file_and_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert caught.value.problems == (f"{tmp_path}/x.toml:{told}",)


def test_values_are_shown_as_they_were_written(tmp_path: Path) -> None:
    file = load(tmp_path, "rate = 0.055\nlist = [0.5, true]\n")
    root = file.root()
    root.text("rate", hint="text")
    root.text("list", hint="text")
    assert [problem.partition(": ")[2] for problem in file.problems] == [
        "rate: expected text, was 0.055",
        "list: expected text, was [0.5, true]",
    ]
