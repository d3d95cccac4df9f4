"""The live table of a demo; without a terminal, one line per parcel that left the belt."""

from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from sim.demo.story import Row, Story

ROWS_SHOWN = 18
REFRESH_PER_S = 4
GROUNDS_SHOWN = 3
COLUMNS = ("no.", "waybill", "goods", "weight g", "finding", "draw", "route", "grounds")


class Screen:
    """Shows the story while it happens."""

    def __init__(self, console: Console, parcels: int, speed: int) -> None:
        self._console = console
        self._parcels = parcels
        self._speed = speed
        self._live = Live(console=console, refresh_per_second=REFRESH_PER_S) if console.is_terminal else None
        self._told: set[int] = set()

    def __enter__(self) -> "Screen":
        if self._live is not None:
            self._live.start()
        else:
            self._console.print("  ".join(COLUMNS), highlight=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, story: Story, note: str = "") -> None:
        """Bring the screen up to date."""
        if self._live is not None:
            self._live.update(self._table(story, note))
            return
        for row in story.rows.values():
            if row.route and row.seq not in self._told:
                self._told.add(row.seq)
                self._console.print("  ".join(cells(row)).rstrip(), highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """A line above the table."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def _table(self, story: Story, note: str) -> Table:
        title = f"{story.state.name}  {story.gone} of {self._parcels} parcels  speed {self._speed}x  SYNTHETIC"
        table = Table(title=title, caption=note or None, expand=True)
        for name in COLUMNS:
            table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=3 if name in ("goods", "grounds") else None)
        for row in list(story.rows.values())[-ROWS_SHOWN:]:
            table.add_row(*cells(row))
        return table


def cells(row: Row) -> tuple[str, ...]:
    """One parcel as text. Whether it was drawn stays hidden until the lane has decided (nobody may steer by it)."""
    draw = "" if not row.decided and not row.route else {True: "drawn", False: "-", None: "?"}[row.drawn]
    more = "" if len(row.grounds) <= GROUNDS_SHOWN else f" +{len(row.grounds) - GROUNDS_SHOWN}"
    grounds = " ".join(str(ground) for ground in row.grounds[:GROUNDS_SHOWN]) + more
    weight = "" if row.weight_mg < 0 else f"{row.weight_mg / 1000:.1f}"
    return (str(row.seq), row.code or "-", row.goods or "-", weight, row.finding, draw, row.route, grounds)
