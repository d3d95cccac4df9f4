"""The demo lane's configuration as plain figures, and a physical parcel with what the world says about it."""

import dataclasses
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from devices.commands import ArmDetector
from lane.commands import Count
from lane.disposition import parse_matrix
from lane.inputs import DeclarationAnswer, ScanStored, VisionResult
from lane.model.config import CarrierPattern, CoreConfig, DrawConfig, Layout
from lane.model.declared import DeclaredItem
from lane.model.words import LaneKind, Mode, StatusClass
from vision.item_count import Acquisition, ItemCount, LineCount, Origin

MODEL = "m" * 64
MM = 1_000
MATRIX = parse_matrix((Path(__file__).parents[3] / "config" / "disposition.csv").read_text())
LAYOUT = Layout(
    reader_um=600 * MM, scale_um=1_100 * MM, tunnel_entry_um=1_700 * MM, detector_um=2_300 * MM,
    tunnel_exit_um=2_900 * MM, second_reader_um=6_700 * MM, divert_um=7_200 * MM, gate_um=7_350 * MM,
    exit_release_um=8_000 * MM, exit_inspect_um=8_000 * MM, parcel_um_min=120 * MM, parcel_um_max=800 * MM,
    gap_um_min=300 * MM,
)  # fmt: skip
CARRIERS = (CarrierPattern(name="test", prefix="T", length_min=8, length_max=20, alphabet="alnum", check="none"),)


def config(**changes: Any) -> CoreConfig:
    """The demo lane's figures, with a draw that selects nobody unless a test says otherwise."""
    base = CoreConfig(
        site="HZ01", lane="L3", kind=LaneKind.TWIN, mode=Mode.PRODUCTION, speed_um_s=500 * MM, layout=LAYOUT,
        matrix=MATRIX, matrix_sha256="x" * 64, model_sha256=MODEL, carriers=CARRIERS,
        draw=DrawConfig(rate="0"), review_enabled=False, bench_places=400,
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


@dataclass
class Box:
    """One physical parcel and what the world says about it."""

    code: str = ""
    length_um: int = 400 * MM
    longer_um: int = 0
    declared: int = 2
    seen: int = 2
    gross_mg: int = 1_000_000
    scale_mg: int = 1_000_000
    status: StatusClass = StatusClass.RELEASED
    found: bool = True
    p_ppm: int = 990_000
    scan: bool = True
    vision: bool = True
    readable: bool = True
    answer: dict[str, Any] = field(default_factory=dict)
    image: dict[str, Any] = field(default_factory=dict)
    counted: dict[str, Any] = field(default_factory=dict)
    at_um: int = 0
    placed: bool = False
    skip_eyes: tuple[str, ...] = ()
    slip_um: dict[str, int] = field(default_factory=dict)
    removed_at_um: int = 0
    exit: str = ""
    inducted: bool = False
    covering: list[str] = field(default_factory=list)


def declared(box: Box, seq: int, **now: int) -> DeclarationAnswer:
    """What the declarations store says of a box."""
    if not box.found:
        return DeclarationAnswer(at_us=now["at_us"], belt_um=now["belt_um"], seq=seq, found=False)
    item = DeclaredItem(
        line_no=1, sku="SKU1", name="milk powder", hs_code="1901101000", qty_e5=box.declared * 100_000, unit="007",
        count_lo=box.declared, count_hi=box.declared, rule="[q, q]", unit_mg=400_000,
    )  # fmt: skip
    base = DeclarationAnswer(
        at_us=now["at_us"], belt_um=now["belt_um"], seq=seq, found=True, carrier="C", waybill=box.code, version="v1",
        status_code="800", status_class=box.status, gross_mg=box.gross_mg, net_mg=box.gross_mg, items=(item,),
        declarant="D1",
    )  # fmt: skip
    changes = {name: value for name, value in box.answer.items() if name in DeclarationAnswer.__struct_fields__}
    return replace(base, **changes)


def scanned(
    command: ArmDetector, box: Box, head_um: int, first: int, lines: int, origin: Origin, **now: int
) -> ScanStored:
    """The picture of a box, as the scan receiver reports it."""
    return ScanStored(
        at_us=now["at_us"], belt_um=now["belt_um"], seq=command.seq,
        image_sha256=sha256(b"%d" % command.seq).hexdigest(), lines=lines, line_from=first, line_to=first + lines - 1,
        from_um=command.from_um, to_um=command.to_um, head_um=head_um, gaps=0,
        tail_um=head_um + box.length_um + box.longer_um,
        acquisition=Acquisition.SUCCESSFUL, origin=origin,
    )  # fmt: skip


def counted(command: Count, box: Box, **now: int) -> VisionResult:
    """The count of that picture."""
    line = LineCount(line_no=1, count_lo=box.seen, count_hi=box.seen, p_ppm=box.p_ppm)
    count = ItemCount(
        image_sha256=command.image_sha256, lines=(line,), p_declared_ppm=box.p_ppm, unexplained=0, total_lo=box.seen,
        total_hi=box.seen, acquisition=Acquisition.SUCCESSFUL, model_sha256=MODEL, signatures="s1",
    )  # fmt: skip
    return VisionResult(
        at_us=now["at_us"], belt_um=now["belt_um"], seq=command.seq, count=replace(count, **box.counted)
    )
