"""The core's link to the declarations store: questions answered in a thread, changes looked for, releases marked.

A store that fails answers nothing: the parcel then has no declaration by its decision point and goes to INSPECT.
"""

import asyncio
import logging
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lane.codec import CodecError, encode
from lane.commands import AskDeclaration, Step
from lane.declarations.store import DeclarationStore, Pinned
from lane.events.parcel import CustodyMoved, DeclarationPinned, ParcelReleased, StatusUpdated
from lane.inputs import AnyInput, DeclarationAnswer, StatusChanged
from lane.model.words import Custody, StatusClass
from lane.runtime.latency import Latency

LOOK_S = 0.2
"""Pause between looks at the store's version; a receipt reaches a parcel on the belt within it."""
FULL_LOOK_S = 1.0
"""Feeds fall silent without a change: a full look at least once a second."""
PINNED_MAX = 20_000
"""Parcels watched for a status change (on the belt, at the bench, in the release area); the oldest is let go."""
GONE = frozenset({Custody.DEPARTED, Custody.WITH_AUTHORITY, Custody.BACK_IN_WAREHOUSE, Custody.REMOVED})
STORE_FAULTS = (sqlite3.Error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading a damaged store can raise: the file's own errors, and facts that are not what their column says."""

log = logging.getLogger("lane.runtime.declared")


class Declared:
    """Owns one store and the one thread that uses it."""

    def __init__(
        self,
        path: Path,
        *,
        status_ttl_s: int,
        stamp: Callable[[], tuple[int, int]],
        emit: Callable[[DeclarationAnswer | StatusChanged], None],
    ) -> None:
        self._stamp = stamp
        self._emit = emit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="declared")
        self._store = self._thread.submit(DeclarationStore.open, path, status_ttl_s=status_ttl_s).result()
        self._pinned: OrderedDict[int, Pinned] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self._asked: set[asyncio.Task[None]] = set()
        self.failures = 0
        self.latency = Latency("declaration asked for until its answer is queued")

    def start(self) -> None:
        """Begin to look for changes."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop looking and close the store."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        self._thread.shutdown()

    def ask(self, command: AskDeclaration) -> None:
        """Look a code up; the answer comes through ``emit``."""
        task = asyncio.create_task(self._answer(command))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    def observe(self, item: AnyInput, step: Step, arrived_ns: int, durable_ns: int) -> None:
        """Follow which parcels are to be watched, and mark releases."""
        for event in step.events:
            self.follow(event)
            if type(event) is ParcelReleased and event.seq in self._pinned:
                carrier, waybill, _, _ = self._pinned[event.seq]
                self._thread.submit(self._mark, carrier, waybill, event.seq)

    def follow(self, event: Any) -> None:
        """Take one event in (also used when the journal is replayed)."""
        match event:
            case DeclarationPinned():
                self._pinned[event.seq] = (event.carrier, event.waybill, event.version, event.status_code)
                if len(self._pinned) > PINNED_MAX:
                    self._pinned.popitem(last=False)
            case StatusUpdated() if event.seq in self._pinned:
                carrier, waybill, version, _ = self._pinned[event.seq]
                self._pinned[event.seq] = (carrier, waybill, version, event.status_code)
            case CustodyMoved() if event.custody in GONE:
                self._pinned.pop(event.seq, None)
            case _:
                pass

    def figures(self) -> dict[str, Any]:
        """Figures for ``ask state``."""
        return {"watched": len(self._pinned), "failures": self.failures, "latency_ms": self.latency.figures()}

    async def _answer(self, command: AskDeclaration) -> None:
        began = time.monotonic()
        at_us, belt_um = self._stamp()
        try:
            answer = await asyncio.get_running_loop().run_in_executor(
                self._thread,
                lambda: self._store.answer(
                    command.seq, command.code, at_us=at_us, belt_um=belt_um, now_wall=time.time()
                ),
            )
            encode(answer)  # a number or text that the journal can't hold would end the core
        except STORE_FAULTS as error:
            self._failed(error)
            return
        self._emit(answer)
        self.latency.add((time.monotonic() - began) * 1_000)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        seen, looked_s = -1, 0.0
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                version = await loop.run_in_executor(self._thread, self._store.data_version)
                if version == seen and loop.time() - looked_s < FULL_LOOK_S:
                    continue
                seen, looked_s = version, loop.time()
                changes = await loop.run_in_executor(self._thread, self._changes, dict(self._pinned), self._stamp())
            except STORE_FAULTS as error:
                self._failed(error)
                seen = -1  # what was not told is looked for again
                continue
            for change in changes:
                self._tell(change)

    def _tell(self, change: StatusChanged) -> None:
        """Pass a change on. One that the journal can't hold says that nothing is known of the parcel any more."""
        try:
            encode(change)
        except CodecError as error:
            self._failed(error)
            change = replace(
                change, version="", status_code="", status_class=StatusClass.UNKNOWN, status_at="", grounds=()
            )
        self._emit(change)

    def _changes(self, pinned: dict[int, Pinned], stamp: tuple[int, int]) -> list[StatusChanged]:
        return self._store.changes(pinned, at_us=stamp[0], belt_um=stamp[1], now_wall=time.time())

    def _mark(self, carrier: str, waybill: str, seq: int) -> None:
        try:
            self._store.mark_released(carrier, waybill, seq, time.time())
        except sqlite3.Error as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        if self.failures == 1:
            log.error("the declarations store failed: %r; parcels without an answer go to INSPECT", error)
