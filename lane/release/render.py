"""Renders ``lane-release/1`` messages: canonical JSON, the same bytes each time a message is sent."""

import hashlib
from collections.abc import Callable
from typing import Any

from lane.codec import canonical
from lane.events.parcel import MessageQueued
from lane.model.words import MessageKind, Via
from lane.release.dossier import Dossier

SCHEMA = "lane-release/1"
"""Our own form: no public message is known by which a lane reports X-ray results to customs."""

WallTime = Callable[[int], str]
"""Lane time to UTC text ("" for a time that never came)."""


def idempotency_key(site: str, lane: str, parcel_number: int, kind: MessageKind, revision: int) -> str:
    """SHA-256 of the canonical array [schema, site, lane, parcel_number, kind, revision]: one message, one key."""
    array = canonical([SCHEMA, site, lane, parcel_number, kind.value, revision])
    return hashlib.sha256(array).hexdigest()


def pseudonym(site: str, person: str) -> str:
    """How an officer appears outside the lane: 16 hex digits, the same at one site, no name."""
    return hashlib.sha256(canonical(["lane-officer/1", site, person])).hexdigest()[:16]


def render(
    event: MessageQueued,
    dossier: Dossier,
    *,
    site: str,
    lane: str,
    synthetic: bool,
    checkpoint: str,
    wall: WallTime,
) -> bytes:
    """Canonical bytes of a message.

    ``checkpoint``: SHA-256 of the newest signed checkpoint note when the message was queued ("" before the first);
    the record it proves is in the next one. Unknown text is "", an unknown mass -1: there is no null.
    """
    message: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": event.message.value,
        "revision": event.revision,
        "idempotency_key": event.idempotency_key,
        "site": site,
        "lane": lane,
        "parcel_number": event.seq,
        "synthetic": synthetic,
        "carrier": dossier["carrier"],
        "waybill": dossier["waybill"],
        "list_no": dossier["list_no"],
        "order_no": dossier["order_no"],
        "declaration_version": dossier["version"],
        "via": event.via.value,
        "status": dossier["status"],
        "decision": {**dossier["decision"], "matrix_sha256": dossier["matrix_sha256"]},
        "findings": dossier["findings"],
        "weight": {"scale_mg": dossier["scale_mg"], "gross_mg": dossier["gross_mg"]},
        "evidence": _evidence(dossier, site, lane),
        "journal": {**dossier["proof"], "checkpoint": checkpoint},
        "times": {f"{name}_at": wall(at_us) for name, at_us in dossier["at_us"].items()},
    }
    if event.message is MessageKind.BENCH_RESULT or event.via is Via.BENCH:
        message["bench"] = _bench(dossier, site, wall)
    if event.message is MessageKind.RECALL:
        recall = dossier["recall"]
        message["recall"] = {"reason": recall.get("reason", ""), "status": recall.get("status", {})}
    return canonical(message)


def _evidence(dossier: Dossier, site: str, lane: str) -> dict[str, Any]:
    permit_no = dossier["permit_no"]
    return {
        "image_sha256": [dossier["image_sha256"]] if dossier["image_sha256"] else [],
        "image_origin": dossier["image_origin"],
        "vision_sha256": dossier["vision_sha256"],
        "model_sha256": dossier["model_sha256"],
        "permit_id": f"{site}/{lane}/{dossier['seq']}/{permit_no}" if permit_no else "",
        "exit_proof": dossier["exit"],
    }


def _bench(dossier: Dossier, site: str, wall: WallTime) -> dict[str, Any]:
    bench = dossier["bench"]
    if not bench:
        return {}
    return {
        "result": bench["result"],
        "found": bench["found"],
        "seal": bench["seal"],
        "officer": pseudonym(site, bench["person"]),
        "second": pseudonym(site, bench["second"]) if bench["second"] else "",
        "recorded_at": wall(bench["at_us"]),
    }
