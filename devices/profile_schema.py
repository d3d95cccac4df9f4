"""What a profile may contain, and the checks that need the whole file. Pure.

Each table lists its keys with type and bounds; ``check_document`` returns every problem with its place, so that an
integrator sees them all at once.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from devices.requests import READ_REGS_MAX, WRITE_REGS_MAX

ROLES = ("remote_io", "belt_drive", "xray_cabinet", "xray_source", "barcode_reader", "scale", "line_detector")
TYPES = ("u16", "s16", "u32", "s32", "bool", "words")
MODBUS_ROLES = ROLES[:4]
SERIAL_ROLES = ROLES[4:6]
EYES = ("induct", "tunnel_entry", "tunnel_exit", "divert", "exit_release", "exit_inspect")
XRAY_ROLES = ("xray_source", "xray_cabinet")
FRAME_TIME_MS_MAX = 35
"""Rest of a running RTU transaction beyond its time-out: one frame of 33 characters at 9,600 baud."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a profile."""

    place: tuple[str | int, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One key: its type, bounds, choices; ``default`` None and not ``required``: may be absent."""

    type: type[Any]
    low: int | None = None
    high: int | None = None
    choices: tuple[Any, ...] = ()
    required: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file; ``many``: an array of tables."""

    fields: Mapping[str, Field]
    many: bool = False
    required: bool = False


def _text(*choices: str, required: bool = True, default: str | None = None) -> Field:
    return Field(type=str, choices=choices, required=required, default=default)


def _whole(low: int, high: int, default: int | None = None, *, required: bool = False) -> Field:
    return Field(type=int, low=low, high=high, default=default, required=required)


def _flag(default: bool = False) -> Field:
    return Field(type=bool, default=default)


SCHEMA: dict[str, Table] = {
    "profile": Table(
        {
            "id": _text(),
            "role": _text(*ROLES),
            "transport": Field(type=list, choices=("tcp", "rtu", "rtutcp", "serial"), required=True),
            "manual": _text(),
            "verified": _text("documented", "bench", "field"),
        },
        required=True,
    ),
    "link": Table(
        {
            "unit": _whole(1, 247, 1),
            "baud": _whole(300, 1_000_000, 115_200),
            "timeout_ms": _whole(50, 5_000, 300),
            "turnaround_ms": _whole(0, 1_000, 5),
            "guard_ms": _whole(0, 100, 1),
            "late_window_ms": _whole(0, 2_000, 100),
            "max_regs": _whole(1, READ_REGS_MAX, READ_REGS_MAX),
            "max_hole": _whole(0, 124, 0),
            "address_base": _whole(0, 1, 0),
            "cycle_ms": _whole(5, 5_000, 100),
            "pipeline": _whole(1, 1, 1),
            "drop_first_frame": _flag(),
            "local_echo": _flag(),
        }
    ),
    "reg": Table(
        {
            "name": _text(),
            "addr": _whole(0, 0xFFFF, required=True),
            "type": _text(*TYPES, required=False),
            "count": _whole(1, READ_REGS_MAX),
            "fc_r": Field(type=int, choices=(1, 2, 3, 4)),
            "fc_w": Field(type=int, choices=(5, 6, 15, 16)),
            "scale": Field(type=Decimal),
            "unit": _text(required=False),
            "min": _whole(-(2**31), 2**32),
            "max": _whole(-(2**31), 2**32),
            "max_step": _whole(0, 2**32),
            "const": _whole(0, 2**32),
            "bits": Field(type=dict),
            "enum": Field(type=dict),
            "poll": _text(required=False),
            "max_age_ms": _whole(1, 60_000),
            "use": _text("actuator", "setting", "heartbeat", "acknowledge", "claim", required=False),
            "safe": _whole(0, 2**32),
            "rate_limit_per_s": _whole(1, 100),
            "requires_external_safety": _flag(),
            "owned": _flag(),
            "src": _text(),
        },
        many=True,
    ),
    "init": Table({"reg": _text(), "value": _whole(0, 2**32, required=True)}, many=True),
    "identity": Table({"reg": _text(), "equals": _whole(0, 2**32, required=True)}, many=True),
    "failsafe": Table(
        {
            "param": _text(),
            "want": _text(),
            "test": _text("pull", "silence", "none"),
            "watchdog_ms": _whole(50, 60_000, required=True),
        }
    ),
    "soe": Table(
        {
            "reg": _text(),
            "slots": _whole(1, 64, required=True),
            "debounce_us": _whole(0, 1_000_000, 20_000),
            "debounce_counts": _whole(0, 100_000, 300),
        }
    ),
    "eyes": Table({name: _whole(0, 7) for name in EYES}),
    "gate": Table(
        {
            "pulse": _text("device", "relay"),
            "rest_state": _text("INSPECT"),
            "channel_home": _whole(0, 255, required=True),
            "channel_out": _whole(0, 255, required=True),
            "channel_valve": _whole(0, 255, required=True),
            "channel_tripped": _whole(0, 255, required=True),
            "travel_ms_max": _whole(10, 10_000, required=True),
            "pulse_ms_max": _whole(1, 65_535, 65_535),
        }
    ),
    "beam": Table({"kv_centi": _whole(0, 65_535, required=True), "ma_centi": _whole(0, 65_535, required=True)}),
    "frame": Table(
        {
            "kind": _text("stx-etx", "line"),
            "bytes_max": _whole(8, 4_096, 256),
            "separator": _text(),
            "heartbeat": _text(required=False, default=""),
            "heartbeat_ms": _whole(0, 60_000, 0),
        }
    ),
    "reader": Table({"no_read": _text(), "dedupe_ms": _whole(0, 10_000, 0)}),
    "scale": Table({"error_mg": _whole(0, 100_000_000, required=True)}),
}


def check_document(document: Mapping[str, Any]) -> list[Problem]:
    """Every problem of a profile, in the order of the file's tables."""
    problems: list[Problem] = []
    for name, value in document.items():
        if name not in SCHEMA:
            problems.append(Problem((name,), f"unknown table{_did_you_mean(name, SCHEMA)}"))
            continue
        problems += _check_table(name, SCHEMA[name], value)
    problems += [Problem((n,), "missing table") for n, t in SCHEMA.items() if t.required and n not in document]
    if not problems:
        problems += _check_whole(document)
    return problems


def _check_table(name: str, table: Table, value: Any) -> list[Problem]:
    if table.many:
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            return [Problem((name,), f"expected an array of tables, written [[{name}]]")]
        return [p for i, entry in enumerate(value) for p in _check_keys((name, i), table, entry)]
    if not isinstance(value, dict):
        return [Problem((name,), f"expected a table, written [{name}]")]
    return _check_keys((name,), table, value)


def _check_keys(place: tuple[str | int, ...], table: Table, entry: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for key, value in entry.items():
        if key not in table.fields:
            problems.append(Problem((*place, key), f"unknown key{_did_you_mean(key, table.fields)}"))
            continue
        text = _check_value(table.fields[key], value)
        if text:
            problems.append(Problem((*place, key), text))
    for key, field in table.fields.items():
        if field.required and key not in entry:
            problems.append(Problem((*place, key), "missing"))
    return problems


def _check_value(field: Field, value: Any) -> str:
    if field.type is Decimal:
        return (
            "" if isinstance(value, int | Decimal) and value > 0 else f"expected a positive number, was {_shown(value)}"
        )
    if isinstance(value, bool) is not (field.type is bool) or not isinstance(value, field.type):
        return f"expected {_WORDS[field.type]}, was {_shown(value)}"
    if field.type is list:
        wrong = [v for v in value if v not in field.choices]
        return f"expected some of {', '.join(field.choices)}, was {value!r}" if wrong or not value else ""
    if field.choices and value not in field.choices:
        return f"expected one of {', '.join(map(str, field.choices))}, was {_shown(value)}"
    if field.low is not None and field.high is not None and not field.low <= value <= field.high:
        return f"expected {field.low}..{field.high}, was {value}"
    if field.type is str and not value and field.required:
        return "expected a text, was empty"
    return ""


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)


_WORDS = {str: "a text", int: "an integer", bool: "true or false", list: "a list", dict: "a table"}


def _did_you_mean(key: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"


def _check_whole(document: Mapping[str, Any]) -> list[Problem]:
    registers = document.get("reg", [])
    role = document["profile"]["role"]
    problems = [p for i, entry in enumerate(registers) for p in _check_register(i, entry, role)]
    problems += _check_names(registers)
    problems += _check_overlaps(registers)
    problems += _check_references(document)
    problems += _check_role(document, role)
    return problems


def _check_register(index: int, entry: Mapping[str, Any], role: str) -> list[Problem]:
    place = ("reg", index)
    name = entry["name"]
    problems = []
    if "fc_r" not in entry and "fc_w" not in entry:
        problems.append(Problem(place, f"{name}: expected fc_r or fc_w"))
    if entry.get("type") == "words" and "count" not in entry:
        problems.append(Problem((*place, "count"), f"{name}: type words needs a count"))
    if entry.get("owned", False) and entry.get("fc_w") != 16:
        problems.append(Problem((*place, "owned"), f"{name}: the owner's token goes with the value: needs fc_w = 16"))
    if "poll" in entry and "fc_r" not in entry:
        problems.append(Problem((*place, "poll"), f"{name}: polled, but has no fc_r"))
    if "min" in entry and "max" in entry and entry["min"] > entry["max"]:
        problems.append(Problem((*place, "max"), f"{name}: expected at least min {entry['min']}, was {entry['max']}"))
    if entry.get("fc_w") == 16 and entry.get("count", 1) > WRITE_REGS_MAX:
        problems.append(Problem((*place, "count"), f"{name}: at most {WRITE_REGS_MAX} registers in one write"))
    for bit, pair in entry.get("bits", {}).items():
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(v, int) for v in pair)):
            problems.append(Problem((*place, "bits"), f"{name}.{bit}: expected [mask, value], was {pair!r}"))
    if any(not isinstance(value, int) for value in entry.get("enum", {}).values()):
        problems.append(Problem((*place, "enum"), f"{name}: expected integers"))
    if "fc_w" in entry and entry.get("use", "actuator") == "actuator":
        if "safe" not in entry:
            problems.append(Problem(place, f"{name}: an actuator needs its safe value: safe = ..."))
        if role in XRAY_ROLES and not entry.get("requires_external_safety", False):
            problems.append(Problem(place, f"{name}: switches X-rays: needs requires_external_safety = true"))
    return problems


def _check_names(registers: list[Mapping[str, Any]]) -> list[Problem]:
    seen: dict[str, int] = {}
    problems = []
    for index, entry in enumerate(registers):
        if entry["name"] in seen:
            text = f"{entry['name']!r} is taken by register {seen[entry['name']]}"
            problems.append(Problem(("reg", index, "name"), text))
        seen.setdefault(entry["name"], index)
    return problems


def _check_overlaps(registers: list[Mapping[str, Any]]) -> list[Problem]:
    """Two registers of one space (coils, discrete, input, holding) must not share an address."""
    problems = []
    spans: list[tuple[str, int, int, int]] = []
    for index, entry in enumerate(registers):
        start, end = entry["addr"], entry["addr"] + _size(entry)
        for space, low, high, other in spans:
            if space == _space(entry) and start < high and low < end:
                problems.append(
                    Problem(
                        ("reg", index, "addr"),
                        f"{entry['name']} ({start:#06x}..{end - 1:#06x}) overlaps "
                        f"{registers[other]['name']} ({low:#06x}..{high - 1:#06x})",
                    )
                )
        spans.append((_space(entry), start, end, index))
    return problems


def _size(entry: Mapping[str, Any]) -> int:
    kind = entry.get("type", "u16")
    return int(entry.get("count", 1)) if kind == "words" else 2 if kind in ("u32", "s32") else 1


def _space(entry: Mapping[str, Any]) -> str:
    by_read = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
    by_write = {5: "coil", 15: "coil", 6: "holding", 16: "holding"}
    return by_read[entry["fc_r"]] if "fc_r" in entry else by_write[entry["fc_w"]]


def _check_references(document: Mapping[str, Any]) -> list[Problem]:
    known = {entry["name"]: entry for entry in document.get("reg", [])}
    problems = []
    for table in ("init", "identity"):
        for index, entry in enumerate(document.get(table, [])):
            name, place = entry["reg"], (table, index, "reg")
            if name not in known:
                problems.append(Problem(place, f"no register {name!r}{_did_you_mean(name, known)}"))
            elif table == "init" and "fc_w" not in known[name]:
                problems.append(Problem(place, f"{name} cannot be written"))
    owned = [index for index, entry in enumerate(document.get("reg", [])) if entry.get("owned", False)]
    if owned and "claim" not in known:
        problems.append(Problem(("reg", owned[0], "owned"), "a device with an owner needs a register named 'claim'"))
    if "soe" in document and document["soe"]["reg"] not in known:
        problems.append(Problem(("soe", "reg"), f"no register {document['soe']['reg']!r}"))
    return problems


def _check_role(document: Mapping[str, Any], role: str) -> list[Problem]:
    problems = []
    if role in MODBUS_ROLES and not document.get("reg"):
        problems.append(Problem(("reg",), f"role {role} needs registers"))
    if role in SERIAL_ROLES and "frame" not in document:
        problems.append(Problem(("frame",), f"role {role} needs [frame]"))
    moves = any("fc_w" in e and e.get("use", "actuator") == "actuator" for e in document.get("reg", []))
    if moves and "failsafe" not in document:
        text = "a device with actuators needs [failsafe]: what it does when we are silent"
        problems.append(Problem(("failsafe",), text))
    if moves and "failsafe" in document:
        problems += _check_safety_wait(document)
    if "rtu" in document["profile"]["transport"] and role in MODBUS_ROLES:
        problems += _check_cycle(document)
    return problems


def _check_cycle(document: Mapping[str, Any]) -> list[Problem]:
    """Poll cycle on the line against the formula: characters x c + 2 x t3.5 + turnaround, one read per polled run."""
    link = document.get("link", {})
    character_ms = 11_000 / link.get("baud", 115_200)
    silence_ms = max(3.5 * character_ms, 1.75)
    regs_max = link.get("max_regs", READ_REGS_MAX)
    polled = sum(_size(entry) for entry in document.get("reg", []) if "poll" in entry)
    reads = -(-polled // regs_max)
    overhead_ms = 2 * silence_ms + link.get("turnaround_ms", 5) + link.get("guard_ms", 1)
    needed_ms = (13 * reads + 2 * polled) * character_ms + reads * overhead_ms
    cycle_ms = link.get("cycle_ms", 100)
    if needed_ms > cycle_ms:
        text = f"expected at least {needed_ms:.0f} ms ({reads} reads of {polled} registers), was {cycle_ms}"
        return [Problem(("link", "cycle_ms"), text)]
    return []


def _check_safety_wait(document: Mapping[str, Any]) -> list[Problem]:
    """Worst wait of a safety write (rest of a transaction + time-out + quarantine) against the device's watchdog."""
    link = document.get("link", {})
    rtu = "rtu" in document["profile"]["transport"]
    timeout = link.get("timeout_ms", 300)
    quarantine = max(link.get("late_window_ms", 100), 2 * link.get("turnaround_ms", 5)) if rtu else 0
    worst = timeout + quarantine + (FRAME_TIME_MS_MAX if rtu else 0)
    watchdog = document["failsafe"]["watchdog_ms"]
    if worst >= watchdog:
        return [
            Problem(
                ("failsafe", "watchdog_ms"),
                f"expected more than the worst wait of a safety write, {worst} ms (time-out {timeout} + quarantine "
                f"{quarantine} + frame), was {watchdog}",
            )
        ]
    return []
