"""Values of JSON objects as stripped texts, the form in which every adapter hands them on."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

EXPONENT_MAX = 40
"""A number with a larger exponent is no quantity, and writing it out would fill the memory."""


class CellError(Exception):
    """A value has the wrong type. Holds the field's name and what was expected, never the value."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: {expected}")
        self.field = field
        self.expected = expected


def cells(value: dict[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """The named values as texts, in order (absent and null: ``''``). Raises ``CellError``."""
    return tuple(cell(value.get(name), name) for name in names)


def cell(value: Any, name: str) -> str:
    """One value as a stripped text. Numbers are written out without exponent. Raises ``CellError``."""
    if value is None:
        return ""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise CellError(name, "expected characters, was half of a surrogate pair")
        return value.strip()
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > EXPONENT_MAX:
            raise CellError(name, "expected a number in range, was far outside")
        return format(value, "f")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise CellError(name, "expected a text or a number, was something else")


def objects(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """An array of objects. Raises ``CellError``."""
    found = value.get(name)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise CellError(name, "expected an array of objects, was another or none")
    return found
