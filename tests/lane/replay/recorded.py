"""A small lane whose real controller writes a real journal: the source of runs to verify and to replay."""

import hashlib
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lane.codec import INPUT_KINDS, canonical, decode, to_plain
from lane.commands import CloseEpoch, Step
from lane.controller.core import LaneController
from lane.events.machine import Snapshot
from lane.evidence import EvidenceStore
from lane.inputs import AnyInput, EpochNonce, EpochOpened, LaneStarted, ScanStored
from lane.journal.log import Journal, JournalLimits
from lane.model.config import DrawConfig
from lane.model.words import LaneKind
from lane.seal import Seal, SigningKey, keys_folder
from tests.lane.core.boxes import Box, config
from tests.lane.core.miniplant import MiniPlant
from tests.lane.journal_items import LANE, ORIGIN, SITE

SMALL = JournalLimits(free_bytes_min=0, ballast_bytes=0)


class RecordedPlant(MiniPlant):
    """``MiniPlant`` with journal, seal and evidence store under it; ``restart`` kills and restores the core."""

    def __init__(self, run: Path, rate: str = "1/4") -> None:
        super().__init__(config(draw=DrawConfig(rate=rate)))
        self.path = run
        (run / "config").mkdir(parents=True)
        core = canonical(to_plain(self.config))
        (run / "config" / "core.json").write_bytes(core + b"\n")
        self.images = EvidenceStore(run)
        self.signer = SigningKey.of_twin(3)
        self._open_stores()

    def _open_stores(self) -> None:
        self.journal = Journal.open(self.path, origin=ORIGIN, signer=self.signer, limits=SMALL)
        self.seal = Seal(keys_folder(self.path), site=SITE, lane=LANE, kind=LaneKind.TWIN, twin_seed=3)
        self.draws = 0
        self.hooks[CloseEpoch] = self._close_epoch

    def give(self, item: AnyInput) -> Step:
        """Hand one input to the core; its records are durable before anything is obeyed."""
        if isinstance(item, LaneStarted):
            digest = hashlib.sha256((self.path / "config" / "core.json").read_bytes()).hexdigest()
            item = replace(item, config_sha256=digest)
        if isinstance(item, ScanStored):
            assert self.images.put(b"%d" % item.seq) == item.image_sha256
        step = self.core.handle(item)
        self.journal.append(item, step.events)
        return self.heard(item, step)

    def open_epoch(self) -> None:
        """The seal opens the next epoch."""
        self._top_up()
        draw = self.config.draw
        self.give(
            self.seal.open_next(rate=draw.rate, design=draw.design, config_sha256="c", build_sha256="d", **self.now())
        )

    def _top_up(self) -> None:
        for item in self.seal.start(self.journal.epochs(), **self.now()):
            self.give(item)
        nonces: list[EpochNonce] = self.seal.twin_nonces(**self.now())
        for nonce in nonces:
            self.give(nonce)

    def _close_epoch(self, command: CloseEpoch) -> bool:
        self.give(self.seal.reveal(command.epoch, command.draws, **self.now()))
        self.seal.forget(command.epoch)
        self.open_epoch()
        return True

    def restart(self) -> None:
        """Kill the core and restore another one from the journal, as a real start does."""
        self.journal._let_go()
        self.journal._lane_lock.release()
        self._open_stores()
        self.seal.start(self.journal.epochs(), **self.now())
        mark = self.journal.last_snapshot_index()
        snapshot: Any = decode(next(self.journal.records(mark))[1])
        assert isinstance(snapshot, Snapshot)
        self.core = LaneController.restore(self.config, snapshot.state, self.seal.resume(self.seal.open_epoch))
        for _, body in self.journal.records(mark + 1):
            item: Any = decode(body)
            if type(item).__name__ in INPUT_KINDS:
                if isinstance(item, EpochOpened):
                    item = replace(item, key=self.seal.resume(item.epoch))
                self.core.handle(item)

    def end(self) -> None:
        """Orderly end: the open epoch is revealed, the journal closed."""
        state = self.core.state
        self.give(self.seal.reveal(self.core.open_epoch, state.draw.draws, **self.now()))
        self.journal.close()


def recorded_run(run: Path, boxes: int = 8) -> RecordedPlant:
    """A run of a few boxes, from start to an orderly end."""
    plant = RecordedPlant(run)
    plant.start()
    for number in range(boxes):
        plant.lay(Box(code=f"T{number + 1:09d}", seen=2 - (number % 4 == 3)))
    plant.run(60_000_000)
    plant.end()
    return plant
