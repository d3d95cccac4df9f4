"""LaneDraw v1 against the published vectors (checked by second implementations in JavaScript and OpenSSL)."""

import json
from fractions import Fraction
from hashlib import sha256
from hmac import digest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane import draw
from lane.model.words import Design

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "draw-vectors.json").read_text())
SITE, LANE = "HZ01", "L3"


def key_of(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name]["key_hex"])


def fraction(text: str) -> tuple[int, int]:
    value = Fraction(text)
    return value.numerator, value.denominator


@pytest.mark.parametrize("row", VECTORS["lp"])
def test_length_prefix_matches_its_vectors(row: dict[str, Any]) -> None:
    assert draw.lp(*row["parts"]).hex() == row["hex"]


@pytest.mark.parametrize("row", VECTORS["hmac_sha256"])
def test_hmac_is_that_of_rfc_4231(row: dict[str, Any]) -> None:
    assert (
        digest(bytes.fromhex(row["key_hex"]), bytes.fromhex(row["data_hex"]), "sha256").hex()
        == (row["hmac_sha256_hex"])
    )


@pytest.mark.parametrize("name", ["epoch_a", "epoch_b"])
def test_commitment_and_key_match_their_vectors(name: str) -> None:
    row = VECTORS[name]
    secret, salt, nonce = (bytes.fromhex(row[field]) for field in ("secret_hex", "salt_hex", "nonce_hex"))
    committed = draw.commitment(row["site"], row["lane"], row["epoch"], salt, secret)
    assert committed.hex() == row["commit_hex"]
    assert draw.epoch_key(secret, committed, nonce).hex() == row["key_hex"]


@pytest.mark.parametrize("row", VECTORS["draws"])
def test_draw_and_selection_match_their_vectors(row: dict[str, Any]) -> None:
    epoch = VECTORS["epoch_a"]["epoch"]
    d = draw.draw_hash(key_of("epoch_a"), SITE, LANE, epoch, int(row["seq"]), row["parcel_key"].encode())
    assert d.hex() == row["d_hex"]
    assert {p: draw.is_selected(d, *fraction(p)) for p in row["selected"]} == row["selected"]


@pytest.mark.parametrize("row", VECTORS["draws_raw_keys"])
def test_any_bytes_can_be_drawn(row: dict[str, Any]) -> None:
    raw = bytes.fromhex(row.get("parcel_key_hex") or row["parcel_key_hex_unit"]) * row.get("repeat", 1)
    d = draw.draw_hash(key_of("epoch_a"), SITE, LANE, VECTORS["epoch_a"]["epoch"], int(row["seq"]), raw)
    assert d.hex() == row["d_hex"]


@pytest.mark.parametrize("row", VECTORS["thresholds"])
def test_the_threshold_of_each_probability_is_exact(row: dict[str, str]) -> None:
    p = fraction(row["p"])
    assert draw.is_selected(bytes.fromhex(row["largest_selected_hex"]), *p)
    assert not draw.is_selected(bytes.fromhex(row["smallest_not_selected_hex"]), *p)


@pytest.mark.parametrize("row", VECTORS["threshold_ends"])
def test_the_ends_of_the_hash_space_are_exact(row: dict[str, Any]) -> None:
    num, den = (int(part) for part in row["p"].split("/"))
    assert draw.is_selected(bytes.fromhex(row["d_hex"]), num, den) is row["selected"]


@pytest.mark.parametrize("row", VECTORS["rates_accepted"])
def test_rate_texts_are_reduced(row: dict[str, Any]) -> None:
    assert draw.parse_rate(row["text"]) == draw.Rate(row["num"], row["den"])


@pytest.mark.parametrize("text", VECTORS["rates_rejected"])
def test_other_rate_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rate: "):
        draw.parse_rate(text)


@pytest.mark.parametrize(("text", "fits"), [("1/1000", True), ("1/2", True), ("1/1001", False), ("0.51", False)])
def test_a_live_lane_takes_rates_between_one_in_a_thousand_and_a_half(text: str, fits: bool) -> None:
    rate = draw.parse_rate(text)
    if fits:
        assert draw.check_live_rate(rate) is rate
    else:
        with pytest.raises(ValueError, match="live lane"):
            draw.check_live_rate(rate)


@pytest.mark.parametrize("row", VECTORS["p_rate_held"])
def test_held_probability_matches_its_vectors(row: dict[str, Any]) -> None:
    p = draw.probability(draw.parse_rate(row["rate"]), Design.RATE_HELD, row["n"], row["selected"])
    assert p == (row["p_num"], row["p_den"])


def run(
    epoch_name: str, rate_text: str, design: Design, first: int, last: int, n: int = 0, selected: int = 0
) -> tuple[list[list[Any]], dict[int, tuple[int, str]]]:
    """Rows and, after each seq, (selected so far, SHA-256 of the transcript)."""
    rate, key, epoch = draw.parse_rate(rate_text), key_of(epoch_name), VECTORS[epoch_name]["epoch"]
    rows: list[list[Any]] = []
    marks: dict[int, tuple[int, str]] = {}
    transcript = sha256()
    for seq in range(first, last + 1):
        p = draw.probability(rate, design, n, selected)
        d = draw.draw_hash(key, SITE, LANE, epoch, seq, b"P%012d" % seq)
        drawn = draw.is_selected(d, *p)
        transcript.update(f"{seq} {n} {selected} {p[0]}/{p[1]} {d.hex()} {drawn:d}\n".encode())
        rows.append([seq, n, selected, *p, d.hex(), drawn])
        n, selected = n + 1, selected + drawn
        if seq in (100, 1000, 4096, 10000, last):
            marks[seq] = (selected, transcript.hexdigest())
    return rows, marks


@pytest.mark.parametrize("name", ["rate_held_run", "independent_run"])
def test_runs_of_ten_thousand_match_their_transcripts(name: str) -> None:
    vector = VECTORS[name]
    rows, marks = run(vector["epoch"], vector["rate"], Design(name.removesuffix("_run")), 1, 10_000)
    expected = {int(after): value for after, value in vector["after"].items() if int(after) <= 10_000}
    assert {after: (value["selected"], value["transcript_sha256"]) for after, value in expected.items()} == marks
    assert [row[0] for row in rows[:200] if row[-1]] == vector["selected_seq_up_to_200"]
    for given_row in vector.get("rows", []):
        assert rows[given_row[0] - 1] == given_row


def test_counters_are_carried_over_an_epoch_change() -> None:
    vector = VECTORS["two_epoch_run"]
    for part in vector["parts"]:
        rows, marks = run(
            part["epoch"],
            vector["rate"],
            Design(vector["design"]),
            part["seq_from"],
            part["seq_to"],
            part["n_at_start"],
            part["selected_at_start"],
        )
        assert [row[0] for row in rows if row[-1]] == part["selected_seq"]
        assert marks[part["seq_to"]][1] == part["transcript_sha256"]


@pytest.mark.parametrize("row", VECTORS["officer_bench"]["vectors"])
def test_officer_and_bench_draws_match_their_vectors(row: dict[str, Any]) -> None:
    choice = draw.choose(
        row["kind"], key_of("epoch_a"), SITE, LANE, VECTORS["epoch_a"]["epoch"], row["seq"], row["roster"]
    )
    assert (choice.roster_hash.hex(), choice.tries, choice.value.hex(), choice.index, choice.chosen) == (
        row["roster_hash_hex"],
        row["t"],
        row["v_hex"],
        row["index"],
        row["chosen"],
    )


def test_a_value_in_the_uneven_rest_is_drawn_again() -> None:
    values = iter([b"\xff" * 32, b"\x00" * 32])
    choice = draw.choose("officer", b"", SITE, LANE, 1, 1, ["A", "B", "C"], keyed_hash=lambda k, m: next(values))
    assert (choice.tries, choice.index) == (1, 0)


@pytest.mark.parametrize("row", VECTORS["officer_bench"]["rejection_limits"])
def test_rejection_limits_leave_every_name_the_same_share(row: dict[str, Any]) -> None:
    rest = draw.SPACE % row["m"]
    assert rest == row["remainder"]
    assert row["limit_hex"] is None or draw.SPACE - rest == int(row["limit_hex"], 16)


@pytest.mark.parametrize("roster", [[], ["A", "A"]])
def test_an_empty_or_doubled_roster_is_refused(roster: list[str]) -> None:
    with pytest.raises(ValueError, match="roster"):
        draw.choose("bench", b"", SITE, LANE, 1, 1, roster)


@pytest.mark.parametrize("row", VECTORS["parcel_key_accepted"])
def test_parcel_keys_are_normalised(row: dict[str, str]) -> None:
    assert draw.draw_key(row["text"]).encode().hex() == row["key_hex"]


@pytest.mark.parametrize("text", VECTORS["parcel_key_rejected"])
def test_unusable_codes_give_the_empty_key(text: str) -> None:
    assert draw.draw_key(text) == ""


@given(st.text(max_size=140))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_normalising_a_key_twice_changes_nothing(text: str) -> None:
    key = draw.draw_key(text)
    assert draw.draw_key(key) == key


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 2**53), st.data())
@settings(derandomize=True, max_examples=300, deadline=None)
def test_no_parcel_is_ever_known_to_be_safe(top: int, bottom: int, n: int, data: st.DataObject) -> None:
    num, den = min(top, bottom), bottom
    selected = data.draw(st.integers(0, n))
    rate = draw.parse_rate(str(Fraction(num, den)))
    p = Fraction(*draw.probability(rate, Design.RATE_HELD, n, selected))
    target = Fraction(rate.num, rate.den)
    assert target / 2 <= p <= min(2 * target, Fraction(1))


def test_rolled_digits_are_packed_two_per_byte() -> None:
    assert draw.packed_digits("20237331128159211123").hex() == VECTORS["epoch_a"]["nonce_hex"]
    for text in ("", "1" * 19, "1" * 19 + "a", "１" * 20):
        with pytest.raises(ValueError, match="20 decimal digits"):
            draw.packed_digits(text)


@pytest.mark.parametrize(
    ("site", "lane", "epoch"), [("hz01", "L3", 1), ("", "L3", 1), ("HZ01", "L_3", 1), ("A", "B", 0)]
)
def test_a_commitment_names_a_proper_lane_and_epoch(site: str, lane: str, epoch: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        draw.commitment(site, lane, epoch, b"", b"")


def test_reinduction_moves_no_counter() -> None:
    vector = VECTORS["reinduction"]
    key, epoch = key_of(vector["epoch"]), VECTORS[vector["epoch"]]["epoch"]
    for row in vector["rows"]:
        p = draw.probability(draw.parse_rate(vector["rate"]), Design(vector["design"]), row["n"], row["selected"])
        d = draw.draw_hash(key, SITE, LANE, epoch, row["seq"], row["parcel_key"].encode())
        assert (*p, d.hex(), draw.is_selected(d, *p)) == (row["p_num"], row["p_den"], row["d_hex"], row["drawn"])


@given(st.binary(max_size=100), st.integers(1, 10**6), st.integers(0, 2**64 - 1), st.binary(max_size=200))
def test_the_hash_of_an_epoch_gives_each_draw_its_own_hash(key: bytes, epoch: int, seq: int, code: bytes) -> None:
    assert draw.EpochHash(key, SITE, LANE, epoch).draw(seq, code) == draw.draw_hash(key, SITE, LANE, epoch, seq, code)


def test_nobody_but_officers_and_benches_is_drawn() -> None:
    with pytest.raises(ValueError, match="expected officer or bench, was 'guard'"):
        draw.choose("guard", b"", SITE, LANE, 1, 1, ["A"])


def test_a_typed_nonce_gives_each_committed_epoch_a_nonce_of_its_own() -> None:
    one, other = (draw.derived_nonce(committed, b"typed") for committed in (b"C1", b"C2"))
    assert one == sha256(draw.lp("lane-draw/nonce/v1", b"C1", b"typed")).digest()
    assert one != other != draw.derived_nonce(b"C2", b"type")


def test_rolled_digits_may_be_typed_in_groups_and_are_never_repeated_in_a_refusal() -> None:
    assert draw.rolled(" 20237 33112 81592 11123 ") == "20237331128159211123"
    for text in ("2023733112815921112", "2023733112815921112x", "２" * 20):
        with pytest.raises(ValueError, match="expected 20 digits 0 to 9") as caught:
            draw.rolled(text)
        assert text not in str(caught.value)
