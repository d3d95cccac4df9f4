"""What is known of one parcel, as a fold over the journal's records: the source of messages, custody and manifests.

A dossier is plain data (words, integers, lists), so that it can be kept as canonical JSON beside the journal.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from lane.codec import encode
from lane.events import parcel as p
from lane.inputs import DeclarationAnswer, ScanStored, StatusChanged, VisionResult
from lane.model.words import BenchResult, Custody, Via

Dossier = dict[str, Any]

BENCH_PLACE: dict[BenchResult, Custody] = {
    BenchResult.INSPECTED_AND_RELEASED: Custody.IN_RELEASE_AREA,
    BenchResult.ORDER_MODIFIED: Custody.HELD,
    BenchResult.ORDER_DELETED: Custody.BACK_IN_WAREHOUSE,
    BenchResult.TRANSFERRED_TO_ANTI_SMUGGLING: Custody.WITH_AUTHORITY,
    BenchResult.RETURNED: Custody.BACK_IN_WAREHOUSE,
    BenchResult.DETAINED: Custody.WITH_AUTHORITY,
    BenchResult.RESCAN: Custody.AT_BENCH,
}
"""Where a parcel is after its bench result. INSPECTED_AND_RELEASED moves only with its ``ParcelReleased``."""


def new_dossier(seq: int) -> Dossier:
    """A parcel of which nothing is known but its number. Unknown text is "", an unknown mass -1."""
    return {
        "seq": seq,
        "code": "",
        "carrier": "",
        "waybill": "",
        "list_no": "",
        "order_no": "",
        "version": "",
        "status": {"code": "", "class": "NONE", "return_time": ""},
        "scale_mg": -1,
        "gross_mg": -1,
        "net_mg": -1,
        "findings": [],
        "image_sha256": "",
        "image_origin": "",
        "vision_sha256": "",
        "model_sha256": "",
        "permit_no": 0,
        "decision": {"route": "INSPECT", "instruction": "NONE", "grounds": [], "cleared": [], "drawn": False},
        "matrix_sha256": "",
        "exit": {"eye": "", "belt_mm": -1},
        "proof": {"index": -1, "leaf_sha256": ""},
        "bench": {},
        "recall": {},
        "at_us": {"inducted": -1, "scanned": -1, "decided": -1, "exited": -1},
        "custody": Custody.ON_BELT.value,
        "container": "",
        "place_at_us": -1,
    }


def fold(dossier: Dossier, index: int, item: Any) -> bool:
    """Take one record of this parcel in; whether it changed anything."""
    handler = _HANDLERS.get(type(item))
    if handler is None:
        return False
    handler(dossier, item)
    if type(item) in _PROOFS:
        leaf = hashlib.sha256(b"\x00" + encode(item)).hexdigest()
        dossier["proof"] = {"index": index, "leaf_sha256": leaf}
    return True


def _place(dossier: Dossier, custody: Custody, at_us: int, container: str = "") -> None:
    dossier["custody"], dossier["container"], dossier["place_at_us"] = custody.value, container, at_us


def _inducted(dossier: Dossier, item: p.ParcelInducted) -> None:
    dossier["at_us"]["inducted"] = item.at_us
    _place(dossier, Custody.ON_BELT, item.at_us)


def _identified(dossier: Dossier, item: p.ParcelIdentified) -> None:
    dossier["code"] = item.code


def _answered(dossier: Dossier, item: DeclarationAnswer) -> None:
    dossier["gross_mg"], dossier["net_mg"] = item.gross_mg, item.net_mg
    dossier["status"]["return_time"] = item.status_at


def _pinned(dossier: Dossier, item: p.DeclarationPinned) -> None:
    dossier["carrier"], dossier["waybill"] = item.carrier, item.waybill
    dossier["list_no"], dossier["order_no"], dossier["version"] = item.list_no, item.order_no, item.version
    dossier["status"] |= {"code": item.status_code, "class": item.status_class.value}


def _status_changed(dossier: Dossier, item: StatusChanged) -> None:
    dossier["status"]["return_time"] = item.status_at


def _status(dossier: Dossier, item: p.StatusUpdated) -> None:
    dossier["status"] |= {"code": item.status_code, "class": item.status_class.value}


def _weighed(dossier: Dossier, item: p.ParcelWeighed) -> None:
    dossier["scale_mg"] = item.mg


def _stored(dossier: Dossier, item: ScanStored) -> None:
    dossier["image_origin"] = item.origin.value


def _scanned(dossier: Dossier, item: p.ParcelScanned) -> None:
    dossier["image_sha256"] = item.image_sha256
    dossier["at_us"]["scanned"] = item.at_us


def _counted(dossier: Dossier, item: VisionResult) -> None:
    dossier["vision_sha256"] = hashlib.sha256(encode(item)).hexdigest()


def _compared(dossier: Dossier, item: p.ContentCompared) -> None:
    dossier["model_sha256"] = item.model_sha256
    dossier["findings"] = [
        {
            "line_no": line.line_no,
            "finding": line.finding.value,
            "expected": [line.expected_lo, line.expected_hi],
            "seen": [line.seen_lo, line.seen_hi],
        }
        for line in item.lines
    ]


def _decided(dossier: Dossier, item: p.DispositionDecided) -> None:
    dossier["at_us"]["decided"] = item.at_us
    dossier["matrix_sha256"] = item.matrix_sha256
    dossier["status"]["class"] = item.status_class.value
    dossier["decision"] = {
        "route": item.route.value,
        "instruction": item.instruction.value,
        "grounds": [ground.value for ground in item.grounds],
        "cleared": [ground.value for ground in item.cleared],
        "drawn": item.drawn,
    }


def _permitted(dossier: Dossier, item: p.PermitIssued) -> None:
    dossier["permit_no"] = item.permit_no


def _released(dossier: Dossier, item: p.ParcelReleased) -> None:
    if item.via is Via.GATE:
        dossier["exit"] = {"eye": "EXIT_RELEASE", "belt_mm": item.exit_um // 1_000}
        dossier["at_us"]["exited"] = item.at_us
    _place(dossier, Custody.IN_RELEASE_AREA, item.at_us)


def _diverted(dossier: Dossier, item: p.ParcelDiverted) -> None:
    dossier["decision"] |= {
        "route": "INSPECT",
        "instruction": item.instruction.value,
        "grounds": [ground.value for ground in item.grounds],
    }
    dossier["exit"] = {"eye": "EXIT_INSPECT", "belt_mm": item.belt_um // 1_000}
    dossier["at_us"]["exited"] = item.at_us
    _place(dossier, Custody.AT_BENCH, item.at_us)


def _unproven(dossier: Dossier, item: p.CustodyUnproven) -> None:
    _place(dossier, Custody.UNPROVEN, item.at_us)


def _moved(dossier: Dossier, item: p.CustodyMoved) -> None:
    _place(dossier, item.custody, item.at_us, item.container)


def _bench(dossier: Dossier, item: p.BenchRecorded) -> None:
    dossier["bench"] = {
        "result": item.result.value,
        "found": [{"line_no": line_no, "pieces": pieces} for line_no, pieces in item.found],
        "seal": item.seal,
        "person": item.person,
        "second": item.second,
        "at_us": item.at_us,
    }
    if item.result is not BenchResult.INSPECTED_AND_RELEASED:
        _place(dossier, BENCH_PLACE[item.result], item.at_us)


def _recalled(dossier: Dossier, item: p.RecallRaised) -> None:
    dossier["recall"] = {
        "reason": "STATUS_WORSENED",
        "status": {"code": item.status_code, "class": item.status_class.value},
        "at_us": item.at_us,
    }


_HANDLERS: dict[type, Callable[[Dossier, Any], None]] = {
    p.ParcelInducted: _inducted,
    p.ParcelIdentified: _identified,
    DeclarationAnswer: _answered,
    p.DeclarationPinned: _pinned,
    StatusChanged: _status_changed,
    p.StatusUpdated: _status,
    p.ParcelWeighed: _weighed,
    ScanStored: _stored,
    p.ParcelScanned: _scanned,
    VisionResult: _counted,
    p.ContentCompared: _compared,
    p.DispositionDecided: _decided,
    p.PermitIssued: _permitted,
    p.ParcelReleased: _released,
    p.ParcelDiverted: _diverted,
    p.CustodyUnproven: _unproven,
    p.CustodyMoved: _moved,
    p.BenchRecorded: _bench,
    p.RecallRaised: _recalled,
}
_PROOFS = frozenset({p.ParcelReleased, p.ParcelDiverted, p.BenchRecorded, p.RecallRaised})
"""Records that a message points to as its proof."""
