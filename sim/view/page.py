"""One self-contained HTML page from a film: style, script and data inside, nothing from the network."""

import html
import json
from importlib import resources
from typing import Any


def page(film: dict[str, Any]) -> str:
    """The page. The data stand in a script element that no browser runs; ``<`` can't end it."""
    parts = {
        "%TITLE%": html.escape(f"{film['name']} - belt"),
        "%STYLE%": _static("view.css"),
        "%SCRIPT%": _static("view.js"),
        "%FILM%": json.dumps(film, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    text = _static("view.html")
    for place, part in parts.items():  # the data come last: what they hold is not looked at again
        text = text.replace(place, part)
    return text


def _static(name: str) -> str:
    return (resources.files("sim.view") / "static" / name).read_text(encoding="utf-8")
