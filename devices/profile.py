"""Device profiles: one TOML file per model, read strictly. An unknown key is an error.

A profile is data that an integrator writes from a manual; every register names its manual and page in ``src``. Tables:
``[profile]``, ``[link]``, ``[[reg]]``, ``[[init]]``, ``[identity]``, ``[failsafe]``, ``[soe]`` and the role's own
(``[gate]``, ``[beam]``, ``[frame]``, ``[reader]``, ``[scale]``, ``[lights]``). Numbers are read as ``Decimal``.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from devices.profile_schema import SCHEMA, Problem, check_document
from devices.registers import Block, Register, Use, merge_blocks
from devices.requests import READ_REGS_MAX
from devices.toml_places import line_of, places, syntax_fault

__all__ = [
    "MODBUS_ROLES",
    "ROLE_OF_NAME",
    "InitWrite",
    "LinkProfile",
    "Profile",
    "ProfileError",
    "Role",
    "load_profile",
    "parse_profile",
]


class Role(StrEnum):
    """What a device is to the lane."""

    REMOTE_IO = "remote_io"
    BELT_DRIVE = "belt_drive"
    XRAY_CABINET = "xray_cabinet"
    XRAY_SOURCE = "xray_source"
    BARCODE_READER = "barcode_reader"
    SCALE = "scale"
    LINE_DETECTOR = "line_detector"


ROLE_OF_NAME = {
    "io": Role.REMOTE_IO,
    "drive": Role.BELT_DRIVE,
    "cabinet": Role.XRAY_CABINET,
    "source": Role.XRAY_SOURCE,
    "reader": Role.BARCODE_READER,
    "second_reader": Role.BARCODE_READER,
    "scale": Role.SCALE,
    "detector": Role.LINE_DETECTOR,
}
"""The lane's names of its devices and the role each must play."""
MODBUS_ROLES = frozenset({Role.REMOTE_IO, Role.BELT_DRIVE, Role.XRAY_CABINET, Role.XRAY_SOURCE})
"""Devices with a unit number, which can share a line."""


class ProfileError(Exception):
    """A profile that must not be used. ``problems`` are lines ``file:line: key: what was expected``."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkProfile:
    """Quirks of the device on its wire. Times in ms of wall time."""

    unit: int
    timeout_ms: int
    turnaround_ms: int
    guard_ms: int
    late_window_ms: int
    regs_max: int
    hole_max: int
    cycle_ms: int
    drop_first_frame: bool
    local_echo: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InitWrite:
    """One write of the init list, read back (rule 12)."""

    register: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One device model, checked."""

    path: Path
    id: str
    role: Role
    transports: tuple[str, ...]
    manual: str
    verified: str
    link: LinkProfile
    registers: Mapping[str, Register]
    init: tuple[InitWrite, ...]
    identity: tuple[InitWrite, ...]
    tables: Mapping[str, Mapping[str, Any]]

    def register(self, name: str) -> Register:
        """A register by name.

        Raises:
            ProfileError: the profile lacks what the role's driver needs.
        """
        if name not in self.registers:
            raise ProfileError((f"{self.path}: role {self.role} needs a register named {name!r}",))
        return self.registers[name]

    def blocks(self, poll: str = "") -> tuple[Block, ...]:
        """Block reads of one poll group ('' = all)."""
        chosen = [r for r in self.registers.values() if not poll or r.poll == poll]
        return merge_blocks(chosen, regs_max=self.link.regs_max, hole_max=self.link.hole_max)

    def readable(self) -> tuple[Block, ...]:
        """Runs of adjacent readable registers: a read inside one may be padded (rule 9)."""
        runs = [replace(register, poll="any") for register in self.registers.values() if register.read_function]
        return merge_blocks(runs, regs_max=READ_REGS_MAX, hole_max=0)

    def number(self, table: str, key: str) -> int:
        """An integer of a role table.

        Raises:
            ProfileError: absent.
        """
        value = self._entry(table, key)
        if not isinstance(value, int):
            raise ProfileError((f"{self.path}: [{table}] {key}: expected an integer, was {value!r}",))
        return value

    def text(self, table: str, key: str) -> str:
        """A text of a role table."""
        return str(self._entry(table, key))

    def _entry(self, table: str, key: str) -> Any:
        try:
            return self.tables[table][key]
        except KeyError as error:
            raise ProfileError((f"{self.path}: role {self.role} needs [{table}] {key}",)) from error


def load_profile(path: Path) -> Profile:
    """Read and check one profile file.

    Raises:
        ProfileError: with every problem found, each with file, line, key and expectation.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ProfileError((f"{path}: cannot be read: {error.strerror}",)) from error
    except UnicodeDecodeError as error:
        raise ProfileError((f"{path}: expected UTF-8, byte {error.start} is none",)) from error
    return parse_profile(text, path)


def parse_profile(text: str, path: Path) -> Profile:
    """Check the text of a profile; ``path`` is for messages."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        line, reason = syntax_fault(text, str(error))
        raise ProfileError((f"{path}:{line}: not TOML: {reason}",)) from error
    found = places(text)
    problems = check_document(document)
    if problems:
        raise ProfileError(tuple(_line(path, found, problem) for problem in problems))
    return _build(document, path)


def _line(path: Path, found: dict[tuple[str | int, ...], int], problem: Problem) -> str:
    name = ".".join(str(part) for part in problem.place)
    return f"{path}:{line_of(found, problem.place)}: {name}: {problem.text}"


def _build(document: dict[str, Any], path: Path) -> Profile:
    head = document["profile"]
    link = _with_defaults("link", document.get("link", {}))
    registers = [_register(entry) for entry in document.get("reg", [])]
    return Profile(
        path=path,
        id=head["id"],
        role=Role(head["role"]),
        transports=tuple(head["transport"]),
        manual=head["manual"],
        verified=head["verified"],
        link=LinkProfile(
            unit=link["unit"],
            timeout_ms=link["timeout_ms"],
            turnaround_ms=link["turnaround_ms"],
            guard_ms=link["guard_ms"],
            late_window_ms=link["late_window_ms"],
            regs_max=link["max_regs"],
            hole_max=link["max_hole"],
            cycle_ms=link["cycle_ms"],
            drop_first_frame=link["drop_first_frame"],
            local_echo=link["local_echo"],
        ),
        registers={register.name: register for register in registers},
        init=tuple(InitWrite(register=e["reg"], value=e["value"]) for e in document.get("init", [])),
        identity=tuple(InitWrite(register=e["reg"], value=e["equals"]) for e in document.get("identity", [])),
        tables={name: _with_defaults(name, table) for name, table in document.items() if isinstance(table, dict)},
    )


def _with_defaults(name: str, table: dict[str, Any]) -> dict[str, Any]:
    defaults = {key: fld.default for key, fld in SCHEMA[name].fields.items() if fld.default is not None}
    return {**defaults, **table}


def _register(entry: dict[str, Any]) -> Register:
    return Register(
        name=entry["name"],
        address=entry["addr"],
        kind=entry.get("type", "u16"),
        count=entry.get("count", 1),
        read_function=entry.get("fc_r", 0),
        write_function=entry.get("fc_w", 0),
        scale=Decimal(entry.get("scale", 1)),
        unit=entry.get("unit", ""),
        value_min=entry.get("min"),
        value_max=entry.get("max"),
        step_max=entry.get("max_step"),
        constant=entry.get("const"),
        bits={name: (pair[0], pair[1]) for name, pair in entry.get("bits", {}).items()},
        words=entry.get("enum", {}),
        poll=entry.get("poll", ""),
        age_ms_max=entry.get("max_age_ms", 0),
        use=Use(entry.get("use", "actuator")),
        safe=entry.get("safe"),
        rate_per_s=entry.get("rate_limit_per_s", 20),
        external_safety=entry.get("requires_external_safety", False),
        owned=entry.get("owned", False),
        source=entry["src"],
    )
