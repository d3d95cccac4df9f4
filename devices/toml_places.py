"""Line numbers for keys of a TOML file, which ``tomllib`` does not give. Pure.

Reads headers (``[a.b]``, ``[[a]]``) and ``key =`` at the start of a statement. Keys inside inline tables have the line
of the statement they stand in; that is as near as an error message needs.
"""

import re

_HEADER = re.compile(r"^\s*(\[\[|\[)\s*([A-Za-z0-9_.\-]+)\s*\]")
_KEY = re.compile(r"""(?:^|;)\s*(?:"([^"]+)"|([A-Za-z0-9_\-]+))\s*=""")
_FAULT = re.compile(r"^(.*) \((?:at line ([0-9]+), (column [0-9]+)|at end of document)\)$", re.DOTALL)

Place = tuple[str | int, ...]


def places(text: str) -> dict[Place, int]:
    """Map of key path to line (from 1). Arrays of tables are numbered: ``("reg", 0, "addr")``."""
    found: dict[Place, int] = {}
    counts: dict[str, int] = {}
    here: Place = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            name = header.group(2)
            here = tuple(name.split("."))
            if header.group(1) == "[[":
                here = (*here, counts.get(name, 0))
                counts[name] = counts.get(name, 0) + 1
            found.setdefault(here, number)
            continue
        key = _KEY.match(line)
        if key:
            found.setdefault((*here, key.group(1) or key.group(2)), number)
    return found


def line_of(found: dict[Place, int], path: Place) -> int:
    """Line of a key path, or of the nearest table around it (1 when nothing is known)."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return 1


def syntax_fault(text: str, message: str) -> tuple[int, str]:
    """Line and reason out of ``tomllib``'s message about a text; a key that stands twice is named."""
    lines = text.splitlines()
    fault = _FAULT.match(message)
    if fault is None:
        return 1, message
    number = int(fault.group(2)) if fault.group(2) else max(len(lines), 1)
    reason = fault.group(1)
    key = _KEY.match(lines[number - 1]) if number <= len(lines) else None
    if reason == "Cannot overwrite a value" and key:
        return number, f"{key.group(1) or key.group(2)}: this key stands here twice, expected once"
    return number, f"{reason} ({fault.group(3) or 'end of file'})"
