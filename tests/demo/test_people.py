"""Twin people press the buttons they are there for, and no others."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lane.events.machine import StateChanged
from lane.events.parcel import ParcelDiverted
from lane.model.grounds import Ground
from lane.model.words import Instruction, Role, State
from sim.demo import people
from sim.demo.cli import demo
from sim.demo.people import Desk, Operator
from sim.demo.story import Story


class Pressed(Desk):
    """Notes orders instead of giving them."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.orders: list[str] = []

    def give(self, order: str, person: str, role: Role, **facts: Any) -> bool:
        self.orders.append(order)
        return True


def walk(*, begin_only: bool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(people, "ORDER_EVERY_S", 0.0)
    desk, story = Pressed(), Story(chain_reported=True)
    operator = Operator(desk, begin_only=begin_only)
    for state in (State.STOPPED, State.IDLE, State.EXECUTE, State.HELD, State.ABORTED, State.STOPPED):
        story.apply(StateChanged(at_us=1, belt_um=0, left=story.state, reached=state, cause="", person=""))
        operator.act(story)
    return desk.orders


def test_an_operator_keeps_the_lane_running(monkeypatch: pytest.MonkeyPatch) -> None:
    assert walk(begin_only=False, monkeypatch=monkeypatch) == ["Reset", "Start", "Unhold", "Clear", "Reset"]


def test_without_officers_only_reset_and_start_are_given_and_never_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert walk(begin_only=True, monkeypatch=monkeypatch) == ["Reset", "Start"]


def test_a_diverted_parcel_waits_at_the_bench_until_its_result() -> None:
    story = Story()
    story.apply(ParcelDiverted(at_us=4, belt_um=0, seq=1, instruction=Instruction.OPEN, grounds=(Ground.NO_READ,)))
    assert story.at_bench == 1
    story.rows[1].bench = "RETURNED"
    assert story.at_bench == 0


@pytest.mark.parametrize("more", [["--no-console"], ["--campaign", "kill"]])
def test_a_lane_without_twin_officers_needs_a_person_at_the_console(more: list[str]) -> None:
    result = CliRunner().invoke(demo, ["--no-officers", *more])
    assert result.exit_code == 2
    assert "--no-officers needs the console, and no campaign" in result.output
