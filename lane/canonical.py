"""Values -> canonical JSON text. One value, one text, on every machine.

Canonical JSON: keys sorted, no white space, UTF-8, strings in NFC, integers within +-(2**53 - 1), no floats, no null.
A nested value whose declared type is a union of classes carries ``kind``, the name of its class. ``bytes`` become
lower-case hex; a ``dict`` becomes a list of pairs in its own order; an optional field that is None is left out. A field
named in ``SECRET_FIELDS`` is never written.

Writers are generated once per class (as ``dataclasses`` does), because a lane in virtual time writes hundreds of
thousands of records a second. Type hints alone drive them: a new field needs no line here.
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
from typing import Any, Union, cast

from msgspec import Struct

INTEGER_MAX = 2**53 - 1
"""Largest integer that every JSON reader keeps exact."""
SECRET_FIELDS = frozenset({("EpochOpened", "key")})
"""(class, field) pairs that reach no byte; they have a default, which reading gives back."""

CONTAINERS = (tuple, list, dict, set, frozenset, deque)
"""Kinds of containers that a field may have."""
Writer = Callable[[Any], str]


class CodecError(ValueError):
    """A value or bytes that are no record: names kind, field, what was expected and what was found."""


_quote: Writer = json.encoder.encode_basestring


def show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def refuse(where: str, expected: str, value: object) -> typing.NoReturn:
    raise CodecError(f"{where}: expected {expected}, was {show(value)} ({type(value).__name__})")


def integer_text(value: Any) -> str:
    if not isinstance(value, int) or value is True or value is False or not -INTEGER_MAX <= value <= INTEGER_MAX:
        refuse("value", "an integer within +-(2**53 - 1)", value)
    return str(int(value))


def text_of(value: Any) -> str:
    """Text as a record holds it; reading gives the same, so that a core never acts on what can't be written."""
    if not isinstance(value, str):
        refuse("value", "text", value)
    if value.isascii():
        return str(value)
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        refuse("value", "text without surrogates", value)
    return unicodedata.normalize("NFC", value)


def _string_text(value: Any) -> str:
    return _quote(text_of(value))


def _bool_text(value: Any) -> str:
    if value is True:
        return "true"
    return "false" if value is False else refuse("value", "true or false", value)


def _bytes_text(value: Any) -> str:
    return f'"{value.hex()}"' if value.__class__ is bytes else refuse("value", "bytes", value)


def plain_text(plain: Any) -> str:
    if isinstance(plain, bool):
        return _bool_text(plain)
    if isinstance(plain, dict):
        pairs = sorted((_string_text(key), plain_text(value)) for key, value in plain.items())
        return "{" + ",".join([f"{key}:{value}" for key, value in pairs]) + "}"
    if isinstance(plain, list | tuple):
        return "[" + ",".join([plain_text(value) for value in plain]) + "]"
    return integer_text(plain) if isinstance(plain, int) else _string_text(plain)


_SCALARS: dict[Any, Writer] = {int: integer_text, str: _string_text, bool: _bool_text, bytes: _bytes_text}


def _enum_texts(cls: type[Enum]) -> dict[Enum, str]:
    return {member: str(member.value) if issubclass(cls, IntEnum) else _quote(member.value) for member in cls}


def _enum_writer(cls: type[Enum]) -> Writer:
    texts = _enum_texts(cls)
    return lambda value: texts[value] if value.__class__ is cls else refuse("value", f"a {cls.__name__}", value)


def _list_writer(kind: Any, element: Writer, order: Callable[[list[str]], list[str]] = list) -> Writer:
    def write(values: Any) -> str:
        if values.__class__ is not kind:
            refuse("value", f"a {kind.__name__}", values)
        return "[" + ",".join(order([element(value) for value in values])) + "]" if values else "[]"

    return write


def _container_writer(origin: Any, arguments: tuple[Any, ...]) -> Writer:
    parts = [writer_of(argument) for argument in arguments if argument is not Ellipsis]
    if origin in (set, frozenset):
        return _list_writer(origin, parts[0], sorted)
    if origin is not dict and (origin is not tuple or Ellipsis in arguments):
        return _list_writer(origin, parts[0])

    def write_fixed(values: Any) -> str:
        if values.__class__ is not tuple or len(values) != len(parts):
            refuse("value", f"a tuple of {len(parts)}", values)
        return "[" + ",".join([part(value) for part, value in zip(parts, values, strict=True)]) + "]"

    pairs = _list_writer(list, write_fixed)
    return write_fixed if origin is tuple else lambda mapping: pairs(list(mapping.items()))


@cache
def writer_of(hint: Any) -> Writer:
    """Text writer of a type hint."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in CONTAINERS:
        return _container_writer(origin, arguments)
    if origin in (Union, types.UnionType):
        writers = {cls: class_writer(cls, f'"kind":{_quote(cls.__name__)}') for cls in union_classes(hint)}
        return lambda value: (
            writers[type(value)](value) if type(value) in writers else refuse("value", str(hint), value)
        )
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_writer(hint)
    if has_fields(hint):
        return class_writer(hint, "")
    raise CodecError(f"codec: no rule for the type {hint!r}")


def union_classes(hint: Any) -> tuple[type, ...]:
    if not all(has_fields(cls) for cls in typing.get_args(hint)):
        raise CodecError(f"codec: a union must be of messages or dataclasses, was {hint!r}")
    return typing.get_args(hint)


def without_none(hint: Any) -> tuple[Any, bool]:
    """(hint without None, whether None was allowed)."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) not in (Union, types.UnionType) or type(None) not in arguments:
        return hint, False
    return Union[tuple(part for part in arguments if part is not type(None))], True  # noqa: UP007


_INLINE = {
    int: f"{{0}} if type({{0}}) is int and {-INTEGER_MAX} <= {{0}} <= {INTEGER_MAX}",
    str: "q({0}) if type({0}) is str and {0}.isascii()",
    bool: "'true' if {0} is True else 'false' if {0} is False",
}
"""Fast path of a field; anything else goes to its writer, which normalises or complains."""


def class_writer(cls: type, constants: str) -> Writer:
    """Generate ``def write(o) -> str`` for a dataclass; ``constants``: ready ``"key":value`` pairs to add."""
    names: dict[str, Any] = {"q": _quote}
    hints = typing.get_type_hints(cls)
    pieces = {pair.split('"')[1]: pair for pair in constants.split(",") if pair}
    lines, skips = ["def write(o):"], False
    for at, name in enumerate(field_names(cls)):
        hint, may_lack = without_none(hints[name])
        names[f"w{at}"] = _guarded(writer_of(hint), cls, name)
        fast = _INLINE.get(hint, "").format(f"f{at}")
        lines.append(f" f{at} = o.{name}")
        if may_lack:
            fast = f"'' if f{at} is None"
            skips = True
        elif isinstance(hint, type) and issubclass(hint, Enum):
            names[f"c{at}"], names[f"e{at}"] = hint, _enum_texts(hint)
            fast = f"e{at}[f{at}] if type(f{at}) is c{at}"
        elif typing.get_origin(hint) is tuple and Ellipsis in typing.get_args(hint):
            fast = f"'[]' if type(f{at}) is tuple and not f{at}"
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


def inside(cls: type, name: str, error: CodecError) -> CodecError:
    text = str(error)
    return CodecError(f"{cls.__name__}.{name}" + (text[len("value") :] if text.startswith("value:") else f": {text}"))


def _guarded(writer: Writer, cls: type, name: str) -> Writer:
    def write(value: Any) -> str:
        try:
            return writer(value)
        except CodecError as error:
            raise inside(cls, name, error) from error

    return write


def has_fields(hint: Any) -> bool:
    return isinstance(hint, type) and (issubclass(hint, Struct) or is_dataclass(hint))


@cache
def field_names(cls: type) -> tuple[str, ...]:
    """Fields of a message or dataclass that are written."""
    names = cls.__struct_fields__ if issubclass(cls, Struct) else [field.name for field in fields(cast(Any, cls))]
    return tuple(name for name in names if (cls.__name__, name) not in SECRET_FIELDS)
