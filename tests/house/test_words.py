"""Tables that must be complete."""

import json
import re
import subprocess
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


def test_every_relative_link_of_every_page_leads_somewhere() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    pages = [ROOT / name for name in listed.stdout.splitlines()]
    assert ROOT / "README.md" in pages
    missing = []
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:|#", target):
                continue
            if not (page.parent / target.partition("#")[0]).exists():
                missing.append(f"{page.relative_to(ROOT)}: {target}")
    assert missing == []
