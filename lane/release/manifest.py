"""Exit manifests ``lane-exit-manifest/1``: one per cage, bag or truck, filled by load scans, closed once.

A parcel is in at most one manifest (its place is a column of its own passage); a recalled parcel blocks closing. Open
manifests are small files; what is inside is custody in the journal, so a lost file loses no parcel.
"""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from lane.clock import format_wall, wall_now
from lane.codec import canonical
from lane.journal.disk import write_durably
from lane.model.words import MessageKind
from lane.release.custody import CustodyError, in_container
from lane.release.render import idempotency_key

SCHEMA = "lane-exit-manifest/1"
CONTAINER_TYPES = ("cage", "bag", "truck")
ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def _folder(run: Path) -> Path:
    return run / "report" / "manifests"


def open_manifest(run: Path, manifest_id: str, container_type: str, vehicle_no: str = "") -> Path:
    """Begin a manifest. Raises ``CustodyError`` for a bad or used id."""
    if not ID_PATTERN.fullmatch(manifest_id):
        raise CustodyError(f"manifest: expected 1..40 of A-Z a-z 0-9 _ -, was {manifest_id!r}")
    if container_type not in CONTAINER_TYPES:
        raise CustodyError(f"container: expected {' | '.join(CONTAINER_TYPES)}, was {container_type!r}")
    path = _folder(run) / f"{manifest_id}.open.json"
    if path.exists() or path.with_name(f"{manifest_id}.json").exists():
        raise CustodyError(f"manifest {manifest_id}: exists already")
    path.parent.mkdir(parents=True, exist_ok=True)
    container = {"type": container_type, "id": manifest_id, "vehicle_no": vehicle_no}
    write_durably(path, canonical({"container": container, "opened_at": format_wall(wall_now())}))
    return path


def require_open(run: Path, manifest_id: str) -> dict[str, Any]:
    """An open manifest's own facts. Raises ``CustodyError`` when it is closed or was never opened."""
    if not ID_PATTERN.fullmatch(manifest_id):
        raise CustodyError(f"manifest: expected 1..40 of A-Z a-z 0-9 _ -, was {manifest_id!r}")
    path = _folder(run) / f"{manifest_id}.open.json"
    if not path.is_file():
        raise CustodyError(f"manifest {manifest_id}: not open; `lane custody manifest open {manifest_id}` begins it")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts


def render_manifest(run: Path, manifest_id: str, *, site: str, lane: str) -> dict[str, Any]:
    """The manifest as it would be closed now. Raises ``CustodyError`` while it lists a recalled parcel."""
    facts = require_open(run, manifest_id)
    inside = ("IN_CAGE", "DEPARTED")  # departed: a closing that was cut off goes on
    dossiers = [dossier for dossier in in_container(run, manifest_id) if dossier["custody"] in inside]
    recalled = [dossier["seq"] for dossier in dossiers if dossier["recall"]]
    if recalled:
        numbers = ", ".join(map(str, recalled))
        raise CustodyError(f"manifest {manifest_id}: recalled parcels {numbers} must come out before it closes")
    manifest = {
        "schema": SCHEMA,
        "manifest_id": manifest_id,
        "site": site,
        "lane": lane,
        "container": facts["container"],
        "opened_at": facts["opened_at"],
        "closed_at": format_wall(wall_now()),
        "parcel_count": len(dossiers),
        "scale_mg": _sum(dossiers, "scale_mg"),
        "gross_mg": _sum(dossiers, "gross_mg"),
        "net_mg": _sum(dossiers, "net_mg"),
        "parcels_per_carrier": dict(sorted(Counter(dossier["carrier"] for dossier in dossiers).items())),
        "parcels": [
            {
                "parcel_number": dossier["seq"],
                "carrier": dossier["carrier"],
                "waybill": dossier["waybill"],
                "list_no": dossier["list_no"],
                "scale_mg": dossier["scale_mg"],
                "release_idempotency_key": idempotency_key(site, lane, dossier["seq"], MessageKind.RELEASE, 1),
            }
            for dossier in dossiers
        ],
    }
    return {**manifest, "sha256": hashlib.sha256(canonical(manifest)).hexdigest()}


def store_closed(run: Path, manifest: dict[str, Any]) -> Path:
    """Write the closed manifest durably and end the open one."""
    folder, manifest_id = _folder(run), manifest["manifest_id"]
    path = folder / f"{manifest_id}.json"
    write_durably(path, canonical(manifest))
    (folder / f"{manifest_id}.open.json").unlink(missing_ok=True)
    return path


def _sum(dossiers: list[dict[str, Any]], name: str) -> int:
    """Sum of a mass; parcels without one (-1) add nothing."""
    return sum(max(0, dossier[name]) for dossier in dossiers)
