"""The store of declarations as the runtime and the command line use it.

``DeclarationStore.open(path)`` opens RUN/declarations.db (or the folder that holds it). Reading never waits for an
import. Wall times are whole Unix seconds.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lane.declarations.answer import Verdict, answer_flags, declared_items, judge
from lane.declarations.keys import normal_key
from lane.declarations.reading import ListState, find_waybills, read_inbound, read_lists, window_s
from lane.declarations.schema import LISTS_DDL, LISTS_FILE, RELEASED_DDL, RELEASED_FILE, StoreError, connect
from lane.declarations.tables import Tables, load_tables
from lane.declarations.writer import Writer, heard_feed
from lane.inputs import DeclarationAnswer, StatusChanged
from lane.model.grounds import Ground
from lane.model.words import StatusClass

STATUS_TTL_S = 600
"""A status counts as known while its feed spoke within this time (own choice; ``status_ttl_s`` of the lane file)."""
TOLD_MAX = 10_000
"""Answers remembered for parcels that are not (yet) watched: the oldest are forgotten."""
Facts = tuple[str, str, StatusClass, tuple[Ground, ...]]
"""What a parcel was last told: (version, status code, class, grounds)."""
FEEDS = ("ceb", "csv", "json", "postal")
"""Status feeds, one per format: a receipt of the format, or a heartbeat, is a sign of life."""
Pinned = tuple[str, str, str, str]
"""What the lane knows of a parcel: (carrier, waybill, version, status code)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """Figures of a store."""

    lists: int
    waybills: int
    receipts: int
    waiting: int
    files: int
    rejected: int
    warned: int
    orders: int
    waybill_messages: int
    inbound: int
    released: int
    feeds: tuple[tuple[str, int], ...]
    bytes_on_disk: int


class DeclarationStore:
    """Declared lists, receipts and releases in one data folder.

    Responsible for what is known of a waybill at a moment. Not responsible for reading files (interfaces) and for
    what follows from an answer (core). One instance per thread of use; any number of instances and processes.
    """

    def __init__(self, path: Path, lists: sqlite3.Connection, released: sqlite3.Connection | None, ttl_s: int) -> None:
        self.path = path
        self.status_ttl_s = ttl_s
        self.tables: Tables = load_tables()
        self._lists = lists
        self._released = released
        self._told: dict[int, Facts] = {}

    @classmethod
    def open(cls, path: Path | str, *, readonly: bool = False, status_ttl_s: int = STATUS_TTL_S) -> Self:
        """Open the store at a database file or in a folder, creating it unless ``readonly``.

        ``readonly`` neither imports nor marks releases. Raises ``StoreError`` or ``TableError`` (config).
        """
        place = Path(path)
        file = place if place.suffix == ".db" else place / LISTS_FILE
        lists = connect(file, LISTS_DDL, readonly=readonly, durable=False)
        beside = file.with_name(RELEASED_FILE)
        released = None
        if not readonly or beside.exists():
            released = connect(beside, RELEASED_DDL, readonly=readonly, durable=True)
        return cls(file, lists, released, status_ttl_s)

    def close(self) -> None:
        """Close both files."""
        self._lists.close()
        if self._released is not None:
            self._released.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def writer(self) -> Writer:
        """The importing side (see ``lane.interfaces.importer``)."""
        return Writer(self._lists)

    def data_version(self) -> int:
        """A number that changes when another connection committed lists or receipts."""
        return int(self._lists.execute("PRAGMA data_version").fetchone()[0])

    def heartbeat(self, feed: str, now_wall: float) -> None:
        """A status feed is alive although it has nothing to report."""
        heard_feed(self._lists, feed, int(now_wall))

    def heartbeat_all(self, now_wall: float) -> None:
        """Whoever delivers to this store is alive, whatever the format."""
        for feed in FEEDS:
            heard_feed(self._lists, feed, int(now_wall))

    def feed_fresh(self, feed: str, now_wall: float) -> bool:
        """Whether a feed spoke within the time to live. A feed heard in the future (clock stepped) is not fresh."""
        row = self._lists.execute("SELECT heard_at FROM feed WHERE name=?", (feed,)).fetchone()
        return row is not None and -self.status_ttl_s <= int(now_wall) - int(row[0]) <= self.status_ttl_s

    def answer(self, seq: int, code: str, *, at_us: int, belt_um: int, now_wall: float) -> DeclarationAnswer:
        """What is declared for the label ``code`` of parcel ``seq``, for the controller."""
        waybill = normal_key(code)
        verdict = self._judge(waybill, now_wall) if waybill else judge((), lambda feed: False)
        self._told[seq] = _facts(verdict)
        grounds = verdict.grounds
        if self._released_before(seq, waybill, verdict.chosen, int(now_wall)):
            grounds += (Ground.DUPLICATE_WAYBILL,)
        state = verdict.chosen
        if state is None:
            return DeclarationAnswer(
                at_us=at_us, belt_um=belt_um, seq=seq, found=bool(verdict.grounds), waybill=waybill,
                status_class=verdict.status_class, grounds=grounds,
            )  # fmt: skip
        declaration = state.declaration
        return DeclarationAnswer(
            at_us=at_us,
            belt_um=belt_um,
            seq=seq,
            found=True,
            carrier=declaration.key.carrier,
            waybill=declaration.key.waybill,
            version=state.version,
            list_no=declaration.list_no,
            order_no=declaration.order_no,
            declarant=declaration.agent_code or declaration.ebc_code,
            status_code=state.status.code,
            status_class=verdict.status_class,
            status_at=state.status.at,
            reason=str(state.status.reason),
            gross_mg=declaration.gross_mg,
            net_mg=declaration.net_mg,
            items=declared_items(declaration, self.tables),
            grounds=grounds,
            flags=answer_flags(state, self.tables),
            precheck=state.precheck,
        )

    def changes(
        self, pinned: Mapping[int, Pinned], *, at_us: int = 0, belt_um: int = 0, now_wall: float
    ) -> list[StatusChanged]:
        """What changed for parcels on the lane or in the release area since they were told.

        Each change is reported once. A parcel whose list vanished (several carriers now claim it) is reported with
        an empty version. Call it when ``data_version`` moved and, because feeds fall silent without a sign, at
        least once per second.
        """
        changed: list[StatusChanged] = []
        told: dict[int, Facts] = {}
        for seq in [seq for seq in self._told if seq not in pinned][:-TOLD_MAX]:
            del self._told[seq]
        for seq, (_, waybill, version, code) in pinned.items():
            verdict = self._judge(normal_key(waybill), now_wall)
            state = verdict.chosen
            facts = _facts(verdict)
            expected = self.tables.status_class(code) if version else StatusClass.NONE
            if facts == self._told.get(seq, (version, code, expected, ())):
                continue
            told[seq] = facts
            change = StatusChanged(
                at_us=at_us, belt_um=belt_um, seq=seq, version=facts[0], status_code=facts[1],
                status_class=verdict.status_class, status_at=state.status.at if state else "", grounds=verdict.grounds,
            )  # fmt: skip
            changed.append(change)
        self._told.update(told)  # only now: a store that failed on the way has told nothing
        return changed

    def mark_released(self, carrier: str, waybill: str, seq: int, now_wall: float) -> None:
        """Parcel ``seq`` left by the release exit or the bench: a later one with this key is a duplicate."""
        if self._released is None:
            raise StoreError(f"{self.path}: opened for reading; releases can't be marked")
        row = (normal_key(waybill), normal_key(carrier), seq, int(now_wall))
        self._released.execute("INSERT OR IGNORE INTO released VALUES (?,?,?,?)", row)

    def lists_of(self, waybill: str, now_wall: float) -> list[ListState]:
        """Every list of a waybill inside its key window, latest first (for the screen)."""
        return read_lists(self._lists, normal_key(waybill), int(now_wall), self.tables)

    def verdict_of(self, waybill: str, now_wall: float) -> Verdict:
        """Which list speaks for the waybill, and the doubts (for the screen)."""
        return self._judge(normal_key(waybill), now_wall)

    def waybills_of(self, number: str) -> list[str]:
        """Waybills of the lists with this list, pre-entry or own number."""
        return find_waybills(self._lists, number.strip())

    def inbound_of(self, waybill: str) -> list[tuple[str, str, int]]:
        """Inbound details (CEB711) that name the waybill: (carrier, bill number, line)."""
        return read_inbound(self._lists, normal_key(waybill))

    def stats(self) -> StoreStats:
        """Figures of this store."""
        one = self._lists.execute(
            "SELECT (SELECT count(*) FROM list), (SELECT count(DISTINCT waybill) FROM list), "
            "(SELECT count(DISTINCT body) FROM receipt), (SELECT count(*) FROM waiting), (SELECT count(*) FROM file), "
            "(SELECT coalesce(sum(rejected), 0) FROM file), (SELECT coalesce(sum(warned), 0) FROM file), "
            "(SELECT count(*) FROM order_facts), (SELECT count(*) FROM waybill_facts), (SELECT count(*) FROM inbound)"
        ).fetchone()
        feeds = self._lists.execute("SELECT name, heard_at FROM feed ORDER BY name").fetchall()
        released = 0
        if self._released is not None:
            released = int(self._released.execute("SELECT count(*) FROM released").fetchone()[0])
        files_on_disk = (self.path, self.path.with_name(self.path.name + "-wal"))
        size = sum(file.stat().st_size for file in files_on_disk if file.exists())
        lists, waybills, receipts, waiting, files, rejected, warned, orders, waybill_messages, inbound = map(int, one)
        return StoreStats(
            lists=lists, waybills=waybills, receipts=receipts, waiting=waiting, files=files, rejected=rejected,
            warned=warned, orders=orders, waybill_messages=waybill_messages, inbound=inbound, released=released,
            feeds=tuple((str(name), int(heard)) for name, heard in feeds), bytes_on_disk=size,
        )  # fmt: skip

    def _judge(self, waybill: str, now_wall: float) -> Verdict:
        states = read_lists(self._lists, waybill, int(now_wall), self.tables)
        return judge(states, lambda feed: self.feed_fresh(feed, now_wall))

    def _released_before(self, seq: int, waybill: str, state: ListState | None, now_wall: int) -> bool:
        """Whether another parcel with this key was released inside its window."""
        if self._released is None or not waybill:
            return False
        rows = self._released.execute(
            "SELECT carrier, wall FROM released WHERE waybill=? AND seq!=?", (waybill, seq)
        ).fetchall()
        carrier = state.declaration.key.carrier if state else ""
        return any(
            wall >= now_wall - window_s(released_carrier)
            for released_carrier, wall in rows
            if not carrier or released_carrier == carrier
        )


def _facts(verdict: Verdict) -> Facts:
    state = verdict.chosen
    version, code = (state.version, state.status.code) if state else ("", "")
    return version, code, verdict.status_class, verdict.grounds
