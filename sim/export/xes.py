"""XES (IEEE 1849-2016): one trace per parcel, events in the order of the journal. Own code."""

import re
from pathlib import Path
from xml.sax.saxutils import quoteattr

from sim.export.log import Event, EventLog, Value, iso
from sim.outputs import whole_file

EXTENSIONS = (
    ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
    ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ("Lifecycle", "lifecycle", "http://www.xes-standard.org/lifecycle.xesext"),
    ("Organizational", "org", "http://www.xes-standard.org/org.xesext"),
)
SCHEDULED = frozenset({"ReviewRequested", "InspectionOrdered"})
"""Events that ask for something; all others are complete when they are recorded."""
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_xes(path: Path, log: EventLog) -> int:
    """Write the log; returns the number of traces. Events of no parcel have no trace and are left out."""
    traces: dict[int, list[Event]] = {}
    for event in log.events:
        if event.case:
            traces.setdefault(event.case, []).append(event)
    with whole_file(path) as fresh, fresh.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write('<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">\n')
        for name, prefix, uri in EXTENSIONS:
            file.write(f'  <extension name="{name}" prefix="{prefix}" uri="{uri}"/>\n')
        file.write('  <global scope="trace">\n    <string key="concept:name" value=""/>\n  </global>\n')
        file.write('  <global scope="event">\n    <string key="concept:name" value=""/>\n')
        file.write('    <date key="time:timestamp" value="1970-01-01T00:00:00.000000Z"/>\n')
        file.write('    <string key="lifecycle:transition" value="complete"/>\n  </global>\n')
        file.write('  <classifier name="Activity" keys="concept:name"/>\n')
        for name, value in (("concept:name", log.name), ("origin", log.origin), ("config_sha256", log.config_sha256)):
            file.write("  " + _attribute(name, value))
        for case, events in traces.items():
            file.write("  <trace>\n    " + _attribute("concept:name", f"parcel-{case}"))
            for event in events:
                file.write("    <event>\n" + "".join("      " + line for line in _lines(event)) + "    </event>\n")
            file.write("  </trace>\n")
        file.write("</log>\n")
    return len(traces)


def _lines(event: Event) -> list[str]:
    who = event.person or event.device
    lines = [
        _attribute("concept:name", event.kind),
        f'<date key="time:timestamp" value="{iso(event.at)}"/>\n',
        _attribute("lifecycle:transition", "schedule" if event.kind in SCHEDULED else "complete"),
    ]
    if who:
        lines.append(_attribute("org:resource", who))
    return [*lines, *(_attribute(name, value) for name, value in event.attributes.items())]


def _attribute(name: str, value: Value) -> str:
    kind = {bool: "boolean", int: "int"}.get(type(value), "string")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{kind} key={quoteattr(name)} value={quoteattr(_legal(text))}/>\n"


def _legal(text: str) -> str:
    """Without the characters that XML 1.0 can't hold (section 2.2), and without carriage returns."""
    return _NO_XML.sub("", text)
