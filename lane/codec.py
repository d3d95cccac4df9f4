"""Record <-> canonical bytes. One record, one sequence of bytes, on every machine.

Canonical JSON: keys sorted, no white space, UTF-8, strings in NFC, integers within +-(2**53 - 1), no floats, no null.
A record carries ``kind`` (its class name) and ``v`` (schema version). A nested value whose declared type is a union of
classes carries ``kind`` as well. ``bytes`` become lower-case hex; a ``dict`` becomes a list of pairs in its own order;
an optional field that is None is left out. A field named in ``SECRET_FIELDS`` is never written.

Writers are generated once per class (as ``dataclasses`` does), because a lane in virtual time writes hundreds of
thousands of records a second; readers are closures. Type hints alone drive both: a new field needs no line here.
"""

import json
import types
import typing
import unicodedata
from collections import deque
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum, IntEnum
from functools import cache
from typing import Any, TypeVar, Union, cast

from lane.events.union import AnyEvent
from lane.inputs import AnyInput

VERSION = 1
"""Schema version of every record kind so far."""
INTEGER_MAX = 2**53 - 1
"""Largest integer that every JSON reader keeps exact."""
SECRET_FIELDS = frozenset({("EpochOpened", "key")})
"""(class, field) pairs that reach no byte; they have a default, which reading gives back."""

INPUT_KINDS: dict[str, type] = {cls.__name__: cls for cls in typing.get_args(AnyInput)}
EVENT_KINDS: dict[str, type] = {cls.__name__: cls for cls in typing.get_args(AnyEvent)}
KINDS: dict[str, type] = {**INPUT_KINDS, **EVENT_KINDS}
assert len(KINDS) == len(INPUT_KINDS) + len(EVENT_KINDS), "an input and an event share a name"

_CONTAINERS = (tuple, list, dict, set, frozenset, deque)
T = TypeVar("T")
Writer = Callable[[Any], str]
Reader = Callable[[Any], Any]


_RECORD_WRITERS: dict[type, Writer] = {}


class CodecError(ValueError):
    """A value or bytes that are no record: names kind, field, what was expected and what was found."""


def encode(item: AnyInput | AnyEvent) -> bytes:
    """Canonical bytes of a record. Raises CodecError when a field holds what its type hint does not allow."""
    writer = _RECORD_WRITERS.get(type(item)) or _record_writer(type(item))
    return writer(item).encode()


def decode(body: bytes) -> AnyInput | AnyEvent:
    """The record behind canonical bytes. Raises CodecError on anything that ``encode`` would not have written."""
    plain = parse(body)
    if not isinstance(plain, dict):
        raise CodecError(f"record: expected an object, was {_show(plain)}")
    kind, version = plain.pop("kind", None), plain.pop("v", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise CodecError(f"record: unknown kind {_show(kind)}")
    if version != VERSION or version is True:
        raise CodecError(f"{kind}.v: expected {VERSION}, was {_show(version)}")
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
    return _writer(cast(Any, type(value) if hint is None else hint))(value)


def to_plain(value: object, hint: Any = None) -> Any:
    """The same as plain dicts, lists, strings, integers and booleans."""
    return json.loads(to_text(value, hint))


def from_plain(cls: type[T], plain: Any) -> T:
    """The value of type ``cls`` (a class or a type hint) that ``to_plain`` made plain. Raises CodecError."""
    return cast(T, _reader(cast(Any, cls))(plain))


def canonical(plain: Any) -> bytes:
    """Canonical bytes of a plain value. Raises CodecError on a float, a null, or an integer out of range."""
    return _plain_text(plain).encode()


_quote: Writer = json.encoder.encode_basestring


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _refuse(where: str, expected: str, value: object) -> typing.NoReturn:
    raise CodecError(f"{where}: expected {expected}, was {_show(value)} ({type(value).__name__})")


def _integer_text(value: Any) -> str:
    if not isinstance(value, int) or value is True or value is False or not -INTEGER_MAX <= value <= INTEGER_MAX:
        _refuse("value", "an integer within +-(2**53 - 1)", value)
    return str(int(value))


def _text(value: Any) -> str:
    """Text as a record holds it; reading gives the same, so that a core never acts on what can't be written."""
    if not isinstance(value, str):
        _refuse("value", "text", value)
    if value.isascii():
        return str(value)
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        _refuse("value", "text without surrogates", value)
    return unicodedata.normalize("NFC", value)


def _string_text(value: Any) -> str:
    return _quote(_text(value))


def _bool_text(value: Any) -> str:
    if value is True:
        return "true"
    return "false" if value is False else _refuse("value", "true or false", value)


def _bytes_text(value: Any) -> str:
    return f'"{value.hex()}"' if value.__class__ is bytes else _refuse("value", "bytes", value)


def _plain_text(plain: Any) -> str:
    if isinstance(plain, bool):
        return _bool_text(plain)
    if isinstance(plain, dict):
        pairs = sorted((_string_text(key), _plain_text(value)) for key, value in plain.items())
        return "{" + ",".join([f"{key}:{value}" for key, value in pairs]) + "}"
    if isinstance(plain, list | tuple):
        return "[" + ",".join([_plain_text(value) for value in plain]) + "]"
    return _integer_text(plain) if isinstance(plain, int) else _string_text(plain)


_SCALARS: dict[Any, Writer] = {int: _integer_text, str: _string_text, bool: _bool_text, bytes: _bytes_text}


def _enum_texts(cls: type[Enum]) -> dict[int, str]:
    return {id(member): str(member.value) if issubclass(cls, IntEnum) else _quote(member.value) for member in cls}


def _enum_writer(cls: type[Enum]) -> Writer:
    texts = _enum_texts(cls)
    return lambda value: texts[id(value)] if id(value) in texts else _refuse("value", f"a {cls.__name__}", value)


def _list_writer(kind: Any, element: Writer, order: Callable[[list[str]], list[str]] = list) -> Writer:
    def write(values: Any) -> str:
        if values.__class__ is not kind:
            _refuse("value", f"a {kind.__name__}", values)
        return "[" + ",".join(order([element(value) for value in values])) + "]" if values else "[]"

    return write


def _container_writer(origin: Any, arguments: tuple[Any, ...]) -> Writer:
    parts = [_writer(argument) for argument in arguments if argument is not Ellipsis]
    if origin in (set, frozenset):
        return _list_writer(origin, parts[0], sorted)
    if origin is not dict and (origin is not tuple or Ellipsis in arguments):
        return _list_writer(origin, parts[0])

    def write_fixed(values: Any) -> str:
        if values.__class__ is not tuple or len(values) != len(parts):
            _refuse("value", f"a tuple of {len(parts)}", values)
        return "[" + ",".join([part(value) for part, value in zip(parts, values, strict=True)]) + "]"

    pairs = _list_writer(list, write_fixed)
    return write_fixed if origin is tuple else lambda mapping: pairs(list(mapping.items()))


@cache
def _writer(hint: Any) -> Writer:
    """Text writer of a type hint."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in _CONTAINERS:
        return _container_writer(origin, arguments)
    if origin in (Union, types.UnionType):
        writers = {cls: _class_writer(cls, f'"kind":{_quote(cls.__name__)}') for cls in _union_classes(hint)}
        return lambda value: (
            writers[type(value)](value) if type(value) in writers else _refuse("value", str(hint), value)
        )
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_writer(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _class_writer(hint, "")
    raise CodecError(f"codec: no rule for the type {hint!r}")


def _union_classes(hint: Any) -> tuple[type, ...]:
    if not all(isinstance(cls, type) and is_dataclass(cls) for cls in typing.get_args(hint)):
        raise CodecError(f"codec: a union must be of dataclasses, was {hint!r}")
    return typing.get_args(hint)


def _optional(hint: Any) -> tuple[Any, bool]:
    """(hint without None, whether None was allowed)."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) not in (Union, types.UnionType) or type(None) not in arguments:
        return hint, False
    return Union[tuple(part for part in arguments if part is not type(None))], True  # noqa: UP007


_INLINE = {
    int: "{0} if {0}.__class__ is int and -M <= {0} <= M",
    str: "q({0}) if {0}.__class__ is str and {0}.isascii()",
    bool: "'true' if {0} is True else 'false' if {0} is False",
}
"""Fast path of a field; anything else goes to its writer, which normalises or complains."""


def _class_writer(cls: type, constants: str) -> Writer:
    """Generate ``def write(o) -> str`` for a dataclass; ``constants``: ready ``"key":value`` pairs to add."""
    names: dict[str, Any] = {"M": INTEGER_MAX, "q": _quote}
    hints = typing.get_type_hints(cls)
    pieces = {pair.split('"')[1]: pair for pair in constants.split(",") if pair}
    lines, skips = ["def write(o):"], False
    for at, name in enumerate(_field_names(cls)):
        hint, may_lack = _optional(hints[name])
        names[f"w{at}"] = _guarded(_writer(hint), cls, name)
        fast = _INLINE.get(hint, "").format(f"f{at}")
        lines.append(f" f{at} = o.{name}")
        if may_lack:
            fast = f"'' if f{at} is None"
            skips = True
        elif isinstance(hint, type) and issubclass(hint, Enum):
            names[f"e{at}"] = _enum_texts(hint)
            fast = f"e{at}[id(f{at})] if id(f{at}) in e{at}"
        lines.append(f" f{at} = {fast} else w{at}(f{at})" if fast else f" f{at} = w{at}(f{at})")
        if may_lack:
            lines.append(f" f{at} = f{at} and ',\"{name}\":' + f{at}")
        pieces[name] = f"{{f{at}}}" if may_lack else f'"{name}":{{f{at}}}'
    ordered = [pieces[name] for name in sorted(pieces)]
    if skips:  # every piece brings its own comma, the first one is cut off
        joined = "".join([piece if piece.startswith("{f") else "," + piece for piece in ordered])
        lines.append(f" return '{{' + f'{joined}'[1:] + '}}'")
    else:
        lines.append(f" return f'{{{{{','.join(ordered)}}}}}'")
    exec(compile("\n".join(lines), f"<writer of {cls.__name__}>", "exec"), names)
    return cast(Writer, names["write"])


def _inside(cls: type, name: str, error: CodecError) -> CodecError:
    text = str(error)
    return CodecError(f"{cls.__name__}.{name}" + (text[len("value") :] if text.startswith("value:") else f": {text}"))


def _guarded(writer: Writer, cls: type, name: str) -> Writer:
    def write(value: Any) -> str:
        try:
            return writer(value)
        except CodecError as error:
            raise _inside(cls, name, error) from error

    return write


@cache
def _field_names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls) if (cls.__name__, field.name) not in SECRET_FIELDS)


def _record_writer(cls: type) -> Writer:
    if KINDS.get(cls.__name__) is not cls:
        raise CodecError(f"record: {cls.__name__} is neither an input nor an event")
    return _RECORD_WRITERS.setdefault(cls, _class_writer(cls, f'"kind":"{cls.__name__}","v":{VERSION}'))


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        raise CodecError(f"record: duplicate key among {_show([key for key, _ in pairs])}")
    return plain


def _no_number(text: str) -> typing.NoReturn:
    raise CodecError(f"record: expected integers only, was {text[:40]}")


_DECODER = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_float=_no_number, parse_constant=_no_number)


def _read_integer(plain: Any) -> Any:
    return plain if _integer_text(plain) else 0


def _read_bytes(plain: Any) -> Any:
    try:
        return bytes.fromhex(plain)
    except (TypeError, ValueError):
        _refuse("value", "hex digits", plain)


_SCALAR_READERS: dict[Any, Reader] = {
    int: _read_integer,
    str: _text,
    bool: lambda plain: plain if isinstance(plain, bool) else _refuse("value", "bool", plain),
    bytes: _read_bytes,
}


def _enum_reader(cls: type[Enum]) -> Reader:
    members = {member.value: member for member in cls}

    def read(plain: Any) -> Any:
        if plain.__class__ not in (str, int) or plain not in members:
            _refuse("value", f"one of {', '.join(str(value) for value in members)}", plain)
        return members[plain]

    return read


def _container_reader(origin: Any, arguments: tuple[Any, ...]) -> Reader:
    fixed = origin is tuple and Ellipsis not in arguments
    parts = tuple(_reader(argument) for argument in arguments if argument is not Ellipsis)

    def read(plain: Any) -> Any:
        if plain.__class__ is not list or (fixed and len(plain) != len(parts)):
            _refuse("value", f"a list of {len(parts)}" if fixed else "a list", plain)
        if fixed:
            return tuple([part(value) for part, value in zip(parts, plain, strict=True)])
        if origin is dict:
            pair = _container_reader(tuple, arguments)
            return dict([pair(value) for value in plain])
        return origin([parts[0](value) for value in plain])

    return read


def _class_reader(cls: type) -> Reader:
    hints = typing.get_type_hints(cls)
    readers = {name: _reader(_optional(hints[name])[0]) for name in _field_names(cls)}
    optional = [name for name in readers if _optional(hints[name])[1]]

    def read(plain: Any) -> Any:
        if plain.__class__ is not dict:
            _refuse(cls.__name__, "an object", plain)
        values: dict[str, Any] = dict.fromkeys(optional)
        for name, value in plain.items():
            if name not in readers:
                raise CodecError(f"{cls.__name__}: unknown field {name!r}")
            try:
                values[name] = readers[name](value)
            except CodecError as error:
                raise _inside(cls, name, error) from error
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
    if origin in _CONTAINERS:
        return _container_reader(origin, arguments)
    if origin in (Union, types.UnionType):
        readers = {cls.__name__: _reader(cls) for cls in _union_classes(hint)}

        def read(plain: Any) -> Any:
            if plain.__class__ is not dict or plain.get("kind") not in readers:
                _refuse("value", f"an object whose kind is one of {', '.join(readers)}", plain)
            return readers[plain["kind"]]({name: value for name, value in plain.items() if name != "kind"})

        return read
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_reader(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _class_reader(hint)
    raise CodecError(f"codec: no rule for the type {hint!r}")
