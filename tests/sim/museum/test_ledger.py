"""A tour that was stopped goes on where it was, and never with hunts of other code, another exhibit or budget."""

from pathlib import Path

import pytest

from sim.museum.bug import Bug
from sim.museum.hunt import Hunt
from sim.museum.ledger import Ledger
from sim.museum.patching import Edit

BUG = Bug(name="one", wrong="It is wrong.", parts=(Edit("lane.permits:next_number", "a", "b"),))
FOUND = Hunt(bug="one", mode="mixed", seed=1, parcels=70, rule="I1", text="no permit", changed=True)


def test_what_was_kept_is_known_again(tmp_path: Path) -> None:
    file = tmp_path / "tour.hunts.jsonl"
    Ledger(file, 300).keep(BUG, FOUND)
    assert Ledger(file, 300).known(BUG, "mixed", 1) == FOUND


def test_another_budget_mode_seed_or_text_of_the_exhibit_is_hunted_anew(tmp_path: Path) -> None:
    file = tmp_path / "tour.hunts.jsonl"
    Ledger(file, 300).keep(BUG, FOUND)
    again = Ledger(file, 300)
    rewritten = Bug(name="one", wrong="It is wrong.", parts=(Edit("lane.permits:next_number", "a", "c"),))
    assert Ledger(file, 600).known(BUG, "mixed", 1) is None
    assert [again.known(BUG, "swarm", 1), again.known(BUG, "mixed", 2), again.known(rewritten, "mixed", 1)] == [
        None
    ] * 3


def test_a_hunt_kept_under_other_code_is_hunted_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tour.hunts.jsonl"
    with monkeypatch.context() as before:
        before.setattr("sim.museum.ledger.code_version", lambda: "0123456789abcdef")
        Ledger(file, 300).keep(BUG, FOUND)
        assert Ledger(file, 300).known(BUG, "mixed", 1) == FOUND
    assert Ledger(file, 300).known(BUG, "mixed", 1) is None


def test_a_line_that_was_cut_off_is_hunted_anew(tmp_path: Path) -> None:
    file = tmp_path / "tour.hunts.jsonl"
    Ledger(file, 300).keep(BUG, FOUND)
    file.write_text(file.read_text()[:-9] + "\n[1]\n")
    assert Ledger(file, 300).known(BUG, "mixed", 1) is None


def test_nothing_is_kept_without_a_file() -> None:
    ledger = Ledger(None, 300)
    ledger.keep(BUG, FOUND)
    assert ledger.known(BUG, "mixed", 1) is None
