"""Labels: check digits, formats of carriers, and what a closed identity says."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.identify import (
    TEXTS_MAX,
    Reads,
    Verdict,
    add_text,
    check_patterns,
    close,
    confirms,
    fits,
    gs1_valid,
    gtin_valid,
    label_code,
    s10_valid,
    sscc_valid,
    valid,
)
from lane.model.config import CarrierPattern
from lane.model.grounds import Ground


def pattern(
    name: str, check: str = "none", alphabet: str = "alnum", prefix: str = "", length: int = 13
) -> CarrierPattern:
    return CarrierPattern(
        name=name, prefix=prefix, length_min=length, length_max=length, alphabet=alphabet, check=check
    )


S10 = pattern("post", "s10")
SSCC = pattern("sscc", "sscc", "digits", length=18)
GTIN = pattern("gtin", "gtin", "digits", length=13)
EXPRESS = pattern("express", prefix="SF", length=12)
ALL = (S10, SSCC, GTIN, EXPRESS)


@pytest.mark.parametrize(
    ("serial", "digit"),
    [("47312482", "9"), ("12345678", "5"), ("00000001", "4"), ("00000008", "0"), ("00000015", "5")],
)
def test_s10_check_digits_of_the_standard(serial: str, digit: str) -> None:
    assert s10_valid(f"RB{serial}{digit}CN")
    assert not any(s10_valid(f"RB{serial}{other}CN") for other in "0123456789" if other != digit)


def test_gs1_check_digits_of_the_standard() -> None:
    assert sscc_valid("106141412345678908")
    assert sscc_valid("00106141412345678908")
    assert gtin_valid("4006381333931")
    assert gtin_valid("96385074")
    assert not gtin_valid("400638133393")
    assert not gs1_valid("7")
    assert not gs1_valid("12A4")


@pytest.mark.parametrize("code", ["RB473124829C", "R1473124829CN", "RB47312482XCN", "RB473124829C1", ""])
def test_s10_refuses_a_wrong_shape(code: str) -> None:
    assert not s10_valid(code)


def s10(serial: str) -> str:
    return next(f"RB{serial}{digit}CN" for digit in "0123456789" if s10_valid(f"RB{serial}{digit}CN"))


def sscc(body: str) -> str:
    return next(body + digit for digit in "0123456789" if sscc_valid(body + digit))


def other(chance: random.Random, char: str) -> str:
    return chance.choice([digit for digit in "0123456789" if digit != char])


def corrupted(chance: random.Random) -> str:
    """A label with one fault: wrong digit, lost or doubled character, letter among digits."""
    post = chance.random() < 0.5
    code = s10(f"{chance.randrange(10**8):08d}") if post else sscc(f"{chance.randrange(10**17):017d}")
    fault = chance.randrange(4)
    place = 10 if post and fault == 0 else chance.randrange(2, 11)
    if fault == 0:
        return code[:place] + other(chance, code[place]) + code[place + 1 :]
    if fault == 1:
        return code[:place] + code[place + 1 :]
    if fault == 2:
        return code[:place] + code[place] + code[place:]
    return code[:place] + "O" + code[place + 1 :]


def test_of_ten_thousand_corrupted_labels_none_is_accepted() -> None:
    chance = random.Random(11)
    assert sum(close(Reads(texts=[corrupted(chance)]), (S10, SSCC)).code != "" for _ in range(10_000)) == 0


def test_s10_lets_through_only_the_serial_errors_that_its_own_rule_can_not_see() -> None:
    """Rest 11 becomes 5: a serial whose rest moves from 5 to 11 keeps its check digit. No reader can tell these."""
    chance = random.Random(12)
    accepted = 0
    for _ in range(2_000):
        code, place = s10(f"{chance.randrange(10**8):08d}"), chance.randrange(2, 10)
        wrong = code[:place] + other(chance, code[place]) + code[place + 1 :]
        if close(Reads(texts=[wrong]), (S10,)).code:
            accepted += 1
            assert code[10] in "05"
    assert 0 < accepted < 60


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_valid_code_or_none_never_an_error(text: str) -> None:
    code = label_code(text)
    assert close(Reads(texts=[code] if code else []), ALL).code in ("", code)
    assert code == label_code(code)


def test_label_is_cut_and_upper_cased_but_never_repaired() -> None:
    assert label_code("  sf1234567890\r") == "SF1234567890"
    assert label_code("运单1") == ""


def test_no_text_is_a_no_read() -> None:
    assert close(Reads(), ALL) == Verdict(code="", grounds=(Ground.NO_READ,))


def test_a_text_that_fits_no_carrier_is_invalid() -> None:
    assert close(Reads(texts=["HELLO"]), ALL) == Verdict(code="", grounds=(Ground.CODE_INVALID,))
    assert close(Reads(texts=["SF1234567890"]), ()).grounds == (Ground.CODE_INVALID,)


def test_two_texts_are_two_codes_even_if_one_is_invalid() -> None:
    reads = Reads()
    add_text(reads, "SF1234567890")
    add_text(reads, "SF1234567890")
    assert close(reads, ALL) == Verdict(code="SF1234567890", grounds=())
    add_text(reads, "HELLO")
    assert close(reads, ALL) == Verdict(code="", grounds=(Ground.TWO_CODES,))


def test_reader_that_says_multiple_is_believed() -> None:
    assert close(Reads(texts=["SF1234567890"], multiple=True), ALL).grounds == (Ground.TWO_CODES,)


def test_texts_kept_per_parcel_are_bounded() -> None:
    reads = Reads()
    for number in range(50):
        add_text(reads, str(number))
    assert len(reads.texts) == TEXTS_MAX


def test_third_induction_of_a_waybill_is_a_ground() -> None:
    assert close(Reads(texts=["SF1234567890"], inductions=1), ALL).grounds == ()
    assert close(Reads(texts=["SF1234567890"], inductions=2), ALL).grounds == (Ground.REPEAT_INDUCTION,)


def test_format_needs_prefix_length_and_alphabet() -> None:
    assert fits("SF1234567890", EXPRESS)
    assert not fits("SF123456789", EXPRESS)
    assert not fits("XF1234567890", EXPRESS)
    assert not fits("SF12345678-0", EXPRESS)
    assert not fits("A06381333931B", GTIN)
    assert not valid("", ALL)


def test_second_look_disagrees_only_with_another_valid_code() -> None:
    assert confirms("SF1234567890", "SF1234567890", ALL)
    assert confirms("HELLO", "SF1234567890", ALL)
    assert confirms("", "SF1234567890", ALL)
    assert not confirms("SF1234567891", "SF1234567890", ALL)


def test_pattern_with_an_unknown_rule_or_alphabet_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"carrier odd: check: expected .* 'luhn'"):
        check_patterns([pattern("odd", "luhn")])
    with pytest.raises(ValueError, match="carrier odd: alphabet"):
        check_patterns([pattern("odd", alphabet="greek")])
