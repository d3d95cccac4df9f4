"""Every code that a search or a story shows is explained in sim/RULES.md, and the page is what the code says."""

import ast
import re
from pathlib import Path

from sim.drivertwin.wire_faults import FAULTS as WIRE_FAULTS
from sim.explore.rules import DUTIES, ELSEWHERE, FAULTS, FIELDS, OF_THE_HUNT, RULES, VIOLATIONS
from sim.explore.setup import Field
from sim.faults import CATALOGUE
from sim.plant.options import Duty
from sim.referee_words import Violation
from tests.sim.rules_page import PAGE, ROOT, SERIAL, unknown, written

TABLES = (RULES, OF_THE_HUNT, VIOLATIONS, DUTIES, FAULTS)
CODE = re.compile(r"([EFHILRT]\d{1,2})( [a-z].*)?")


def codes_in(folder: Path) -> set[str]:
    """Codes that stand in the source as texts, alone or before their words."""
    found = set()
    for path in folder.rglob("*.py"):
        if path.name == "rules.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and (code := CODE.fullmatch(node.value)):
                found.add(code[1])
    return found


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), "write it anew: python -m tests.sim.rules_page"


def test_every_code_of_search_and_museum_is_explained() -> None:
    codes = codes_in(ROOT / "sim" / "explore") | codes_in(ROOT / "sim" / "museum")
    assert {"I1", "R1", "L1", "E1", "T0"} <= codes
    assert unknown(codes, TABLES) == []


def test_every_explained_rule_is_checked_by_the_search_or_by_named_tests() -> None:
    checked = codes_in(ROOT / "sim" / "explore")
    assert [code for code in RULES if (code in checked) == (code in ELSEWHERE)] == []
    assert [path for path in ELSEWHERE.values() if not (ROOT / path).is_file()] == []


def test_words_of_the_referee_and_duties_are_those_of_the_code() -> None:
    assert list(VIOLATIONS) == [str(word) for word in Violation]
    assert unknown(map(str, Duty), [DUTIES]) == []
    assert list(FIELDS) == [str(field) for field in Field]


def test_the_catalogue_is_whole_and_says_who_brings_each_fault_about() -> None:
    assert [f"F{number:02d}" for number in range(1, 73)] == [code for code in FAULTS if code.startswith("F")]
    happens = {shape.id for shape in CATALOGUE.values()} | SERIAL
    happens |= {number for row in WIRE_FAULTS.values() for number in (row.tcp, row.line) if number}
    assert unknown(happens, [FAULTS]) == []
    silent = [number for number, entry in FAULTS.items() if (number in happens) == bool(entry.where)]
    assert silent == []
