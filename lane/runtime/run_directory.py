"""The run directory: what a run keeps, where, and that its configuration never changes under it.

``journal.db``, ``images/``, ``checkpoints/``, ``declarations.db``, ``outbox/``, ``config/`` (``lane.toml``,
``core.json``, ``release.json``, ``run.json``, ``source.txt``, ``io_token.txt``), ``report/``, ``logs/``; keys in the
sibling ``<RUN>.keys``.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from devices.rack import TOKEN_MAX, new_token
from lane.codec import canonical, to_plain
from lane.journal.disk import write_durably
from lane.settings.station import Destination, StationConfig

FOLDERS = ("config", "report", "logs", "outbox", "images", "checkpoints")


class RunError(RuntimeError):
    """The run directory does not fit what is to be run; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What stays fixed for a run. ``seed`` is the twin's seed of draws (-1 on a live lane)."""

    speed: int
    seed: int
    config_sha256: str
    build_sha256: str


class RunDirectory:
    """Paths of one run, and its preparation."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def declarations(self) -> Path:
        """Folder of the declarations store."""
        return self.path

    @property
    def logs(self) -> Path:
        """Folder of the processes' logs."""
        return self.path / "logs"

    @property
    def users(self) -> Path:
        """Accounts of this run."""
        return self.path / "users.db"

    def prepare(self, station: StationConfig, *, speed: int, seed: int) -> RunFacts:
        """Make the folders and write the configuration; an existing run must have the same one.

        Raises ``RunError`` when the configuration of an existing run differs.
        """
        for name in FOLDERS:
            (self.path / name).mkdir(parents=True, exist_ok=True)
        core = canonical(to_plain(station.core))
        facts = RunFacts(
            speed=speed, seed=seed, config_sha256=hashlib.sha256(core).hexdigest(), build_sha256=build_sha256()
        )
        self._keep("core.json", core)
        self._keep("run.json", canonical({"speed": speed, "seed": seed}))
        self._write("lane.toml", station.lane_file.read_bytes())
        self._write("source.txt", f"{station.lane_file.absolute()}\n".encode())
        self._write("release.json", canonical(to_plain(station.destinations, tuple[Destination, ...])))
        return facts

    def _keep(self, name: str, content: bytes) -> None:
        path = self.path / "config" / name
        if path.exists() and path.read_bytes() != content:
            raise RunError(
                f"{path}: this run was made with another configuration; start a new one with another --run, or run "
                "the lane file that belongs to it"
            )
        self._write(name, content)

    def _write(self, name: str, content: bytes) -> None:
        path = self.path / "config" / name
        if not path.exists() or path.read_bytes() != content:
            write_durably(path, content)

    def read_speed_and_seed(self) -> tuple[int, int]:
        """(speed, seed) of a prepared run."""
        plain = json.loads((self.path / "config" / "run.json").read_text(encoding="utf-8"))
        return int(plain["speed"]), int(plain["seed"])

    def io_token(self) -> int:
        """By which the lane I/O knows this run as its owner: made once, so that a restarted core takes it up at once.

        Raises ``RunError`` when the file holds no token.
        """
        path = self.path / "config" / "io_token.txt"
        if not path.exists():
            write_durably(path, f"{new_token():#010x}\n".encode())
        text = path.read_bytes().decode("ascii", "replace").strip()
        try:
            token = int(text, 16)
        except ValueError:
            token = 0
        if not 1 <= token <= TOKEN_MAX:
            raise RunError(
                f"{path}: expected a token 0x00000001..{TOKEN_MAX:#x}, was {text[:20]!r}; delete the file: "
                "the lane I/O obeys this run again a few seconds after it heard the old token last"
            )
        return token

    def core_json(self) -> bytes:
        """The core's configuration as it was hashed."""
        return (self.path / "config" / "core.json").read_bytes()


def build_sha256() -> str:
    """Hash of the program's own source files (names and contents, sorted): which build wrote a record."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for building in ("devices", "lane", "vision"):
        for path in sorted((root / building).rglob("*.py")):
            name = str(path.relative_to(root)).encode()
            content = path.read_bytes()
            digest.update(len(name).to_bytes(4) + name + len(content).to_bytes(4) + content)
    return digest.hexdigest()


def boot_id() -> str:
    """Identity of this start of the machine (Linux); "unknown" elsewhere."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text(encoding="ascii").strip() if path.exists() else "unknown"


def lower_limits() -> None:
    """No core dumps, readable files for this user only: draw secrets live in this process."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
