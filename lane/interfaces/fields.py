"""Reading single fields for every adapter: texts, keys, numbers, and problems that never name the value."""

from collections.abc import Callable, Mapping

from lane.declarations.keys import BAD, TEXT_CHARS_MAX, normal_key, qty_e5
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


def number(
    value: str, convert: Callable[[str], int], field: str, place: str, flags: list[str], notes: list[Problem]
) -> int:
    """A scaled number; -1 when absent, and flagged when it is none or out of range."""
    scaled = convert(value)
    if scaled != BAD:
        return scaled
    flags.append(Flag.OUT_OF_RANGE)
    notes.append(warn(place, field, "expected a decimal number in range, counted as absent"))
    return -1


def quantity(value: str, field: str, place: str, flags: list[str], notes: list[Problem]) -> int:
    """A quantity x 10^5; -1 when absent or out of range (then flagged)."""
    return number(value, qty_e5, field, place, flags, notes)


def positive(value: str) -> int:
    """A whole number from 1; 0 for anything else."""
    if value.isascii() and value.isdigit() and len(value) <= LINE_NO_DIGITS_MAX:
        return int(value)
    return 0
