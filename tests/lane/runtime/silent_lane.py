"""A lane on real addresses that nobody answers: it starts, waits for its devices, and must end in order."""

import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "config" / "lanes" / "demo.toml"
START_S_MAX = 60.0


def silent_lane(folder: Path) -> Path:
    """The demo lane with ports that do not exist: closed TCP ports and serial lines without a device."""
    text = DEMO.read_text(encoding="utf-8")
    for port, role in enumerate(("io", "cabinet", "source", "detector"), start=1):
        text = text.replace(f'"sim://{role}"', f'"tcp://127.0.0.1:{port}"')
    text = text.replace('"sim://drive"', f'"rtu://{folder}/no-drive?baud=115200"')
    text = re.sub(r'"sim://(\w+)"', rf'"serial://{folder}/no-\1?baud=115200"', text)
    path = folder / "silent.toml"
    path.write_text(text.replace("workers = 2", "workers = 1"), encoding="utf-8")
    return path


def start_lane(folder: Path, *options: str) -> subprocess.Popen[str]:
    """``lane run`` in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "lane", "run", str(silent_lane(folder)), "--run", str(folder / "run"), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for_core(folder: Path) -> None:
    """Until the core says that it is ready."""
    log = folder / "run" / "logs" / "core.log"
    end = time.monotonic() + START_S_MAX
    while not (log.exists() and "core ready" in log.read_text()):
        assert time.monotonic() < end, log.read_text() if log.exists() else "no core log"
        time.sleep(0.05)
