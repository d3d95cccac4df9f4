"""Progress where no bar can be drawn: plain lines, a tenth of the work apart."""

import io

from rich.console import Console
from rich.progress import Progress

from sim.terminal import followed


def _lines(amounts: list[int], *, terminal: bool) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100)
    progress = Progress(console=console, disable=terminal)
    told = followed(progress, "searching", 20_000)
    for amount in amounts:
        told(amount)
    return out.getvalue().splitlines()


def test_a_log_gets_one_line_for_each_tenth_that_was_reached() -> None:
    assert _lines([500, 2_400, 2_800, 9_000, 20_000], terminal=False) == [
        "searching: 12 %, 2,400 of 20,000",
        "searching: 45 %, 9,000 of 20,000",
    ]


def test_a_terminal_has_the_bar_and_no_lines() -> None:
    assert _lines([2_400, 9_000], terminal=True) == []
