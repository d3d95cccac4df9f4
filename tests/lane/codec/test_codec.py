"""Every record kind goes to bytes and back; nothing else is read as a record."""

import json
import typing
import unicodedata
from collections import deque
from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from types import UnionType
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from devices.signals import EyeChanged
from lane import codec
from lane.inputs import EpochOpened, OrderGiven, VisionResult
from lane.model.config import GateConfig, Layout
from lane.model.words import Design, Role, State
from lane.orders import Start
from vision.item_count import Acquisition, ItemCount, LineCount

INTEGERS = st.integers(-codec.INTEGER_MAX, codec.INTEGER_MAX)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda text: unicodedata.normalize("NFC", text)
)


def strategy(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type hint, built from the hint alone."""
    scalars: dict[Any, st.SearchStrategy[Any]] = {int: INTEGERS, str: TEXTS, bool: st.booleans(), bytes: st.just(b"")}
    if hint in scalars:
        return scalars[hint]
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        if Ellipsis in arguments:
            return st.lists(strategy(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*[strategy(argument) for argument in arguments])
    if typing.get_origin(hint) in (typing.Union, UnionType):
        return st.one_of([strategy(argument) for argument in arguments])
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    hints = typing.get_type_hints(hint)
    return st.builds(cast(Any, hint), **{name: strategy(hints[name]) for name in codec.field_names(hint)})


@pytest.mark.parametrize("kind", sorted(codec.KINDS))
def test_every_kind_survives_the_round_trip_in_canonical_form(kind: str) -> None:
    @given(strategy(codec.KINDS[kind]))
    @settings(derandomize=True, max_examples=12, deadline=None, database=None)
    def check(item: Any) -> None:
        body = codec.encode(item)
        assert codec.decode(body) == item
        plain = json.loads(body)
        assert plain["kind"] == kind
        assert plain["v"] == 1
        assert json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == body

    check()


EYE = EyeChanged(at_us=1, belt_um=2, eye="induct", blocked=True)
EYE_BODY = (
    b'{"at_us":1,"belt_um":2,"blocked":true,"boot":0,"encoder":0,"eye":"induct","kind":"EyeChanged","ring_seq":0,"v":1}'
)


def test_a_record_has_exactly_these_bytes() -> None:
    assert codec.encode(EYE) == EYE_BODY
    order = OrderGiven(at_us=5, belt_um=6, order=Start(person="王", role=Role.OFFICER, nonce="n"))
    assert codec.encode(order).decode() == (
        '{"at_us":5,"belt_um":6,"kind":"OrderGiven",'
        '"order":{"kind":"Start","nonce":"n","person":"王","role":"officer"},"v":1}'
    )


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        (b'"v":1', b'"v":2', "EyeChanged.v: expected 1"),
        (b'"v":1', b'"v":true', "EyeChanged.v: expected 1"),
        (b'"kind":"EyeChanged"', b'"kind":"EyeClosed"', "unknown kind 'EyeClosed'"),
        (b'"ring_seq":0,', b"", "EyeChanged: missing field ring_seq"),
        (b'"ring_seq":0,', b'"ring_seq":0,"size":1,', "EyeChanged: unknown field 'size'"),
        (b'"at_us":1,', b'"at_us":1,"at_us":1,', "duplicate key"),
        (b'"at_us":1', b'"at_us":1.0', "expected integers only, was 1.0"),
        (b'"at_us":1', b'"at_us":NaN', "expected integers only, was NaN"),
        (b'"at_us":1', b'"at_us":null', "EyeChanged.at_us: expected an integer"),
        (b'"at_us":1', b'"at_us":true', "EyeChanged.at_us: expected an integer"),
        (b'"at_us":1', b'"at_us":9007199254740992', "EyeChanged.at_us: expected an integer"),
        (b'"blocked":true', b'"blocked":1', "EyeChanged.blocked: expected bool"),
        (b'"eye":"induct"', b'"eye":7', "EyeChanged.eye: expected text, was 7"),
        (b'"eye":"induct"', b'"eye":"\xff"', "not canonical JSON"),
        (b'"eye":"induct"', b'"eye":"\\ud800"', "EyeChanged.eye: expected text without surrogates"),
        (b'"eye":"induct"', b'"eye":"U\xcc\x88"', "not in canonical form"),
        (b'"eye":"induct"', b'"eye":"\\u0069nduct"', "not in canonical form"),
        (b'"at_us":1,"belt_um":2', b'"belt_um":2,"at_us":1', "not in canonical form"),
        (b'"at_us":1', b'"at_us": 1', "not in canonical form"),
        (b"}", b"", "not canonical JSON"),
        (EYE_BODY, b"[]", "expected an object"),
        (EYE_BODY, b"[" * 100_000, "not canonical JSON"),
    ],
)
def test_bytes_that_no_writer_makes_are_refused_with_their_place(before: bytes, after: bytes, complaint: str) -> None:
    with pytest.raises(codec.CodecError) as caught:
        codec.decode(EYE_BODY.replace(before, after))
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("at_us", 1.5, "EyeChanged.at_us: expected an integer"),
        ("at_us", True, "EyeChanged.at_us: expected an integer"),
        ("at_us", 2**53, "EyeChanged.at_us: expected an integer"),
        ("at_us", None, "EyeChanged.at_us: expected an integer"),
        ("blocked", 1, "EyeChanged.blocked: expected true or false"),
        ("eye", b"induct", "EyeChanged.eye: expected text"),
        ("eye", "\ud800", "EyeChanged.eye: expected text without surrogates"),
    ],
)
def test_a_field_of_another_type_is_refused_when_written(field: str, value: object, complaint: str) -> None:
    with pytest.raises(codec.CodecError) as caught:
        codec.encode(replace(EYE, **{field: value}))
    assert complaint in str(caught.value)


def test_the_complaint_about_a_nested_value_names_the_whole_way() -> None:
    count = ItemCount(
        image_sha256="",
        lines=(LineCount(line_no=1, count_lo=0, count_hi=1.5, p_ppm=0),),  # type: ignore[arg-type]
        p_declared_ppm=0,
        unexplained=0,
        total_lo=0,
        total_hi=0,
        acquisition=Acquisition.SUCCESSFUL,
        model_sha256="",
        signatures="",
    )
    with pytest.raises(codec.CodecError, match=r"VisionResult\.count: ItemCount\.lines: LineCount\.count_hi"):
        codec.encode(VisionResult(at_us=1, belt_um=1, seq=1, count=count))


def test_the_key_of_an_epoch_reaches_no_byte() -> None:
    opened = EpochOpened(
        at_us=1,
        belt_um=1,
        epoch=1,
        commitment="00",
        nonce="00",
        rate="0.055",
        design=Design.RATE_HELD,
        config_sha256="",
        build_sha256="",
        key=b"secret key bytes",
    )
    body = codec.encode(opened)
    assert b'"key"' not in body
    assert opened.key.hex().encode() not in body
    assert codec.decode(body) == replace(opened, key=b"")
    with pytest.raises(codec.CodecError, match="unknown field 'key'"):
        codec.decode(body.replace(b'"kind"', b'"key":"00","kind"'))


def test_text_is_written_in_normal_form_c() -> None:
    body = codec.encode(replace(EYE, eye="U\u0308"))
    assert "\u00dc".encode() in body
    assert codec.decode(body) == replace(EYE, eye="\u00dc")


def test_a_word_in_a_text_or_number_field_is_written_as_its_value() -> None:
    assert codec.encode(replace(EYE, eye=Design.RATE_HELD, ring_seq=State.IDLE)) == codec.encode(
        replace(EYE, eye="rate_held", ring_seq=4)
    )


def test_only_inputs_and_events_are_records() -> None:
    with pytest.raises(codec.CodecError, match="GateConfig is neither"):
        codec.encode(GateConfig())  # type: ignore[arg-type]


class Word(StrEnum):
    A = "a"


@dataclass(kw_only=True)
class Nest:
    """A nest as a controller's snapshot may have it."""

    parcels: dict[int, tuple[str, bool]]
    queue: deque[int]
    seen: set[str]
    last: int | None
    word: Word | None
    order: Start | None
    secret: bytes
    names: list[str]


def test_a_snapshot_keeps_order_types_and_absence() -> None:
    state = Nest(
        parcels={9: ("x", True), 2: ("y", False)},
        queue=deque([3, 1]),
        seen={"b", "a"},
        last=None,
        word=Word.A,
        order=Start(person="p", role=Role.OFFICER, nonce="n"),
        secret=b"\x01",
        names=[],
    )
    plain = codec.to_plain(state)
    assert plain == {
        "names": [],
        "order": {"nonce": "n", "person": "p", "role": "officer"},
        "parcels": [[9, ["x", True]], [2, ["y", False]]],
        "queue": [3, 1],
        "secret": "01",
        "seen": ["a", "b"],
        "word": "a",
    }
    again = codec.from_plain(Nest, plain)
    assert again == state
    assert list(again.parcels) == [9, 2]
    assert codec.canonical(plain).decode() == codec.to_text(state)
    assert codec.to_plain((1, 2), tuple[int, ...]) == [1, 2]


def test_configuration_goes_to_plain_and_back() -> None:
    layout = Layout(**{field.name: at for at, field in enumerate(fields(Layout))})
    assert codec.from_plain(Layout, codec.to_plain(layout)) == layout


@pytest.mark.parametrize("plain", [1.5, None, {"a": None}, [2**53], {1: 2}, "\ud800"])
def test_plain_values_outside_the_form_are_refused(plain: object) -> None:
    with pytest.raises(codec.CodecError):
        codec.canonical(plain)


def test_types_without_a_rule_are_refused() -> None:
    with pytest.raises(codec.CodecError, match="no rule"):
        codec.to_text(1.5)
    with pytest.raises(codec.CodecError, match="a union must be of messages or dataclasses"):
        codec.to_plain(1, int | str)
