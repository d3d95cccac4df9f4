"""Store of X-ray images by their SHA-256: durable before the journal names them, re-hashed at every read."""

import os
import re
from hashlib import sha256
from pathlib import Path

from lane.journal.disk import sync_directory, write_whole

SHA256_PATTERN = re.compile(r"[0-9a-f]{64}\Z")
TEMPORARY_PREFIX = ".tmp-"


class EvidenceError(Exception):
    """An image is missing, or its bytes are not those its name promises."""


class EvidenceStore:
    """Files ``images/ab/<sha256>`` of one run. One writer at a time per image; readers at any time."""

    def __init__(self, run: Path) -> None:
        self._folder = run / "images"
        self._folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where an image lies. Raises ValueError on anything but 64 lower-case hex digits."""
        if SHA256_PATTERN.match(digest) is None:
            raise ValueError(f"image: expected 64 lower-case hex digits, was {digest[:80]!r}")
        return self._folder / digest[:2] / digest

    def put(self, data: bytes) -> str:
        """Store an image and return its SHA-256. When this returns, it is on disk under its name.

        Order: temporary (O_EXCL), fsync, rename, fsync of the folder. Storing the same bytes again changes nothing.
        Raises OSError: the caller reports no image then.
        """
        digest = sha256(data).hexdigest()
        path = self.path(digest)
        if not path.parent.exists():
            path.parent.mkdir(exist_ok=True)
            sync_directory(self._folder)
        if path.exists() and sha256(path.read_bytes()).hexdigest() == digest:
            return digest
        write_whole(path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{digest[:16]}"), path, data)
        sync_directory(path.parent)
        return digest

    def read(self, digest: str) -> bytes:
        """The image's bytes, hashed again. Raises EvidenceError when missing or altered."""
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise EvidenceError(f"{path}: image can't be read ({error.strerror})") from error
        found = sha256(data).hexdigest()
        if found != digest:
            raise EvidenceError(f"{path}: image altered, its SHA-256 is {found}")
        return data

    def stored(self) -> set[str]:
        """Names of all images."""
        return {path.name for path in self._folder.glob("??/*") if SHA256_PATTERN.match(path.name)}
