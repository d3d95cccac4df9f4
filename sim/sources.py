"""Which code a result was made with: one hash, so that nothing kept by other code counts as current.

It reads the files on disk, once per process: the museum, which edits code in memory only, keeps its hash during a tour.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

HASHED = ("lane", "devices", "vision", "sim")
NOT_IN_A_RUN = ("sim/experiment/report", "sim/demo", "sim/wire")
"""What no replication and no hunt executes: a change there leaves finished ones valid."""


@cache
def code_version() -> str:
    """Hash over the source that a run executes, its tables, and the versions of numpy and simpy: 16 hex digits."""
    return version_of(Path(__file__).resolve().parents[1])


def version_of(root: Path) -> str:
    """The same of the buildings in any folder."""
    digest = hashlib.sha256(f"numpy {version('numpy')} simpy {version('simpy')}".encode())
    for building in HASHED:
        for path in sorted((root / building).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(NOT_IN_A_RUN):
                digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
