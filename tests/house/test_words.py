"""Tables that must be complete."""

import json
import re
import tomllib
from pathlib import Path

from lane.model.grounds import ADVISABLE, GROUNDS, Axis, Ground
from lane.model.words import INSTRUCTION_STRICTNESS, Instruction

ROOT = Path(__file__).resolve().parents[2]


def test_every_ground_has_one_row() -> None:
    assert set(GROUNDS) == set(Ground)
    assert {GROUNDS[ground].axis for ground in ADVISABLE} <= {Axis.DISCREPANT, Axis.UNPROVEN}


def test_every_instruction_has_a_strictness() -> None:
    assert sorted(INSTRUCTION_STRICTNESS) == sorted(Instruction)


def test_every_declared_dependency_is_locked_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {match.lower().replace("_", "-") for match in re.findall(r"^([A-Za-z0-9_.-]+)==", lock, re.MULTILINE)}
    for requirement in project["project"]["dependencies"]:
        name = re.split(r"[<>=!~ ]", requirement)[0].lower().replace("_", "-")
        assert name in locked, name
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert all("--hash=sha256:" in entry for entry in entries), "an entry without a hash"


def test_every_dependency_has_its_reason_in_the_architecture() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    everything = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    missing = [name for name in (re.split(r"[<>=!~ ]", entry)[0] for entry in everything) if f"`{name}`" not in text]
    assert json.dumps(missing) == "[]"
