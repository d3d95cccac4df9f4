"""Positions and gate times of a lane file: all that plant and devices need of it (``lane check`` judges the rest)."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from lane.model.config import GateConfig, Layout


def read_layout(path: Path) -> tuple[Layout, GateConfig]:
    """Layout and gate. Raises ``ValueError`` naming file and key."""
    with path.open("rb") as file:
        data = tomllib.load(file)
    layout = {item.name: _um(path, data, item.name) for item in fields(Layout)}
    travel_ms = data.get("gate", {}).get("travel_ms", GateConfig().travel_us // 1_000)
    return Layout(**layout), GateConfig(travel_us=int(travel_ms) * 1_000)


def _um(path: Path, data: dict[str, Any], name: str) -> int:
    key = name.replace("_um", "_mm", 1)
    value = data.get("layout", {}).get(key)
    if value is None and name == "eye_window_um":
        return 20_000
    if not isinstance(value, int):
        raise ValueError(f"{path}: layout.{key}: expected millimetres, was {value!r}")
    return value * 1_000
