"""Pictures and outlines for the page, straight from the evidence store (every read re-hashes)."""

import re
from functools import lru_cache
from pathlib import Path

from lane.evidence import EvidenceError, EvidenceStore
from vision.preview import preview_png

SHA256 = re.compile(r"[0-9a-f]{64}")
PICTURES_CACHED = 64
"""Rendered previews kept: the parcels of the last minute or two, some 200 kB each."""


@lru_cache(maxsize=PICTURES_CACHED)
def picture_png(run: Path, sha256: str) -> bytes | None:
    """Pseudo-coloured 8-bit picture of a stored image (None: not there, or damaged)."""
    if not SHA256.fullmatch(sha256):
        return None
    try:
        return preview_png(EvidenceStore(run).read(sha256))
    except (EvidenceError, OSError):
        return None


def overlay_json(run: Path, sha256: str) -> str | None:
    """Outlines that the picture's count produced (None: none stored)."""
    if not SHA256.fullmatch(sha256):
        return None
    path = run / "overlays" / f"{sha256}.json"
    return path.read_text(encoding="utf-8") if path.is_file() else None
