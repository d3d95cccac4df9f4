"""OCEL 2.0 as JSON and as SQLite (ocel-standard.org, specification of October 2023), own code.

In JSON every attribute value is text, as the published schema wants it; the type stands with the event's or object's
type. In SQLite each type has a table of its own, named by its letters and digits.
"""

import json
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from sim.export.log import EPOCH, EventLog, Value, iso
from sim.outputs import whole_file, write_text

TYPES = {bool: "boolean", int: "integer", str: "string"}
COLUMNS = {"boolean": "BOOLEAN", "integer": "INTEGER", "string": "TEXT"}


def write_json(path: Path, log: EventLog) -> None:
    """Write the JSON form."""
    plain: dict[str, Any] = {
        "objectTypes": _types(
            (one.kind, {name: value for _, name, value in one.changes}) for one in log.objects.values()
        ),
        "eventTypes": _types((event.kind, event.attributes) for event in log.events),
        "objects": [
            {
                "id": one.id,
                "type": str(one.kind),
                "relationships": [{"objectId": each.target, "qualifier": each.qualifier} for each in one.relations],
                "attributes": [
                    {"name": name, "time": iso(at), "value": _text(value)} for at, name, value in one.changes
                ],
            }
            for one in log.objects.values()
        ],
        "events": [
            {
                "id": event.id,
                "type": event.kind,
                "time": iso(event.at),
                "relationships": [{"objectId": each.target, "qualifier": each.qualifier} for each in event.relations],
                "attributes": [{"name": name, "value": _text(value)} for name, value in event.attributes.items()],
            }
            for event in log.events
        ],
    }
    write_text(path, json.dumps(plain, ensure_ascii=False, separators=(",", ":")) + "\n")


def write_sqlite(path: Path, log: EventLog) -> None:
    """Write the relational form."""
    with whole_file(path) as fresh, closing(sqlite3.connect(fresh)) as database:
        database.executescript(_TABLES)
        object_types = _types(
            (one.kind, {name: value for _, name, value in one.changes}) for one in log.objects.values()
        )
        event_types = _types((event.kind, event.attributes) for event in log.events)
        objects = _make(database, "object", object_types, '"ocel_changed_field" TEXT')
        events = _make(database, "event", event_types, "")
        database.executemany("INSERT INTO event VALUES (?, ?)", ((event.id, event.kind) for event in log.events))
        database.executemany(
            "INSERT INTO object VALUES (?, ?)", ((one.id, str(one.kind)) for one in log.objects.values())
        )
        database.executemany(
            "INSERT INTO event_object VALUES (?, ?, ?)",
            ((event.id, each.target, each.qualifier) for event in log.events for each in event.relations),
        )
        database.executemany(
            "INSERT INTO object_object VALUES (?, ?, ?)",
            ((one.id, each.target, each.qualifier) for one in log.objects.values() for each in one.relations),
        )
        for event in log.events:
            _insert(database, events[event.kind], {"ocel_id": event.id, "ocel_time": iso(event.at), **event.attributes})
        for one in log.objects.values():
            first = {name: value for at, name, value in one.changes if at == EPOCH}
            row = {"ocel_id": one.id, "ocel_time": iso(EPOCH), **first}
            _insert(database, objects[one.kind], row)
            for at, name, value in one.changes:
                if at != EPOCH:
                    row = {"ocel_id": one.id, "ocel_time": iso(at), "ocel_changed_field": name, name: value}
                    _insert(database, objects[one.kind], row)
        database.commit()


_TABLES = """
CREATE TABLE "event" ("ocel_id" TEXT PRIMARY KEY, "ocel_type" TEXT NOT NULL);
CREATE TABLE "object" ("ocel_id" TEXT PRIMARY KEY, "ocel_type" TEXT NOT NULL);
CREATE TABLE "event_object" ("ocel_event_id" TEXT REFERENCES "event", "ocel_object_id" TEXT REFERENCES "object",
  "ocel_qualifier" TEXT, PRIMARY KEY ("ocel_event_id", "ocel_object_id", "ocel_qualifier"));
CREATE TABLE "object_object" ("ocel_source_id" TEXT REFERENCES "object", "ocel_target_id" TEXT REFERENCES "object",
  "ocel_qualifier" TEXT, PRIMARY KEY ("ocel_source_id", "ocel_target_id", "ocel_qualifier"));
CREATE TABLE "event_map_type" ("ocel_type" TEXT PRIMARY KEY, "ocel_type_map" TEXT UNIQUE NOT NULL);
CREATE TABLE "object_map_type" ("ocel_type" TEXT PRIMARY KEY, "ocel_type_map" TEXT UNIQUE NOT NULL);
"""


def _types(rows: Iterable[tuple[str, dict[str, Value]]]) -> list[dict[str, Any]]:
    """Types in the order of their first appearance, with the attributes that occur."""
    found: dict[str, dict[str, str]] = {}
    for kind, attributes in rows:
        known = found.setdefault(str(kind), {})
        for name, value in attributes.items():
            known.setdefault(name, TYPES[type(value)])
    return [
        {"name": kind, "attributes": [{"name": name, "type": word} for name, word in attributes.items()]}
        for kind, attributes in found.items()
    ]


def _make(database: sqlite3.Connection, what: str, types: list[dict[str, Any]], extra: str) -> dict[str, str]:
    """One table per type; returns their names by type."""
    tables = {}
    for one in types:
        short = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", one["name"]))
        columns = [f'"ocel_id" TEXT REFERENCES "{what}"', '"ocel_time" TEXT', *([extra] if extra else [])]
        columns += [f'"{each["name"]}" {COLUMNS[each["type"]]}' for each in one["attributes"]]
        database.execute(f'CREATE TABLE "{what}_{short}" ({", ".join(columns)})')
        database.execute(f"INSERT INTO {what}_map_type VALUES (?, ?)", (one["name"], short))
        tables[one["name"]] = f"{what}_{short}"
    return tables


def _insert(database: sqlite3.Connection, table: str, row: dict[str, Value]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    database.execute(f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(row))})', tuple(row.values()))


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
