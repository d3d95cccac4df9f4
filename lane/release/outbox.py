"""The outbox: a projection of the journal, written in the journal's own transaction.

So a message exists exactly when the record that proves it does: no crash can lose one or invent one. Rendered bytes
are kept; every repetition sends the same. The same tables answer "where is parcel X".
"""

import hashlib
import json
import sqlite3
from collections import OrderedDict
from datetime import timedelta
from typing import Any

from lane.clock import format_wall, parse_wall
from lane.codec import canonical
from lane.events.machine import MessageDone
from lane.events.parcel import MessageQueued
from lane.inputs import LaneStarted
from lane.model.words import LaneKind
from lane.release.dossier import Dossier, fold, new_dossier
from lane.release.render import render

DOSSIERS_KEPT = 1_000
"""Dossiers held in memory: far more than stand on a belt and at its bench; older ones are read back."""

TABLES = """
CREATE TABLE IF NOT EXISTS header(idx INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, wall_at TEXT NOT NULL,
  synchronised INTEGER NOT NULL, speed INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS passage(seq INTEGER PRIMARY KEY, waybill TEXT NOT NULL, code TEXT NOT NULL,
  list_no TEXT NOT NULL, custody TEXT NOT NULL, container TEXT NOT NULL, recalled INTEGER NOT NULL,
  dossier TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS passage_waybill ON passage(waybill);
CREATE INDEX IF NOT EXISTS passage_code ON passage(code);
CREATE INDEX IF NOT EXISTS passage_container ON passage(container) WHERE container <> '';
CREATE TABLE IF NOT EXISTS outbox(idempotency_key TEXT PRIMARY KEY, idx INTEGER NOT NULL UNIQUE, seq INTEGER NOT NULL,
  kind TEXT NOT NULL, synthetic INTEGER NOT NULL, queued_at_us INTEGER NOT NULL, done_at_us INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'refused')), body BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox(idx) WHERE state = 'waiting';
"""


class OutboxProjection:
    """Keeps dossiers, custody and messages in step with the journal (a ``lane.journal`` Projection).

    ``test_receivers``: all destinations are test receivers. Otherwise synthetic messages are ``refused``: kept, shown,
    never sent.
    """

    tables: str = TABLES

    def __init__(self, *, site: str, lane: str, kind: LaneKind, speed: int, test_receivers: bool) -> None:
        self._site = site
        self._lane = lane
        self._kind = kind
        self._speed = speed
        self._test_receivers = test_receivers
        self._dossiers: OrderedDict[int, Dossier] = OrderedDict()
        self._header: tuple[int, str, int] | None = None

    def apply(self, connection: sqlite3.Connection, index: int, item: Any) -> None:
        """Take one record in (inside the journal's transaction)."""
        match item:
            case LaneStarted():
                self._header = (item.at_us, item.wall_at, self._speed)
                connection.execute(
                    "INSERT OR REPLACE INTO header VALUES (?, ?, ?, ?, ?)",
                    (index, item.at_us, item.wall_at, int(item.synchronised), self._speed),
                )
            case MessageQueued():
                self._queue(connection, index, item)
            case MessageDone():
                connection.execute(
                    "UPDATE outbox SET state = 'done', done_at_us = ? WHERE idempotency_key = ? AND state = 'waiting'",
                    (item.at_us, item.idempotency_key),
                )
            case _:
                seq = getattr(item, "seq", 0)
                if seq > 0:
                    self._fold(connection, index, seq, item)

    def _fold(self, connection: sqlite3.Connection, index: int, seq: int, item: Any) -> None:
        dossier = self._dossier(connection, seq)
        if not fold(dossier, index, item):
            return
        connection.execute(
            "INSERT OR REPLACE INTO passage VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                seq,
                dossier["waybill"],
                dossier["code"],
                dossier["list_no"],
                dossier["custody"],
                dossier["container"],
                int(bool(dossier["recall"])),
                canonical(dossier).decode(),
            ),
        )

    def _queue(self, connection: sqlite3.Connection, index: int, event: MessageQueued) -> None:
        dossier = self._dossier(connection, event.seq)
        synthetic = self._kind is LaneKind.TWIN or dossier["image_origin"] not in ("", "MACHINE")
        body = render(
            event,
            dossier,
            site=self._site,
            lane=self._lane,
            synthetic=synthetic,
            checkpoint=_newest_checkpoint(connection),
            wall=lambda at_us: self._wall(connection, at_us),
        )
        state = "refused" if synthetic and not self._test_receivers else "waiting"
        connection.execute(
            "INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?, ?, ?, -1, ?, ?)",
            (
                event.idempotency_key,
                index,
                event.seq,
                event.message.value,
                int(synthetic),
                event.at_us,
                state,
                body,
            ),
        )

    def _dossier(self, connection: sqlite3.Connection, seq: int) -> Dossier:
        dossier = self._dossiers.pop(seq, None)
        if dossier is None:
            row = connection.execute("SELECT dossier FROM passage WHERE seq = ?", (seq,)).fetchone()
            dossier = json.loads(row[0]) if row else new_dossier(seq)
        self._dossiers[seq] = dossier
        if len(self._dossiers) > DOSSIERS_KEPT:
            self._dossiers.popitem(last=False)
        return dossier

    def _wall(self, connection: sqlite3.Connection, at_us: int) -> str:
        if self._header is None:
            self._header = connection.execute(
                "SELECT at_us, wall_at, speed FROM header ORDER BY idx DESC LIMIT 1"
            ).fetchone()
        return wall_of(at_us, self._header)


def wall_of(at_us: int, header: tuple[int, str, int] | None) -> str:
    """Wall time of a lane time, from a header record (lane time, wall time, speed); "" when unknown."""
    if header is None or at_us < 0:
        return ""
    header_us, wall_at, speed = header
    return format_wall(parse_wall(wall_at) + timedelta(microseconds=(at_us - header_us) // speed))


def _newest_checkpoint(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT note FROM signed_checkpoint ORDER BY size DESC LIMIT 1").fetchone()
    if row is None:
        return ""
    note = row[0] if isinstance(row[0], bytes) else str(row[0]).encode()
    return hashlib.sha256(note).hexdigest()


def waiting(connection: sqlite3.Connection) -> int:
    """Messages not yet acknowledged."""
    return int(connection.execute("SELECT count(*) FROM outbox WHERE state = 'waiting'").fetchone()[0])
