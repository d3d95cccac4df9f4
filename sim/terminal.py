"""What commands of the twin show on the terminal while they work, and how they print counts."""

from collections.abc import Callable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def counting(*, remaining: bool = True, disable: bool = False) -> Progress:
    """A bar that counts, on standard error, gone when the work is done. ``remaining``: it guesses the time left too."""
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    if remaining:
        columns.append(TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=disable)


def followed(progress: Progress, what: str, total: int) -> Callable[[int], object]:
    """What the work tells how much of ``total`` is done: a bar moves.

    Where nobody sees a bar (a log, a pipe) standard error gets a plain line at each tenth of the work instead.
    """
    task = progress.add_task(what, total=total)
    told = 0

    def done(amount: int) -> None:
        nonlocal told
        progress.update(task, completed=amount)
        tenths = 10 * amount // max(1, total)
        if told < tenths < 10 and not progress.console.is_terminal:
            progress.console.print(
                f"{what}: {100 * amount // total} %, {amount:,} of {total:,}", highlight=False, markup=False
            )
            told = tenths

    return done


def spinning() -> Progress:
    """The same for work whose length nobody knows."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True)


def text_of(value: object) -> str:
    """A figure as a cell of a table; counts by name in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items()) or "-"
    return str(value)
