"""``lane users`` and the password of a person who acts on a live lane."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lane.cli.main import main

GOOD = "correct horse 9 battery"


def call(data: Path, *arguments: str, password: str = GOOD) -> tuple[int, str]:
    """Run a command with a password in the environment."""
    result = CliRunner().invoke(main, [*arguments, "--data", str(data)], env={"LANE_PASSWORD": password})
    return result.exit_code, result.output


def test_users_are_added_listed_and_disabled(tmp_path: Path) -> None:
    assert call(tmp_path, "users", "add", "li.wei")[0] == 0
    assert call(tmp_path, "users", "add", "wang", "--role", "supervisor")[0] == 0
    code, output = call(tmp_path, "users", "list")
    assert code == 0
    assert [line.split()[:2] for line in output.splitlines()] == [["li.wei", "officer"], ["wang", "supervisor"]]
    assert call(tmp_path, "users", "disable", "li.wei")[0] == 0
    assert "disabled" in call(tmp_path, "users", "list")[1]
    assert call(tmp_path, "users", "add", "x y") == (1, "Error: " + _name_error("x y") + "\n")


def _name_error(name: str) -> str:
    return f"name: expected 2..32 of a-z 0-9 . _ - and not twin-..., was {name!r}"


@pytest.mark.parametrize(
    ("person", "password", "expected"),
    [
        ("li.wei", "a wrong password", "name or password of li.wei is wrong"),
        ("ghost", GOOD, "name or password of ghost is wrong"),
        ("twin-li", GOOD, "exists on twin lanes only"),
    ],
)
def test_on_a_live_lane_a_person_acts_with_a_password(
    tmp_path: Path, person: str, password: str, expected: str
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "core.json").write_text(json.dumps({"kind": "live"}))
    call(tmp_path, "users", "add", "li.wei")
    code, output = call(tmp_path, "bench", "record", "1", "RESCAN", "--person", person, password=password)
    assert code == 1
    assert expected in output
    code, output = call(tmp_path, "bench", "record", "1", "RESCAN", "--person", "li.wei")
    assert "nothing was recorded" in output
