"""Records of one released and one diverted parcel, and a journal stand-in with only the tables the outbox needs."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lane.events import parcel as p
from lane.inputs import DeclarationAnswer, LaneStarted, ScanStored
from lane.model.grounds import Ground
from lane.model.words import (
    Evidence,
    FindingKind,
    Instruction,
    LaneKind,
    MessageKind,
    Route,
    StatusClass,
    Tracking,
    Via,
)
from lane.release.outbox import OutboxProjection
from lane.release.render import idempotency_key
from vision.item_count import Acquisition, Origin

SITE, LANE = "HZ01", "L3"
WALL = "2025-11-21T01:31:00.000Z"


class Book:
    """A database with the outbox projection, fed record by record."""

    def __init__(
        self, path: Path | str, *, kind: LaneKind = LaneKind.TWIN, speed: int = 1, test_receivers: bool = True
    ) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("CREATE TABLE signed_checkpoint(size INTEGER PRIMARY KEY, note TEXT)")
        self.projection = OutboxProjection(site=SITE, lane=LANE, kind=kind, speed=speed, test_receivers=test_receivers)
        self.connection.executescript(self.projection.tables)
        self.index = 0

    def feed(self, items: Iterable[Any]) -> None:
        """One transaction."""
        with self.connection:
            for item in items:
                self.projection.apply(self.connection, self.index, item)
                self.index += 1


def started(at_us: int = 0, wall_at: str = WALL) -> LaneStarted:
    """Header record."""
    return LaneStarted(
        at_us=at_us,
        belt_um=0,
        restart=True,
        boot_id="b",
        wall_at=wall_at,
        synchronised=True,
        lane_kind=LaneKind.TWIN,
        config_sha256="c" * 64,
        build_sha256="d" * 64,
    )


def passage(seq: int, at_us: int, *, route: Route = Route.RELEASE, origin: Origin = Origin.SYNTHETIC) -> list[Any]:
    """Everything from induct eye to the proven exit, with its message."""
    return [
        *declared(seq, at_us),
        *pictured(seq, at_us, route, origin),
        decided(seq, at_us, route),
        *left(seq, at_us, route),
    ]


def _image(seq: int) -> str:
    return f"{seq:064x}"


def _grounds(route: Route) -> tuple[Ground, ...]:
    return () if route is Route.RELEASE else (Ground.COUNT_SHORT,)


def declared(seq: int, at_us: int) -> list[Any]:
    """From the induct eye to the pinned declaration."""
    return [
        p.ParcelInducted(at_us=at_us, belt_um=0, seq=seq, head_um=0),
        p.ParcelIdentified(
            at_us=at_us + 1_200_000, belt_um=0, seq=seq, code=f"T{seq}", parcel_key=f"T{seq}", grounds=()
        ),
        DeclarationAnswer(
            at_us=at_us + 1_250_000,
            belt_um=0,
            seq=seq,
            found=True,
            carrier="4101986180",
            waybill=f"T{seq}",
            version="e" * 64,
            list_no="L1",
            order_no="O1",
            status_code="800",
            status_class=StatusClass.RELEASED,
            status_at="20251121093000001",
            gross_mg=6_100_000,
            net_mg=6_000_000,
        ),
        p.DeclarationPinned(
            at_us=at_us + 1_250_000,
            belt_um=0,
            seq=seq,
            carrier="4101986180",
            waybill=f"T{seq}",
            version="e" * 64,
            list_no="L1",
            order_no="O1",
            status_code="800",
            status_class=StatusClass.RELEASED,
        ),
    ]


def pictured(seq: int, at_us: int, route: Route, origin: Origin) -> list[Any]:
    """Weight, picture, and what is seen in it: one item too few, when the parcel is to be inspected."""
    finding, seen = (FindingKind.MATCH, 6) if route is Route.RELEASE else (FindingKind.SHORT, 5)
    return [
        p.ParcelWeighed(at_us=at_us + 2_200_000, belt_um=0, seq=seq, mg=6_120_000, error_mg=3_000),
        ScanStored(
            at_us=at_us + 5_000_000,
            belt_um=0,
            seq=seq,
            image_sha256=_image(seq),
            lines=300,
            line_from=1,
            line_to=300,
            from_um=0,
            to_um=360_000,
            head_um=1,
            tail_um=300_000,
            gaps=0,
            acquisition=Acquisition.SUCCESSFUL,
            origin=origin,
        ),
        p.ParcelScanned(at_us=at_us + 5_000_000, belt_um=0, seq=seq, image_sha256=_image(seq), length_um=300_000),
        p.ContentCompared(
            at_us=at_us + 5_200_000,
            belt_um=0,
            seq=seq,
            image_sha256=_image(seq),
            finding=finding,
            lines=(
                p.LineFinding(
                    line_no=1,
                    finding=finding,
                    expected_lo=6,
                    expected_hi=6,
                    seen_lo=seen,
                    seen_hi=seen,
                    p_ppm=990_000,
                    reason="",
                ),
            ),
            unexplained=0,
            p_declared_ppm=990_000,
            model_sha256="f" * 64,
            signatures="s",
            grounds=_grounds(route),
            advisory=(),
        ),
    ]


def decided(seq: int, at_us: int, route: Route) -> p.DispositionDecided:
    """The decision at the decision point."""
    released = route is Route.RELEASE
    return p.DispositionDecided(
        at_us=at_us + 14_000_000,
        belt_um=0,
        seq=seq,
        route=route,
        instruction=Instruction.NONE if released else Instruction.OPEN,
        status_class=StatusClass.RELEASED,
        evidence=Evidence.CLEAR if released else Evidence.DISCREPANT,
        drawn=False,
        tracking=Tracking.SOUND,
        grounds=_grounds(route),
        cleared=(),
        advisory=(),
        image_sha256=_image(seq),
        matrix_sha256="a" * 64,
    )


def left(seq: int, at_us: int, route: Route) -> list[Any]:
    """The way out: by a permit through the gate, or to the bench; and the message of it."""
    if route is Route.RELEASE:
        return [
            p.PermitIssued(
                at_us=at_us + 14_000_000, belt_um=0, seq=seq, permit_no=9, from_um=1, to_um=2, not_after_us=3
            ),
            p.ParcelReleased(
                at_us=at_us + 16_000_000, belt_um=8_000_000, seq=seq, via=Via.GATE, permit_no=9, exit_um=8_000_000
            ),
            queued(seq, MessageKind.RELEASE, at_us + 16_000_000),
        ]
    return [
        p.ParcelDiverted(
            at_us=at_us + 16_000_000, belt_um=8_000_000, seq=seq, instruction=Instruction.OPEN, grounds=_grounds(route)
        ),
        queued(seq, MessageKind.INSPECT, at_us + 16_000_000),
    ]


def queued(seq: int, kind: MessageKind, at_us: int, *, revision: int = 1, via: Via = Via.GATE) -> p.MessageQueued:
    """The record that queues a message."""
    key = idempotency_key(SITE, LANE, seq, kind, revision)
    return p.MessageQueued(
        at_us=at_us, belt_um=0, seq=seq, message=kind, revision=revision, via=via, idempotency_key=key
    )
