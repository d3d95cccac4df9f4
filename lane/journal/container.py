"""Fingerprint of the database file after an orderly end, so that damage outside the records is told as well.

The proof of the records is the Merkle tree. But a file also holds bytes that carry nothing (slack, free pages,
indexes): the page hashes kept here name a damaged page even then. It exists only while the file is closed.
"""

import json
from hashlib import sha256
from pathlib import Path

from lane.journal.disk import write_durably

CONTAINER_NAME = "container.json"
PAGE_BYTES = 4096
PAGE_HASH_CHARACTERS = 16
"""64 bits: enough against accidents, which is all this file is for."""


def seal_container(database: Path, target: Path) -> None:
    """Write the fingerprint of a closed database file. Raises OSError."""
    pages, whole = [], sha256()
    with database.open("rb") as stream:
        while page := stream.read(PAGE_BYTES):
            whole.update(page)
            pages.append(sha256(page).hexdigest()[:PAGE_HASH_CHARACTERS])
    content = {"file": database.name, "page_bytes": PAGE_BYTES, "pages": "".join(pages), "sha256": whole.hexdigest()}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    seal = sha256(text.encode()).hexdigest()
    write_durably(target, f"{text}\n{seal}\n".encode())
