"""One reader follows the journal; every page gets the newest state. A slow page never holds up anything."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from lane.mailbox import MailboxDown, ask
from lane.views.lane_view import LaneView
from lane.views.tail import JournalTail

FOLLOW_S = 0.05
"""Pause between looks at the journal: event to screen stays under 150 ms."""
STATE_EVERY = 6
"""Every so many looks the core is asked for its live figures."""

LIVE_FIGURES = (
    "at_us", "speed", "devices", "detector", "vision", "journal", "queue", "latency_ms", "lateness_ms", "rss_mb"
)  # fmt: skip
"""What a page gets of the core's figures. The draw's counters are not among them: the moment at which they move would
tell whoever judges the picture which parcel was drawn."""


class Hub:
    """Newest state of the lane, and a bell that rings when it changed."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.view = LaneView()
        self.tail = JournalTail(run)
        self.figures: dict[str, Any] = {}
        self.core_up = False
        self._stations: dict[str, int] = {}
        self._message = "{}"
        self._version = 0
        self._changed = asyncio.Condition()

    async def follow(self) -> None:
        """Run for ever: read new records, ask the core for figures, ring the bell."""
        looks = 0
        while True:
            changed = self._read()
            if looks % STATE_EVERY == 0:
                changed = await self._ask() or changed
            looks += 1
            if changed:
                await self._ring()
            await asyncio.sleep(FOLLOW_S)

    async def messages(self) -> AsyncIterator[str]:
        """The newest state whenever it changed; states in between are skipped for a slow page."""
        seen = -1
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._version != seen)  # noqa: B023 - read under the lock
                seen, message = self._version, self._message
            yield message

    def state(self) -> dict[str, Any]:
        """What every page shows."""
        return {**self.view.page(), "core_up": self.core_up, "figures": self.figures, "layout": self._layout()}

    def _layout(self) -> dict[str, int]:
        """Positions of the stations, from the run's own resolved configuration (empty until it is written)."""
        if not self._stations:
            path = self.run / "config" / "core.json"
            if path.exists():
                self._stations = json.loads(path.read_text(encoding="utf-8"))["layout"]
        return self._stations

    def _read(self) -> bool:
        before = self.view.index
        try:
            for index, item in self.tail.read(before + 1):
                self.view.apply(index, item)
        except sqlite3.OperationalError:
            # The writer holds the file for a moment (first creation, WAL reset): the next look reads on.
            self.tail.close()
        return self.view.index != before

    async def _ask(self) -> bool:
        try:
            answer = await asyncio.to_thread(ask, self.run, {"ask": "state"})
        except MailboxDown:
            changed, self.core_up, self.figures = self.core_up, False, {}
            return changed
        self.core_up = True
        self.figures = {name: answer[name] for name in LIVE_FIGURES if name in answer}
        return True

    async def _ring(self) -> None:
        self._message = json.dumps(self.state(), separators=(",", ":"), ensure_ascii=False)
        async with self._changed:
            self._version += 1
            self._changed.notify_all()
