"""Readers of OCEL 2.0 and XES, written from the standards and not from our writers.

OCEL: ocel-standard.org, specification of October 2023, sections JSON and SQLite, and the published JSON schema's
required members. XES: IEEE 1849-2016, XML serialisation.
"""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from lxml import etree

XES = "{http://www.xes-standard.org/}"
OCEL_TYPES = {"string", "time", "integer", "float", "boolean"}
Rows = dict[str, Any]


def read_ocel_json(path: Path) -> Rows:
    """Objects and events by id, values as their declared types. Asserts what the published schema requires."""
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert set(plain) == {"eventTypes", "objectTypes", "events", "objects"}
    types = {}
    for what in ("eventTypes", "objectTypes"):
        for one in plain[what]:
            assert set(one) == {"name", "attributes"}
            assert all(set(each) == {"name", "type"} and each["type"] in OCEL_TYPES for each in one["attributes"])
            types[what, one["name"]] = {each["name"]: each["type"] for each in one["attributes"]}
        names = Counter(one["name"] for one in plain[what])
        assert max(names.values()) == 1
    return {
        "events": {one["id"]: _event(one, types["eventTypes", one["type"]]) for one in _unique(plain["events"])},
        "objects": {one["id"]: _object(one, types["objectTypes", one["type"]]) for one in _unique(plain["objects"])},
    }


def _unique(rows: list[Rows]) -> list[Rows]:
    ids = Counter(one["id"] for one in rows)
    assert ids, "expected some"
    assert max(ids.values()) == 1, "expected unique ids"
    return rows


def _relations(one: Rows) -> list[tuple[str, str]]:
    assert all(set(each) == {"objectId", "qualifier"} for each in one["relationships"])
    return sorted((each["objectId"], each["qualifier"]) for each in one["relationships"])


def _cast(text: Any, kind: str) -> Any:
    assert isinstance(text, str), "the published schema wants text"
    return _words(text, integer=kind == "integer", boolean=kind == "boolean")


def _words(text: str, *, integer: bool, boolean: bool) -> Any:
    if boolean:
        return {"true": True, "false": False}[text]
    return int(text) if integer else text


def _event(one: Rows, types: dict[str, str]) -> Rows:
    values = {each["name"]: _cast(each["value"], types[each["name"]]) for each in one["attributes"]}
    return {"type": one["type"], "time": moment(one["time"]), "values": values, "relations": _relations(one)}


def _object(one: Rows, types: dict[str, str]) -> Rows:
    changes = [
        (moment(each["time"]), each["name"], _cast(each["value"], types[each["name"]])) for each in one["attributes"]
    ]
    return {"type": one["type"], "changes": sorted(changes, key=str), "relations": _relations(one)}


def moment(text: str) -> datetime:
    """A time with its zone."""
    at = datetime.fromisoformat(text)
    assert at.tzinfo is not None
    return at


def read_ocel_sqlite(path: Path) -> Rows:
    """The same from the relational form."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        events: Rows = {}
        objects: Rows = {}
        for row in database.execute("SELECT ocel_type, ocel_type_map FROM event_map_type"):
            for one in _table(database, f"event_{row['ocel_type_map']}"):
                identity, at = one.pop("ocel_id"), moment(one.pop("ocel_time"))
                values = {name: value for name, value in one.items() if value is not None}
                events[identity] = {"type": row["ocel_type"], "time": at, "values": values, "relations": []}
        for row in database.execute("SELECT ocel_type, ocel_type_map FROM object_map_type"):
            for one in _table(database, f"object_{row['ocel_type_map']}"):
                identity, at, changed = one.pop("ocel_id"), moment(one.pop("ocel_time")), one.pop("ocel_changed_field")
                kept = objects.setdefault(identity, {"type": row["ocel_type"], "changes": [], "relations": []})
                fresh = {name: value for name, value in one.items() if value is not None}
                assert changed is None or set(fresh) == {changed}
                assert (changed is None) == (at.timestamp() == 0)
                kept["changes"] += [(at, name, value) for name, value in fresh.items()]
        for told, found in (("event", events), ("object", objects)):
            rows = database.execute(f"SELECT ocel_id, ocel_type FROM {told}").fetchall()
            assert {row["ocel_id"]: row["ocel_type"] for row in rows} == {
                name: one["type"] for name, one in found.items()
            }
        for row in database.execute("SELECT * FROM event_object"):
            events[row["ocel_event_id"]]["relations"].append((row["ocel_object_id"], row["ocel_qualifier"]))
        for row in database.execute("SELECT * FROM object_object"):
            objects[row["ocel_source_id"]]["relations"].append((row["ocel_target_id"], row["ocel_qualifier"]))
    for one in (*events.values(), *objects.values()):
        one["relations"].sort()
    for one in objects.values():
        one["changes"].sort(key=str)
    return {"events": events, "objects": objects}


def _table(database: sqlite3.Connection, name: str) -> list[Rows]:
    """Rows of a type's table; BOOLEAN columns as booleans."""
    kinds = {row["name"]: row["type"] for row in database.execute(f'PRAGMA table_info("{name}")')}
    rows = [dict(row) for row in database.execute(f'SELECT * FROM "{name}"')]
    for row in rows:
        for column, value in row.items():
            if kinds[column] == "BOOLEAN" and value is not None:
                assert value in (0, 1)
                row[column] = bool(value)
    return rows


def read_xes(path: Path) -> dict[str, list[Rows]]:
    """Events of each trace, values by key. Asserts order and form of the elements."""
    root = etree.parse(str(path)).getroot()
    assert root.tag == f"{XES}log"
    assert root.get("xes.version") == "1849.2016"
    order = [etree.QName(one).localname for one in root]
    ranks = {"extension": 0, "global": 1, "classifier": 2, "string": 3, "trace": 4}
    assert [ranks[name] for name in order] == sorted(ranks[name] for name in order)
    assert {one.get("prefix") for one in root.iter(f"{XES}extension")} == {"concept", "time", "lifecycle", "org"}
    traces: dict[str, list[Rows]] = {}
    for trace in root.iter(f"{XES}trace"):
        (name,) = [one.get("value") for one in trace if one.tag == f"{XES}string"]
        traces[str(name)] = [{str(each.get("key")): _value(each) for each in one} for one in trace.iter(f"{XES}event")]
    return traces


def _value(one: Any) -> Any:
    text = str(one.get("value"))
    kind = etree.QName(one).localname
    assert kind in ("string", "date", "int", "boolean")
    return moment(text) if kind == "date" else _words(text, integer=kind == "int", boolean=kind == "boolean")
