"""Builds a finished run directory without a controller: honest records of a few parcels over two draw epochs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices.signals import GateInPosition, GatePosition
from lane.events.machine import GateProven
from lane.events.parcel import (
    BenchRecorded,
    DispositionDecided,
    MessageQueued,
    ParcelDiverted,
    ParcelReleased,
    ParcelScanned,
    PermitIssued,
    PermitUsed,
)
from lane.events.union import AnyEvent
from lane.evidence import EvidenceStore
from lane.inputs import AnyInput, EpochOpened, LaneStarted, ScanStored
from lane.journal.log import Journal, JournalLimits
from lane.model.grounds import Ground
from lane.model.words import (
    BenchResult,
    Design,
    Evidence,
    Instruction,
    LaneKind,
    MessageKind,
    Route,
    StatusClass,
    Tracking,
    Via,
)
from lane.seal import Seal, SigningKey, keys_folder
from tests.lane.journal_items import LANE, ORIGIN, SITE, drawn, eye, inducted
from vision.item_count import Acquisition, Origin

SMALL = JournalLimits(free_bytes_min=0, ballast_bytes=0)


@dataclass
class RunBuilder:
    """Writes one run; ``alter`` may change any record before it is written."""

    run: Path
    rate: str = "1/3"
    typed: str = ""
    """Digits of one typed nonce for all epochs (empty: the twin's seeded nonces)."""
    design: Design = Design.RATE_HELD
    now: int = 0
    seq: int = 0
    n: int = 0
    selected: int = 0
    passages: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)
    alter: Any = staticmethod(lambda item: [item])

    def __post_init__(self) -> None:
        self.signer = SigningKey.of_twin(7)
        self.journal = Journal.open(self.run, origin=ORIGIN, signer=self.signer, limits=SMALL)
        self.seal = Seal(keys_folder(self.run), site=SITE, lane=LANE, kind=LaneKind.TWIN, twin_seed=7)
        self.images = EvidenceStore(self.run)
        self.opened: EpochOpened | None = None
        self.draws = 0
        self.put(
            LaneStarted(
                at_us=0,
                belt_um=0,
                restart=True,
                boot_id="b",
                wall_at="2026-01-01T00:00:00Z",
                synchronised=True,
                lane_kind=LaneKind.TWIN,
                config_sha256="",
                build_sha256="",
            )
        )
        for item in self.seal.start(self.journal.epochs(), at_us=0, belt_um=0):
            self.put(item)
        nonces = (
            self.seal.enter_for_all(self.typed, by="wang", at_us=0, belt_um=0)
            if self.typed
            else self.seal.twin_nonces(at_us=0, belt_um=0)
        )
        for nonce in nonces:
            self.put(nonce)

    def put(self, item: AnyInput, *events: AnyEvent) -> None:
        """Append an input with its events."""
        self.now += 1
        changed = [one for event in events for one in self.alter(event)]
        for one in self.alter(item):
            self.journal.append(one, changed)

    def at(self) -> dict[str, int]:
        """Coordinates of the next record."""
        return {"at_us": self.now, "belt_um": self.now * 2}

    def open_epoch(self) -> None:
        """Open the next epoch."""
        self.opened = self.seal.open_next(
            rate=self.rate, design=self.design, config_sha256="", build_sha256="", **self.at()
        )
        self.draws = 0
        self.put(self.opened)

    def reveal(self) -> None:
        """Close and reveal the open epoch."""
        assert self.opened is not None
        self.put(self.seal.reveal(self.opened.epoch, self.draws, **self.at()))
        self.seal.forget(self.opened.epoch)

    def parcel(self, key: str) -> bool:
        """One parcel from induction to its exit; returns whether its draw was effective."""
        assert self.opened is not None
        self.seq += 1
        seq, at = self.seq, self.at()
        self.put(eye(at["at_us"]), inducted(seq, at["at_us"]))
        before = self.passages.setdefault(key, []) if key else []
        sticky = max([one for one, effective in before if effective], default=0)
        draw = drawn(self.opened, seq, key, self.n, self.selected, at["at_us"], len(before), sticky)
        before.append((seq, draw.effective))
        self.n, self.selected, self.draws = (
            self.n + draw.counts,
            self.selected + (draw.counts and draw.drawn),
            self.draws + 1,
        )
        self.put(eye(at["at_us"] + 1, eye="reader"), draw)
        image = self.images.put(b"image of parcel %d " % seq * 5)
        self.put(
            ScanStored(
                **self.at(),
                seq=seq,
                image_sha256=image,
                lines=1,
                line_from=1,
                line_to=1,
                from_um=0,
                to_um=1,
                head_um=0,
                tail_um=1,
                gaps=0,
                acquisition=Acquisition.SUCCESSFUL,
                origin=Origin.SYNTHETIC,
            ),
            ParcelScanned(**self.at(), seq=seq, image_sha256=image, length_um=1),
        )
        self._exit(seq, image, draw.effective)
        return draw.effective

    def _exit(self, seq: int, image: str, effective: bool) -> None:
        grounds = (Ground.RANDOM_DRAW,) if effective else ()
        decided = DispositionDecided(
            **self.at(),
            seq=seq,
            route=Route.INSPECT if effective else Route.RELEASE,
            instruction=Instruction.OPEN if effective else Instruction.NONE,
            status_class=StatusClass.RELEASED,
            evidence=Evidence.CLEAR,
            drawn=effective,
            tracking=Tracking.SOUND,
            grounds=grounds,
            cleared=(),
            advisory=(),
            image_sha256=image,
            matrix_sha256="",
        )
        if effective:
            self.put(eye(self.now, eye="divert"), decided)
            self.put(
                eye(self.now, eye="exit"),
                ParcelDiverted(**self.at(), seq=seq, instruction=Instruction.OPEN, grounds=grounds),
            )
            bench = BenchRecorded(
                **self.at(),
                seq=seq,
                result=BenchResult.INSPECTED_AND_RELEASED,
                found=((1, 1),),
                seal="",
                person="wang",
                second="",
            )
            self.put(eye(self.now), bench, *self._released(seq, Via.BENCH))
            return
        self.put(
            eye(self.now, eye="divert"),
            decided,
            PermitIssued(**self.at(), seq=seq, permit_no=seq, from_um=0, to_um=1, not_after_us=1),
        )
        self.put(
            GateInPosition(**self.at(), position=GatePosition.RELEASE, permit_no=seq),
            GateProven(**self.at(), position="RELEASE", permit_no=seq),
            PermitUsed(**self.at(), seq=seq, permit_no=seq),
        )
        self.put(eye(self.now, eye="exit"), *self._released(seq, Via.GATE))

    def _released(self, seq: int, via: Via) -> tuple[AnyEvent, ...]:
        return (
            ParcelReleased(**self.at(), seq=seq, via=via, permit_no=seq if via is Via.GATE else 0, exit_um=0),
            MessageQueued(
                **self.at(), seq=seq, message=MessageKind.RELEASE, revision=1, via=via, idempotency_key=f"k{seq}"
            ),
        )


def finished_run(run: Path, parcels: int = 6, **changes: Any) -> RunBuilder:
    """A run of two epochs, one parcel inducted twice, one without a code; orderly ended."""
    builder = RunBuilder(run, **changes)
    for _ in range(2):
        builder.open_epoch()
        for at in range(parcels // 2):
            builder.parcel(["A", "", "B", "C", "D"][at % 5])
            builder.journal.checkpoint()
        builder.reveal()
    builder.journal.close()
    return builder
