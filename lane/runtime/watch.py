"""What a person at the terminal of ``lane run`` is told while the lane runs: console address, device links on change.

The supervisor knows its processes only; what the devices do it asks the core through the mailbox, as anyone may. One
line per change, so that a lane in good order says little and a dead cable is named at once.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lane.mailbox import MailboxDown, ask
from lane.settings.station import StationConfig

LOOK_S = 1.0
"""A person at a terminal needs no faster news; the core answers a question in about a millisecond."""
ASK_S_MAX = 3.0
ANSWER_S_MAX = 4.0
"""A device that has answered nothing for so long after the first look is told as silent: start-up takes two seconds."""
CONSOLE_FILE = "console.json"

Tell = Callable[[str], None]


class LaneWatch:
    """Looks at one run once a second and tells what changed."""

    def __init__(self, run: Path, station: StationConfig, *, tell: Tell) -> None:
        self._run = run
        self._tell = tell
        self._addresses = {entry.role: entry.address for entry in station.devices}
        self._began = time.time()
        self._first_look_s = -1.0
        self._console = ""
        self._links: dict[str, bool] = {}

    async def follow(self) -> None:
        """Look until cancelled."""
        while True:
            self.look_at_console()
            try:
                state = await asyncio.to_thread(ask, self._run, {"ask": "state"}, timeout_s=ASK_S_MAX)
            except MailboxDown:
                pass  # the core starts, or starts again: the supervisor tells that
            else:
                self.look_at_devices(state, time.monotonic())
            await asyncio.sleep(LOOK_S)

    def look_at_console(self) -> None:
        """Tell the console's address once it serves (and again when a new console serves elsewhere)."""
        path = self._run / CONSOLE_FILE
        try:
            if path.stat().st_mtime < self._began:
                return  # left by an earlier start
            told = json.loads(path.read_text(encoding="utf-8"))
            address = str(told["one_time"] or told["url"])
        except (OSError, ValueError, KeyError):
            return  # not there yet
        if address != self._console:
            self._console = address
            self._tell(f"console: {address}")

    def look_at_devices(self, state: Mapping[str, Any], now_s: float) -> None:
        """Tell each device whose link changed; a device silent from the start once it had time to answer."""
        if self._first_look_s < 0:
            self._first_look_s = now_s
        settled = now_s >= self._first_look_s + ANSWER_S_MAX
        for role, figures in {**state.get("devices", {}), "detector": state.get("detector", {})}.items():
            answers, before = bool(figures.get("answers")), self._links.get(role)
            if answers == before or (before is None and not answers and not settled):
                continue
            self._links[role] = answers
            self._tell(f"{role}: {self._addresses.get(role, '')} {'answers' if answers else 'does not answer'}")
