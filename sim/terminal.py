"""What commands of the twin show on the terminal while they work, and how they print counts."""

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


def spinning() -> Progress:
    """The same for work whose length nobody knows."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True)


def text_of(value: object) -> str:
    """A figure as a cell of a table; counts by name in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items()) or "-"
    return str(value)
