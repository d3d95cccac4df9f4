"""Typed, bounded reading of TOML: every complaint names file, line, key path, the value and what was expected.

``tomllib`` tells no line numbers, so ``line_numbers`` scans the text for headers and keys. All problems of a file are
gathered and reported together: a person mends a file once, not once per mistake.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from devices.toml_places import syntax_fault

Word = TypeVar("Word", bound=StrEnum)

FILE_BYTES_MAX = 1_000_000
"""A configuration file is written by hand; a larger one is some other file."""

NESTING_MAX = 32
"""No file has tables and lists deeper inside each other; reading and comparing them stays within the stack."""

LINES_MAX = FILE_BYTES_MAX
"""More lines than bytes there are not."""

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")


class SettingsError(ValueError):
    """One or more faults of a configuration file; ``problems`` holds one line of text for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def line_numbers(text: str) -> dict[str, int]:
    """Line (from 1) of every table header and key, by dotted path; items of ``[[x]]`` are ``x[0]``, ``x[1]``..."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            prefix = header.group(2)
            if header.group(1) == "[[":
                index = counts.get(prefix, 0)
                counts[prefix] = index + 1
                prefix = f"{prefix}[{index}]"
            lines.setdefault(prefix, number)
            continue
        key = _KEY.match(line)
        if key:
            lines.setdefault(f"{prefix}.{key.group(1)}" if prefix else key.group(1), number)
    return lines


def read_text(path: Path) -> str:
    """Text of a configuration file. Raises ``SettingsError`` naming the file when it can't be read."""
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "a device or a pipe"
            raise SettingsError([f"{path}: expected a file, can't be read: it is {what}"])
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            raise SettingsError([f"{path}: expected at most {FILE_BYTES_MAX} bytes, was {size}"])
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path}: expected UTF-8, byte {error.start} is none"]) from error
    except OSError as error:
        raise SettingsError([f"{path}: can't be read ({error.strerror})"]) from error


@dataclass(slots=True)
class TomlFile:
    """A parsed file with its line numbers and the list of problems found so far."""

    path: Path
    data: dict[str, object]
    lines: dict[str, int]
    problems: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> "TomlFile":
        """Parse a file; floats become ``Decimal``, so that no value is rounded on its way to an integer."""
        text = read_text(path)
        try:
            data = tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            line, reason = syntax_fault(text, str(error))
            raise SettingsError([f"{path}:{line}: not valid TOML: {reason}"]) from error
        except (RecursionError, ValueError) as error:  # values nested, or integers long, beyond what is parsed
            raise SettingsError([f"{path}: not valid TOML: {error}"]) from error
        if _deep(data):
            raise SettingsError([f"{path}: expected tables and lists at most {NESTING_MAX} deep, are deeper"])
        return cls(path, data, line_numbers(text))

    def root(self) -> "Table":
        """The file's top table."""
        return Table(self, "", self.data)

    def complain(self, where: str, text: str) -> None:
        """Note a problem at a key path; the nearest line known is named."""
        probe = where
        while probe and probe not in self.lines:
            probe = probe.rpartition(".")[0]
        line = self.lines.get(probe)
        place = f"{self.path}:{line}" if line else str(self.path)
        self.problems.append(f"{place}: {where or 'file'}: {text}")

    def finish(self) -> None:
        """Raise ``SettingsError`` when anything was wrong."""
        if self.problems:
            raise SettingsError(sorted(self.problems, key=self._line_of))

    def _line_of(self, problem: str) -> int:
        """Order of problems: this file's by line, then those without a line or of other files as they were found."""
        own = problem.startswith(f"{self.path}:")
        number = problem[len(str(self.path)) + 1 :].partition(":")[0] if own else ""
        return int(number) if number.isdecimal() else LINES_MAX


class Table:
    """One TOML table. Getters return a usable value even after a problem, so that reading goes on to the next."""

    def __init__(self, file: TomlFile, where: str, data: dict[str, object]) -> None:
        self._file = file
        self.where = where
        self._data = data
        self._known: list[str] = []

    def path(self, key: str) -> str:
        """Dotted path of a key in this table."""
        return f"{self.where}.{key}" if self.where else key

    def complain(self, key: str, text: str) -> None:
        """Note a problem of one key ("" : of the table)."""
        self._file.complain(self.path(key) if key else self.where, text)

    def take_over(self, problems: Iterable[str]) -> None:
        """Note problems of another file, told with their own places; each once."""
        self._file.problems += [problem for problem in problems if problem not in self._file.problems]

    def _take(self, key: str, default: object, expected: str) -> object:
        self._known.append(key)
        if key in self._data:
            return self._data[key]
        if default is None:
            self.complain(key, f"missing, expected {expected}")
        return default

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._data

    def text(self, key: str, default: str | None = None, *, pattern: str = r"(?s).+", hint: str = "text") -> str:
        """A string that matches ``pattern`` wholly; ``hint`` tells a person what is expected."""
        value = self._take(key, default, hint)
        if value is None:
            return ""
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            self.complain(key, f"expected {hint}, was {_show(value)}")
            return default or ""
        return value

    def word(self, key: str, words: type[Word], default: Word | None = None) -> Word:
        """A word of an enumeration."""
        choices = [word.value for word in words]
        value = self._take(key, default.value if default else None, " | ".join(choices))
        fallback = default or next(iter(words))
        if value is None:
            return fallback
        if not isinstance(value, str) or value not in choices:
            near = difflib.get_close_matches(str(value), choices, n=1)
            advice = f" (did you mean {near[0]!r}?)" if near else ""
            self.complain(key, f"expected {' | '.join(choices)}, was {_show(value)}{advice}")
            return fallback
        return words(value)

    def boolean(self, key: str, default: bool | None = None) -> bool:
        """true or false."""
        value = self._take(key, default, "true or false")
        if not isinstance(value, bool):
            if value is not None:
                self.complain(key, f"expected true or false, was {_show(value)}")
            return bool(default)
        return value

    def scaled(
        self,
        key: str,
        low: int,
        high: int,
        factor: int = 1,
        default: int | None = None,
        unit: str = "",
        *,
        quoted: bool = False,
    ) -> int:
        """A number ``low..high`` (in ``unit``) times ``factor``, which must come out whole.

        ``quoted``: text such as "0.95" is taken, too: a share is often written as text on purpose.
        """
        expected = f"{low}..{high}" + (f" {unit}" if unit else "")
        value = self._take(key, default, expected)
        if value is None:
            return low * factor
        number = _decimal(value)
        if isinstance(value, str) and number is not None and not quoted:
            self.complain(key, f"expected {expected} without quotes, was {_show(value)}")
            return low * factor
        if number is None or not low <= number <= high:
            self.complain(key, f"expected {expected}, was {_show(value)}")
            return low * factor
        scaled = number * factor
        if scaled != scaled.to_integral_value():
            self.complain(key, f"expected a multiple of 1/{factor} {unit}, was {_show(value)}")
            return low * factor
        return int(scaled)

    def numbers(
        self, key: str, low: int, high: int, factor: int = 1, default: tuple[int, ...] | None = None
    ) -> tuple[int, ...]:
        """A list of numbers ``low..high``, each times ``factor``, which must come out whole."""
        expected = f"a list of numbers {low}..{high}"
        value = self._take(key, default, expected)
        if value is default:
            return default or ()
        scaled = [_decimal(item) for item in value] if isinstance(value, list) else [None]
        if not scaled or any(one is None or not low <= one <= high or one * factor % 1 for one in scaled):
            step = f", multiples of 1/{factor}" if factor > 1 else ""
            self.complain(key, f"expected {expected}{step}, was {_show(value)}")
            return default or (low * factor,)
        return tuple(int(one * factor) for one in scaled if one is not None)

    def millimetres(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Millimetres in the file, micrometres in the program."""
        return self.scaled(key, low, high, 1_000, default, "mm")

    def table(self, key: str, *, required: bool = True) -> "Table":
        """A sub-table (an empty one when it is absent)."""
        value = self._take(key, None if required else {}, f"a table [{self.path(key)}]")
        if value is None:
            value = {}
        if not isinstance(value, dict):
            self.complain(key, f"expected a table, was {_show(value)}")
            value = {}
        return Table(self._file, self.path(key), value)

    def tables(self, key: str) -> list["Table"]:
        """An array of tables ``[[key]]`` (empty when absent)."""
        value = self._take(key, [], f"tables [[{self.path(key)}]]")
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.complain(key, f"expected tables [[{self.path(key)}]], was {_show(value)}")
            return []
        return [Table(self._file, f"{self.path(key)}[{index}]", item) for index, item in enumerate(value)]

    def close(self) -> None:
        """Complain of every key that no getter asked for, with the nearest known name."""
        for key in self._data:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, n=1)
                advice = f", did you mean {near[0]!r}?" if near else f"; known here: {', '.join(sorted(self._known))}"
                self.complain(key, f"unknown key{advice}")


def _deep(data: object) -> bool:
    """Whether tables and lists stand deeper inside each other than any file has them."""
    level = [data]
    for _ in range(NESTING_MAX):
        level = [
            item
            for value in level
            for item in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
    return bool(level)


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        number = Decimal(value)
        return number if number.is_finite() else None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        return Decimal(value)
    return None


def _show(value: object) -> str:
    """A value as a person wrote it: no Python type names."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_show, value))}]"
    if isinstance(value, dict):
        return "a table"
    return str(value) if isinstance(value, Decimal) else repr(value)
