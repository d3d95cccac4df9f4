"""Start from a journal: restart is replay (C3).

The controller is restored from the last snapshot and given every later input again; the events it makes must be the
ones in the journal, byte for byte, or this program must not go on with that journal.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace

from devices.io_image import IoResume, resume_point
from lane.clock import resumed_start_us, wall_now
from lane.codec import EVENT_KINDS, decode, encode
from lane.controller.core import LaneController
from lane.draw import epoch_key
from lane.events.machine import Snapshot
from lane.inputs import AnyInput, EpochOpened, EpochRevealed
from lane.journal.log import JOURNAL_NAME, Journal, connect_reader
from lane.journal.projections import EpochEntry
from lane.model.config import CoreConfig

LOOK_BACK = 50_000
"""Records searched backwards for the last ring event: a day's stillness leaves fewer than this."""


class RestartRefused(RuntimeError):
    """The journal and this program disagree about what followed from an input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """State regained: the controller, highest lane time and last belt position seen, inputs replayed."""

    controller: LaneController
    at_us: int
    belt_um: int
    inputs: int


def restore(journal: Journal, config: CoreConfig, open_key: bytes, follow: Callable[[Any], None]) -> Resumed:
    """Controller as it was when the journal ended.

    ``open_key``: secret of the epoch that is open by the journal (b"": none). ``follow`` sees every event replayed.
    Raises ``RestartRefused`` when the replay makes other events than the journal holds.
    """
    mark = journal.last_snapshot_index()
    start = mark + 1
    records = list(journal.records(max(mark, 0)))
    keys = _keys(records, open_key, journal.epochs())
    at_us = belt_um = 0
    if mark >= 0:
        snapshot = decode(records.pop(0)[1])
        assert isinstance(snapshot, Snapshot), f"record {mark} is no snapshot"
        controller = LaneController.restore(config, snapshot.state, open_key)
        if controller.open_epoch in keys:  # revealed since: no key file holds its secret any more
            controller = LaneController.restore(config, snapshot.state, keys[controller.open_epoch])
        at_us, belt_um = snapshot.at_us, snapshot.belt_um
    else:
        controller = LaneController(config)
    expected: deque[bytes] = deque()
    inputs = 0
    for index, body in records:
        item = decode(body)
        if type(item).__name__ in EVENT_KINDS:
            of_snapshot = mark >= 0 and inputs == 0  # the rest of the transaction that the snapshot stands in
            if not of_snapshot and (not expected or expected.popleft() != body):
                raise RestartRefused(_disagreement(index))
            follow(item)
            continue
        if expected:
            raise RestartRefused(_disagreement(index))
        if isinstance(item, EpochOpened):
            item = replace(item, key=keys.get(item.epoch, b""))
        step = controller.handle(cast("AnyInput", item))
        expected = deque(encode(event) for event in step.events)
        at_us, belt_um = max(at_us, item.at_us), max(belt_um, item.belt_um)
        inputs += 1
    if expected:
        raise RestartRefused(_disagreement(start + len(records)))
    return Resumed(controller=controller, at_us=at_us, belt_um=belt_um, inputs=inputs)


def _disagreement(index: int) -> str:
    return (
        f"record {index}: this program draws other conclusions than the one that wrote the journal; run `lane replay`, "
        "go on with the program version named in the last header record, or begin a new run"
    )


def _keys(records: list[tuple[int, bytes]], open_key: bytes, epochs: Sequence[EpochEntry]) -> dict[int, bytes]:
    """Keys of the epochs opened or revealed in these records: from the reveals, the last one from its sealed file.

    ``epochs``: what the journal knows of all of them; the opening of the first may stand before these records.
    """
    known = {entry.epoch: entry for entry in epochs}
    keys: dict[int, bytes] = {}
    for _, body in records:
        if b'"EpochOpened"' not in body and b'"EpochRevealed"' not in body:
            continue
        item = decode(body)
        if isinstance(item, EpochOpened):
            keys[item.epoch] = open_key
        elif isinstance(item, EpochRevealed) and item.epoch in known:
            entry = known[item.epoch]
            keys[item.epoch] = epoch_key(
                bytes.fromhex(item.secret), bytes.fromhex(entry.commitment), bytes.fromhex(entry.nonce)
            )
    return keys


def start_us(run: Path, last_us: int, speed: int) -> int:
    """Lane time at which this process begins, from the last header record and the wall clock."""
    reader = connect_reader(run / JOURNAL_NAME)
    try:
        row = reader.execute("SELECT at_us, wall_at FROM header ORDER BY idx DESC LIMIT 1").fetchone()
    finally:
        reader.close()
    at_us, wall_at = row if row else (0, "")
    return resumed_start_us(last_us, at_us, wall_at, speed, wall_now())


def io_resume(run: Path) -> IoResume | None:
    """Where event ring and encoder go on: at the last ring event in the journal (None: there is none)."""
    reader = connect_reader(run / JOURNAL_NAME)
    try:
        for (body,) in reader.execute("SELECT body FROM record ORDER BY idx DESC LIMIT ?", (LOOK_BACK,)):
            if b'"ring_seq":' not in body:
                continue
            point = resume_point(decode(body))
            if point is not None:
                return point
    finally:
        reader.close()
    return None
