"""Keys, decimals and times: one form each, exact, and nothing guessed."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.declarations.keys import (
    ABSENT,
    BAD,
    SCALED_MAX,
    kg_to_mg,
    normal_key,
    qty_e5,
    scaled,
    time_digits,
    unscaled,
    wall_digits_of,
)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("t20251121000017", "T20251121000017"),
        ("  SF1234567890123\t\r\n", "SF1234567890123"),
        ("\ufeffSF1\u3000", "SF1"),
        ("ｔ１２３", "T123"),
        ("AB 12-3", "AB 12-3"),
        ("straße", "STRAßE"),
        ("", ""),
        ("   ", ""),
        ("x" * 60, "X" * 60),
        ("x" * 61, ""),
    ],
)
def test_a_key_has_one_form(text: str, key: str) -> None:
    assert normal_key(text) == key


@settings(derandomize=True, max_examples=300)
@given(st.text(max_size=70))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normal_key(text)
    assert normal_key(once) == once
    assert len(once) <= 60


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6", 600_000),
        ("5.40000", 540_000),
        ("0.00001", 1),
        ("0.0000100", 1),
        ("+3", 300_000),
        (".5", 50_000),
        ("7.", 700_000),
        ("0", 0),
        ("1000000000", SCALED_MAX),
        ("", ABSENT),
        ("1000000000.00001", BAD),
        ("0.000001", BAD),
        ("-1", BAD),
        ("1e3", BAD),
        ("1,000", BAD),
        (".", BAD),
        ("+", BAD),
        ("++1", BAD),
        ("nan", BAD),
        ("１２", BAD),
        ("1 2", BAD),
        ("9" * 40, BAD),
    ],
)
def test_a_quantity_is_kept_exactly_or_counts_as_bad(text: str, value: int) -> None:
    assert qty_e5(text) == value


@settings(derandomize=True, max_examples=300)
@given(st.decimals(min_value=0, max_value=10**8, places=5, allow_nan=False))
def test_scaling_a_decimal_is_exact_and_reversible(number: Decimal) -> None:
    text = format(number, "f")
    value = scaled(text, 5)
    assert Decimal(value).scaleb(-5) == number
    assert scaled(unscaled(value, 5), 5) == value


def test_kilograms_become_milligrams() -> None:
    assert kg_to_mg("5.4") == 5_400_000
    assert kg_to_mg("0.000001") == 1


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("20251121093000001", "20251121093000001"),
        ("20251121093000", "20251121093000000"),
        ("2025-11-21T01:30:00Z", "20251121093000000"),
        ("2025-11-21T09:30:00.250+08:00", "20251121093000250"),
        ("2025-11-21T09:30:00", ""),
        ("2025-13-21T09:30:00Z", ""),
        ("20251321093000001", ""),
        ("2025112109300000", ""),
        ("", ""),
        ("yesterday", ""),
    ],
)
def test_times_become_seventeen_digits(text: str, digits: str) -> None:
    assert time_digits(text) == digits


def test_wall_time_is_written_in_the_zone_of_receipts() -> None:
    assert wall_digits_of(0) == "19700101080000000"
