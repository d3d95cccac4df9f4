"""Record <-> canonical bytes (``lane.canonical``). One record, one sequence of bytes, on every machine.

A record carries ``kind`` (its class name) and ``v`` (schema version). Readers are closures, made once per class.
"""

import json
import types
import typing
from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast

from lane.canonical import (
    CONTAINERS,
    INTEGER_MAX,
    SECRET_FIELDS,
    CodecError,
    Writer,
    class_writer,
    field_names,
    has_fields,
    inside,
    integer_text,
    plain_text,
    refuse,
    show,
    text_of,
    union_classes,
    without_none,
    writer_of,
)
from lane.events.union import AnyEvent
from lane.inputs import AnyInput

__all__ = [
    "INTEGER_MAX", "SECRET_FIELDS", "CodecError", "canonical", "decode", "encode", "encode_all", "field_names",
    "from_plain", "parse", "to_plain", "to_text",
]  # fmt: skip

VERSION = 1
"""Schema version of every record kind so far."""
INPUT_KINDS: dict[str, type] = {cls.__name__: cls for cls in typing.get_args(AnyInput)}
EVENT_KINDS: dict[str, type] = {cls.__name__: cls for cls in typing.get_args(AnyEvent)}
KINDS: dict[str, type] = {**INPUT_KINDS, **EVENT_KINDS}
assert len(KINDS) == len(INPUT_KINDS) + len(EVENT_KINDS), "an input and an event share a name"

T = TypeVar("T")
Reader = Callable[[Any], Any]


_RECORD_WRITERS: dict[type, Writer] = {}


def encode(item: AnyInput | AnyEvent) -> bytes:
    """Canonical bytes of a record. Raises CodecError when a field holds what its type hint does not allow."""
    writer = _RECORD_WRITERS.get(type(item)) or _record_writer(type(item))
    return writer(item).encode()


def encode_all(items: Iterable[AnyInput | AnyEvent]) -> list[bytes]:
    """Canonical bytes of several records; errors as ``encode``."""
    known = _RECORD_WRITERS
    return [(known.get(type(item)) or _record_writer(type(item)))(item).encode() for item in items]


def decode(body: bytes) -> AnyInput | AnyEvent:
    """The record behind canonical bytes. Raises CodecError on anything that ``encode`` would not have written."""
    plain = parse(body)
    if not isinstance(plain, dict):
        raise CodecError(f"record: expected an object, was {show(plain)}")
    kind, version = plain.pop("kind", None), plain.pop("v", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise CodecError(f"record: unknown kind {show(kind)}")
    if version != VERSION or version is True:
        raise CodecError(f"{kind}.v: expected {VERSION}, was {show(version)}")
    item = cast("AnyInput | AnyEvent", _reader(KINDS[kind])(plain))
    if encode(item) != body:
        raise CodecError(f"{kind}: the bytes are not in canonical form")
    return item


def parse(body: bytes) -> Any:
    """Strict JSON: UTF-8, no duplicate key, no float, no null, integers in range. Raises CodecError."""
    try:
        return _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"record: not canonical JSON ({error})") from error


def to_text(value: object, hint: Any = None) -> str:
    """Canonical JSON text of any nest of dataclasses, words, tuples, lists, dicts; ``hint`` where it is no class."""
    return writer_of(cast(Any, type(value) if hint is None else hint))(value)


def to_plain(value: object, hint: Any = None) -> Any:
    """The same as plain dicts, lists, strings, integers and booleans."""
    return json.loads(to_text(value, hint))


def from_plain(cls: type[T], plain: Any) -> T:
    """The value of type ``cls`` (a class or a type hint) that ``to_plain`` made plain. Raises CodecError."""
    return cast(T, _reader(cast(Any, cls))(plain))


def canonical(plain: Any) -> bytes:
    """Canonical bytes of a plain value. Raises CodecError on a float, a null, or an integer out of range."""
    return plain_text(plain).encode()


def _record_writer(cls: type) -> Writer:
    if KINDS.get(cls.__name__) is not cls:
        raise CodecError(f"record: {cls.__name__} is neither an input nor an event")
    return _RECORD_WRITERS.setdefault(cls, class_writer(cls, f'"kind":"{cls.__name__}","v":{VERSION}'))


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        raise CodecError(f"record: duplicate key among {show([key for key, _ in pairs])}")
    return plain


def _no_number(text: str) -> typing.NoReturn:
    raise CodecError(f"record: expected integers only, was {text[:40]}")


_DECODER = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_float=_no_number, parse_constant=_no_number)


def _read_integer(plain: Any) -> Any:
    return plain if integer_text(plain) else 0


def _read_bytes(plain: Any) -> Any:
    try:
        return bytes.fromhex(plain)
    except (TypeError, ValueError):
        refuse("value", "hex digits", plain)


_SCALAR_READERS: dict[Any, Reader] = {
    int: _read_integer,
    str: text_of,
    bool: lambda plain: plain if isinstance(plain, bool) else refuse("value", "bool", plain),
    bytes: _read_bytes,
}


def _enum_reader(cls: type[Enum]) -> Reader:
    members = {member.value: member for member in cls}

    def read(plain: Any) -> Any:
        if plain.__class__ not in (str, int) or plain not in members:
            refuse("value", f"one of {', '.join(str(value) for value in members)}", plain)
        return members[plain]

    return read


def _container_reader(origin: Any, arguments: tuple[Any, ...]) -> Reader:
    fixed = origin is tuple and Ellipsis not in arguments
    parts = tuple(_reader(argument) for argument in arguments if argument is not Ellipsis)

    def read(plain: Any) -> Any:
        if plain.__class__ is not list or (fixed and len(plain) != len(parts)):
            refuse("value", f"a list of {len(parts)}" if fixed else "a list", plain)
        if fixed:
            return tuple([part(value) for part, value in zip(parts, plain, strict=True)])
        if origin is dict:
            pair = _container_reader(tuple, arguments)
            return dict([pair(value) for value in plain])
        return origin([parts[0](value) for value in plain])

    return read


def _class_reader(cls: type) -> Reader:
    hints = typing.get_type_hints(cls)
    readers = {name: _reader(without_none(hints[name])[0]) for name in field_names(cls)}
    may_lack = [name for name in readers if without_none(hints[name])[1]]

    def read(plain: Any) -> Any:
        if plain.__class__ is not dict:
            refuse(cls.__name__, "an object", plain)
        values: dict[str, Any] = dict.fromkeys(may_lack)
        for name, value in plain.items():
            if name not in readers:
                raise CodecError(f"{cls.__name__}: unknown field {name!r}")
            try:
                values[name] = readers[name](value)
            except CodecError as error:
                raise inside(cls, name, error) from error
        if len(values) != len(readers):
            missing = ", ".join(name for name in readers if name not in values)
            raise CodecError(f"{cls.__name__}: missing field {missing}")
        return cls(**values)

    return read


@cache
def _reader(hint: Any) -> Reader:
    """Reader of a type hint: plain value -> value."""
    if hint in _SCALAR_READERS:
        return _SCALAR_READERS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in CONTAINERS:
        return _container_reader(origin, arguments)
    if origin in (Union, types.UnionType):
        readers = {cls.__name__: _reader(cls) for cls in union_classes(hint)}

        def read(plain: Any) -> Any:
            if plain.__class__ is not dict or plain.get("kind") not in readers:
                refuse("value", f"an object whose kind is one of {', '.join(readers)}", plain)
            return readers[plain["kind"]]({name: value for name, value in plain.items() if name != "kind"})

        return read
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_reader(hint)
    if has_fields(hint):
        return _class_reader(hint)
    raise CodecError(f"codec: no rule for the type {hint!r}")
