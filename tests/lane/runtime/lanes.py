"""A small real lane for tests: configuration, journal, controller, without devices."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lane.clock import LaneClock, format_wall, wall_now
from lane.commands import AnyCommand, CloseEpoch
from lane.controller.core import LaneController
from lane.inputs import LaneStarted
from lane.journal.log import Journal, JournalLimits
from lane.journal.note import origin_of
from lane.model.config import CoreConfig
from lane.release.outbox import OutboxProjection
from lane.runtime.core import Core
from lane.runtime.epochs import Epochs
from lane.seal import Seal, SigningKey
from lane.settings.lane_file import load_lane

DEMO = Path(__file__).resolve().parents[3] / "config" / "lanes" / "demo.toml"
SMALL = JournalLimits(free_bytes_min=0, ballast_bytes=0)


def demo_config() -> CoreConfig:
    """The demo lane's core."""
    return load_lane(DEMO).core


def open_journal(run: Path, config: CoreConfig, keys: Path) -> Journal:
    """A journal with the outbox in it."""
    run.mkdir(exist_ok=True)
    projection = OutboxProjection(site=config.site, lane=config.lane, kind=config.kind, speed=1, test_receivers=True)
    return Journal.open(
        run,
        origin=origin_of(config.site, config.lane),
        signer=SigningKey.load(keys),
        projections=(projection,),
        limits=SMALL,
    )


def header(at_us: int = 0) -> LaneStarted:
    """Header record of a start."""
    config = demo_config()
    return LaneStarted(
        at_us=at_us,
        belt_um=0,
        restart=True,
        boot_id="b",
        wall_at=format_wall(wall_now()),
        synchronised=True,
        lane_kind=config.kind,
        config_sha256="c" * 64,
        build_sha256="d" * 64,
    )


@dataclass
class SmallLane:
    """A core over a real journal; commands are only collected."""

    run: Path
    controller: LaneController | None = None
    commands: list[AnyCommand] = field(default_factory=list)
    safe: list[AnyCommand] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = demo_config()
        self.keys = self.run.with_name(self.run.name + ".keys")
        self.journal = open_journal(self.run, self.config, self.keys)
        self.clock = LaneClock(1_000_000)
        self.core = Core(
            self.controller or LaneController(self.config),
            self.journal,
            self.clock,
            dispatch=self.commands.append,
            make_safe=self._safe,
            belt=lambda now: 0,
        )
        self.seal = Seal(self.keys, site=self.config.site, lane=self.config.lane, kind=self.config.kind, twin_seed=1)
        self.epochs = Epochs(
            self.seal,
            self.config.draw,
            twin=True,
            config_sha256="c" * 64,
            build_sha256="d" * 64,
            stamp=self.core.stamp,
        )

    async def _safe(self, commands: tuple[AnyCommand, ...]) -> None:
        self.safe.extend(commands)

    async def begin(self) -> None:
        """Header and epochs, as the core process does."""
        fresh = self.epochs.take_up(self.journal.epochs())
        await self.core.step(header(self.clock.now()))
        for item in (*fresh, *self.epochs.open_if_none()):
            await self.core.step(item)

    async def close_epoch(self) -> None:
        """Obey the last CloseEpoch command."""
        command = next(one for one in reversed(self.commands) if isinstance(one, CloseEpoch))
        await self.core.step(self.epochs.reveal(command.epoch, command.draws))
        for item in self.epochs.after_reveal(command.epoch):
            await self.core.step(item)

    async def give(self, *items: Any) -> None:
        """Handle inputs in order."""
        for item in items:
            await self.core.step(item)

    def run_async(self, coroutine: Any) -> Any:
        """Run to the end."""
        return asyncio.run(coroutine)
