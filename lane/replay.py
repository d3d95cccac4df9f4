"""Replay: the recorded inputs, once more through the bare core, must give the recorded journal byte for byte.

Every event and every snapshot is compared. The secret keys of the draw epochs, which no record holds, come from the
reveals (closed epochs) or from the sealed key files beside the run (open ones).
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lane.codec import INPUT_KINDS, CodecError, decode, encode, from_plain, parse
from lane.controller.core import LaneController
from lane.draw import epoch_key
from lane.events.machine import Snapshot
from lane.inputs import AnyInput, EpochOpened, LaneStarted
from lane.journal.log import JOURNAL_NAME, connect_closed, connect_reader
from lane.journal.memory import RunHash
from lane.model.config import CoreConfig
from lane.seal import SealError, keys_folder, sealed_key

CONFIG_NAME = Path("config") / "core.json"
PROGRESS_EVERY = 1_000


class ReplayError(Exception):
    """The run can't be replayed: names file, record and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """First record that replaying made otherwise ("" where one side has none)."""

    index: int
    recorded: str
    replayed: str


@dataclass(slots=True, kw_only=True)
class ReplayReport:
    """Hashes of the recorded and of the replayed journal, and where they part."""

    recorded_sha256: str = ""
    replayed_sha256: str = ""
    inputs: int = 0
    events: int = 0
    snapshots: int = 0
    builds: list[str] = field(default_factory=list)
    """Hashes of the programs that recorded the run, in the order in which they started."""
    difference: Difference | None = None

    @property
    def equal(self) -> bool:
        """Whether the replayed journal is the recorded one."""
        return self.difference is None and self.recorded_sha256 == self.replayed_sha256

    def plain(self) -> dict[str, Any]:
        """The report for ``--json``."""
        difference = self.difference
        return {
            "equal": self.equal,
            "journal_sha256": self.recorded_sha256,
            "replayed_sha256": self.replayed_sha256,
            "inputs": self.inputs,
            "events": self.events,
            "snapshots": self.snapshots,
            "builds": self.builds,
            "difference": difference
            and {"index": difference.index, "recorded": difference.recorded, "replayed": difference.replayed},
        }


@dataclass(slots=True)
class _Step:
    """One recorded input with the events that followed it."""

    index: int
    item: AnyInput
    body: bytes
    events: list[bytes] = field(default_factory=list)


def load_config(run: Path) -> CoreConfig:
    """The core's configuration as the run recorded it. Raises ReplayError."""
    path = run / CONFIG_NAME
    try:
        return from_plain(CoreConfig, parse(path.read_bytes().strip()))
    except (OSError, CodecError) as error:
        raise ReplayError(f"{path}: expected the run's core configuration ({error})") from error


def replay(run: Path, progress: Callable[[int], None] | None = None) -> ReplayReport:
    """Run the recorded inputs of a run through a fresh controller. Raises ReplayError when that can't be done."""
    config = load_config(run)
    core, report = LaneController(config), ReplayReport()
    recorded, replayed = RunHash(), RunHash()
    keys = _Keys(run, config)
    for step in _steps(run):
        item = step.item
        if isinstance(item, LaneStarted) and item.build_sha256 not in report.builds:
            report.builds.append(item.build_sha256)
        if isinstance(item, EpochOpened):
            item = replace(item, key=keys.of(item))
        made = [step.body, *[encode(event) for event in core.handle(item).events]]
        found = [step.body, *step.events]
        report.inputs += 1
        report.events += len(step.events)
        for body in found:
            recorded.add(body)
            report.snapshots += b'"kind":"' + Snapshot.__name__.encode() + b'"' in body
        for body in made:
            replayed.add(body)
        if made != found and report.difference is None:
            report.difference = _difference(step.index, found, made)
        if progress and report.inputs % PROGRESS_EVERY == 0:
            progress(step.index)
    report.recorded_sha256, report.replayed_sha256 = recorded.hexdigest(), replayed.hexdigest()
    return report


def _difference(index: int, found: list[bytes], made: list[bytes]) -> Difference:
    at = next((at for at, pair in enumerate(zip(found, made, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(found), len(made)) if at is None else at
    texts = [(side[at].decode() if at < len(side) else "") for side in (found, made)]
    return Difference(index=index + at, recorded=texts[0], replayed=texts[1])


def _reader(run: Path) -> sqlite3.Connection:
    """A closed run is read without leaving a trace in it; an open or broken one together with its write-ahead log."""
    waits = (run / f"{JOURNAL_NAME}-wal").exists()
    return connect_reader(run / JOURNAL_NAME) if waits else connect_closed(run / JOURNAL_NAME)


def _steps(run: Path) -> Iterator[_Step]:
    """Inputs with their events, in order. Raises ReplayError on a record that can't be read."""
    if not (run / JOURNAL_NAME).is_file():
        raise ReplayError(f"{run}: expected a run directory with {JOURNAL_NAME}")
    reader = _reader(run)
    step: _Step | None = None
    try:
        for index, body in reader.execute("SELECT idx, body FROM record ORDER BY idx"):
            try:
                item = decode(body)
            except (CodecError, TypeError, AttributeError) as error:
                raise ReplayError(f"{run / JOURNAL_NAME}: record {index}: {error}; run `lane verify` first") from error
            if type(item).__name__ in INPUT_KINDS:
                if step is not None:
                    yield step
                step = _Step(index, item, body)  # type: ignore[arg-type]
            elif step is None:
                raise ReplayError(f"{run / JOURNAL_NAME}: record {index} is an event without an input before it")
            else:
                step.events.append(body)
    finally:
        reader.close()
    if step is not None:
        yield step


class _Keys:
    """Secret keys of the run's draw epochs."""

    def __init__(self, run: Path, config: CoreConfig) -> None:
        self._run, self._config = run, config
        self._secrets: dict[int, bytes] = {}
        if not (run / JOURNAL_NAME).is_file():
            return
        reader = _reader(run)
        try:
            marker = b'"kind":"EpochRevealed"'
            for (body,) in reader.execute("SELECT body FROM record WHERE instr(body, ?) > 0", (marker,)):
                plain = parse(body)
                self._secrets[plain["epoch"]] = bytes.fromhex(plain["secret"])
        finally:
            reader.close()

    def of(self, opened: EpochOpened) -> bytes:
        """K of an epoch. Raises ReplayError when neither reveal nor key file has it."""
        secret = self._secrets.get(opened.epoch)
        if secret is not None:
            return epoch_key(secret, bytes.fromhex(opened.commitment), bytes.fromhex(opened.nonce))
        config = self._config
        try:
            return sealed_key(
                keys_folder(self._run),
                site=config.site,
                lane=config.lane,
                epoch=opened.epoch,
                nonce=bytes.fromhex(opened.nonce),
            )
        except SealError as error:
            raise ReplayError(
                f"draw epoch {opened.epoch} is neither revealed in the run nor sealed: {error}"
            ) from error
