"""sim/RULES.md, written from the tables of the code.

``python -m tests.sim.rules_page`` writes it anew; a test holds that it is up to date.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sim.drivertwin.wire_faults import FAULTS as WIRE_FAULTS
from sim.explore.residual import REASONS
from sim.explore.rules import DUTIES, ELSEWHERE, FAULTS, FIELDS, OF_THE_HUNT, RULES, VIOLATIONS
from sim.explore.setup import DUTIES as DUTIES_OF
from sim.explore.setup import Field
from sim.faults import CATALOGUE, FaultKind, Shape

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "sim" / "RULES.md"
SERIAL = frozenset({"F39", "F40"})
"""Faults of the serial lines of `lane sim drivers`."""
HEAD = """\
# What the codes mean

`lane sim search`, `story`, `museum`, `residual` and `drivers` name what they find by codes. Each stands here in one
line. The page is written by `.venv/bin/python -m tests.sim.rules_page` from tables of the code (`explore/rules.py`,
`explore/residual.py`, `faults.py`, `drivertwin/wire_faults.py`).

A finding says which rule did not hold, for which lane number or body. *RELEASE* and *INSPECT* are the two exits of the
belt; whatever is in doubt leaves by INSPECT, where it is opened.
"""
OUTSIDE = "No run of the search can break this by itself; held by"


def written() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            *_rules("I", "Rules of the lane", "What holds of the controller's records and state after every input."),
            *_rules("R", "Rules of the referee", "What only somebody can say who knows the true bodies on the belt."),
            *_rules("L", "The lane comes back", "Asked when all faults are over and everything is healed."),
            *_section("Words of the referee", "Why a body at the release exit, or the record of it, is wrong."),
            *_table(("word", "meaning"), VIOLATIONS.items()),
            *_section("How the museum names a bug", "Besides the rules above: the same cases with and without it."),
            *_table(("code", "meaning"), OF_THE_HUNT.items()),
            *_section("Duties of the field", "Kept beside the controller, also when the PC is late or dead."),
            *_table(("code", "duty"), DUTIES.items()),
            *_section("", "Fields of a search (`--field`):"),
            *_table(("field", "what it is", "duties"), map(_field, Field)),
            *_section(
                "Known residual risks",
                "They *explain* a release only where physics shows one of them; it is counted all the same.",
            ),
            *_table(("risk", "why it is left"), REASONS.items()),
            *_section("Faults", "F: one catalogue for lane, wires, files and persons. T: further ones of the twin."),
            *_table(("id", "what goes wrong", "what must follow", "brought about by"), map(_fault, FAULTS)),
            *_section("Kinds of faults in the core twin", "As `--without` and `--kinds` take them."),
            *_table(("kind", "id", "what happens", "lasts", "strength"), (_kind(*one) for one in CATALOGUE.items())),
            *_section("Kinds of faults on Modbus wires", "Of `lane sim drivers`."),
            *_table(
                ("kind", "TCP", "RTU", "what becomes of an answer"),
                ((str(kind), row.tcp or "-", row.line or "-", row.meaning) for kind, row in WIRE_FAULTS.items()),
            ),
        ]
    )  # fmt: skip


def _section(title: str, text: str) -> list[str]:
    return ([f"## {title}", ""] if title else []) + [text, ""]


def _rules(letter: str, title: str, text: str) -> list[str]:
    rows = ((code, _told(code, words)) for code, words in RULES.items() if code.startswith(letter))
    return _section(title, text) + _table(("code", "what must hold"), rows)


def _told(code: str, words: str) -> str:
    return f"{words} {OUTSIDE} `{ELSEWHERE[code]}`." if code in ELSEWHERE else words


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines] + [""]


def _fault(number: str) -> tuple[str, str, str, str]:
    entry = FAULTS[number]
    kinds = [str(kind) for kind, shape in CATALOGUE.items() if shape.id == number]
    wires = [str(kind) for kind, row in WIRE_FAULTS.items() if number in (row.tcp, row.line)]
    by = [", ".join(kinds)] if kinds else []
    by += [f"wires: {', '.join(wires)}"] if wires else []
    by += ["serial lines"] if number in SERIAL else []
    return number, entry.wrong, entry.follows, "; ".join(by) or f"not the twin: {entry.where}"


def _field(field: Field) -> tuple[str, str, str]:
    return str(field), FIELDS[field], " ".join(sorted(DUTIES_OF[field]))


def _kind(kind: FaultKind, shape: Shape) -> tuple[str, str, str, str, str]:
    low, high = shape.duration_us
    lasts = f"{low / 1e6:g} to {high / 1e6:g} s" if high else "-"
    strength = f"{shape.strength[0]} to {shape.strength[1]}" if any(shape.strength) else "-"
    return str(kind), shape.id, shape.meaning, lasts, strength


def unknown(codes: Iterable[str], tables: Iterable[Mapping[str, object]]) -> list[str]:
    """Codes that no table explains."""
    known = {code for table in tables for code in table}
    return sorted(set(codes) - known)


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
