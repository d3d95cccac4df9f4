"""``lane draw``: rolled digits from the command line to the mailbox, and the queue of ready epochs."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lane.cli import draw as cli_draw
from lane.cli.main import main
from lane.errors import ALARMS, Alarm
from lane.mailbox import MailboxDown
from lane.model.words import Role
from lane.users import Users

PASSWORD = "correct horse 9 battery"
DIGITS = "04817339265814072695"


class Lane:
    """A live lane's directory whose mailbox is answered by the test."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.asked: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"accepted": True, "epochs": 1}
        (path / "config").mkdir()
        (path / "config" / "core.json").write_text(json.dumps({"kind": "live"}))
        Users(path / "users.db").add("wang", Role.SUPERVISOR, PASSWORD)
        Users(path / "users.db").add("ada", Role.AUDITOR, PASSWORD)
        monkeypatch.setattr(cli_draw, "ask", self.ask)

    def ask(self, run: Path, message: dict[str, Any]) -> dict[str, Any]:
        """The core's reply."""
        self.asked.append(message)
        return self.answer

    def call(self, *arguments: str, typed: str = "") -> tuple[int, str]:
        """Run ``lane draw ...``."""
        result = CliRunner().invoke(
            main, ["draw", *arguments, "--data", str(self.path)], input=typed, env={"LANE_PASSWORD": PASSWORD}
        )
        return result.exit_code, result.output


@pytest.fixture
def lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lane:
    return Lane(tmp_path, monkeypatch)


def test_rolled_digits_reach_the_lane_typed_or_asked_for(lane: Lane) -> None:
    code, output = lane.call("enter", "04817 33926 58140 72695", "--person", "wang")
    assert (code, output) == (0, "digits entered by wang: 1 epoch ready\n")
    code, output = lane.call("enter", "--prompt", "--person", "wang", typed=DIGITS + "\n")
    assert code == 0
    assert lane.asked == [{"digits": DIGITS, "person": "wang"}] * 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["123", "--person", "wang"], "expected 20 digits"),
        (["x" * 20, "--person", "wang"], "expected 20 digits"),
        (["--person", "wang"], "expected either DIGITS or --prompt"),
        ([DIGITS, "--prompt", "--person", "wang"], "expected either DIGITS or --prompt"),
        ([DIGITS, "--person", "ada"], "expected an officer or a supervisor"),
        ([DIGITS, "--person", "nobody"], "name or password"),
    ],
)
def test_what_can_not_be_entered_is_refused_and_never_sent(lane: Lane, arguments: list[str], expected: str) -> None:
    code, output = lane.call("enter", *arguments)
    assert code != 0
    assert expected in output
    assert lane.asked == []


def test_the_lanes_own_refusal_and_its_silence_are_told(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    lane.answer = {"accepted": False, "reason": "no epoch waits"}
    assert "refused: no epoch waits" in lane.call("enter", DIGITS, "--person", "wang")[1]

    def down(run: Path, message: dict[str, Any]) -> dict[str, Any]:
        raise MailboxDown("no socket")

    monkeypatch.setattr(cli_draw, "ask", down)
    assert "the lane does not answer: no socket" in lane.call("queue")[1]


def test_the_queue_tells_how_many_epochs_are_ready(lane: Lane) -> None:
    lane.answer = {"state": "IDLE", "epochs_ready": 8}
    assert lane.call("queue") == (0, "8 epochs ready\n")
    lane.answer = {"state": "IDLE"}
    assert lane.call("queue")[0] == 1


def test_the_alarm_that_asks_for_digits_names_the_command() -> None:
    for number in (Alarm.EPOCH_QUEUE_LOW, Alarm.DRAW_MISSING):
        assert "lane draw enter --prompt" in ALARMS[number].way_out
