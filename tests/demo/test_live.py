"""The live table, on a terminal and without one."""

import io

from rich.console import Console

from lane.events.parcel import ParcelDiverted, ParcelInducted, ParcelWeighed
from lane.model.grounds import Ground
from lane.model.words import Instruction
from sim.demo.live import Screen
from sim.demo.story import Story


def story() -> Story:
    told = Story()
    for seq in (1, 2):
        told.apply(ParcelInducted(at_us=seq, belt_um=0, seq=seq, head_um=0))
    told.apply(ParcelWeighed(at_us=3, belt_um=0, seq=1, mg=1_234_500, error_mg=3_000))
    told.apply(
        ParcelDiverted(
            at_us=4, belt_um=0, seq=1, instruction=Instruction.OPEN, grounds=(Ground.NO_READ, Ground.FLUSHED)
        )
    )
    return told


def test_without_a_terminal_each_parcel_is_one_line_when_it_has_left() -> None:
    out = io.StringIO()
    with Screen(Console(file=out, width=120), parcels=2, speed=3) as screen:
        screen.show(story())
        screen.show(story())
        screen.say("kill 1")
    assert out.getvalue().splitlines() == [
        "no.  waybill  goods  weight g  finding  draw  route  grounds",
        "1  -  -  1234.5    ?  INSPECT  NO_READ FLUSHED",
        "kill 1",
    ]


def test_on_a_terminal_the_table_shows_parcels_on_the_belt_too_and_says_synthetic() -> None:
    out = io.StringIO()
    with Screen(Console(file=out, width=120, force_terminal=True), parcels=2, speed=3) as screen:
        screen.show(story(), "bench and messages")
    shown = out.getvalue()
    assert "1 of 2 parcels" in shown
    assert "SYNTHETIC" in shown
    assert "bench and messages" in shown
    assert "1234.5" in shown
