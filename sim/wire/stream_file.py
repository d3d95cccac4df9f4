"""Parcel streams as JSON lines: one parcel a line, integers and words only, unknown keys refused."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sim.streams.truth import DeclaredLineTruth, DeclaredTruth, ParcelTruth, Planted


def write_stream(path: Path, parcels: Sequence[ParcelTruth]) -> None:
    """Write the parcels, one line each."""
    lines = (json.dumps(asdict(parcel), ensure_ascii=False, separators=(",", ":")) + "\n" for parcel in parcels)
    path.write_text("".join(lines), encoding="utf-8")


def read_stream(path: Path) -> list[ParcelTruth]:
    """Read a stream. Raises ``ValueError`` naming file, line and fault."""
    parcels = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            parcels.append(_parcel(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}:{number}: expected a parcel of a stream: {error}") from error
    return parcels


def _parcel(plain: dict[str, Any]) -> ParcelTruth:
    declared = plain.pop("declared")
    length, width, height = plain.pop("carton_mm")
    return ParcelTruth(
        declared=None if declared is None else _declared(declared),
        carton_mm=(length, width, height),
        contents=tuple((str(sku), int(pieces)) for sku, pieces in plain.pop("contents")),
        planted=Planted(plain.pop("planted")),
        **plain,
    )


def _declared(plain: dict[str, Any]) -> DeclaredTruth:
    lines = tuple(DeclaredLineTruth(**line) for line in plain.pop("lines"))
    return DeclaredTruth(lines=lines, **plain)


class Handed:
    """Hands the parcels to the feeder as a warehouse does: the next comes one headway after the last was taken.

    A lane that stands still therefore finds no queue of all that would have arrived meanwhile. ``now_us`` is the
    plant time at which the feeder asks, which is when it took the parcel before.
    """

    def __init__(self, parcels: Sequence[ParcelTruth]) -> None:
        self._parcels = parcels
        self.now_us = 0

    def __iter__(self) -> Iterator[ParcelTruth]:
        arrival_us = 0
        for number, parcel in enumerate(self._parcels):
            headway_us = parcel.arrival_us - arrival_us
            arrival_us = parcel.arrival_us
            yield replace(parcel, arrival_us=self.now_us + headway_us) if number else parcel
