"""Reading single fields for every adapter: texts, keys, numbers, and problems that never name the value."""

from collections.abc import Mapping

from lane.declarations.keys import BAD, KG_PLACES, QTY_PLACES, TEXT_CHARS_MAX, normal_key, scaled
from lane.declarations.records import Problem
from lane.declarations.words import Flag

LINE_NO_DIGITS_MAX = 9


def reject(place: str, field: str, words: str) -> Problem:
    """A record that can't be kept."""
    return Problem(place=place, field=field, text=words, rejects=True)


def warn(place: str, field: str, words: str) -> Problem:
    """A record that is kept with a flag."""
    return Problem(place=place, field=field, text=words, rejects=False)


def key_text(value: str) -> str:
    """A number that names something (``''``: absent or longer than 60 characters)."""
    return normal_key(value) if value else ""


def text(values: Mapping[str, str], name: str, flags: list[str]) -> str:
    """A text field, cut at the limit."""
    value = values.get(name, "")
    if len(value) > TEXT_CHARS_MAX:
        flags.append(Flag.TEXT_CUT)
        return value[:TEXT_CHARS_MAX]
    return value


def mass(value: str, field: str, place: str, flags: list[str], notes: list[Problem]) -> int:
    """Kilograms as milligrams; -1 when absent or out of range (then flagged)."""
    mg = scaled(value, KG_PLACES)
    return mg if mg != BAD else _no_number(field, place, flags, notes)


def quantity(value: str, field: str, place: str, flags: list[str], notes: list[Problem]) -> int:
    """A quantity x 10^5; -1 when absent or out of range (then flagged)."""
    qty_e5 = scaled(value, QTY_PLACES)
    return qty_e5 if qty_e5 != BAD else _no_number(field, place, flags, notes)


def _no_number(field: str, place: str, flags: list[str], notes: list[Problem]) -> int:
    """Something is there, but no decimal number in range: it counts as absent, and the place is noted."""
    flags.append(Flag.OUT_OF_RANGE)
    notes.append(warn(place, field, "expected a decimal number in range, counted as absent"))
    return -1


def positive(value: str) -> int:
    """A whole number from 1; 0 for anything else."""
    if value.isascii() and value.isdigit() and len(value) <= LINE_NO_DIGITS_MAX:
        return int(value)
    return 0
