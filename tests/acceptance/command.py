"""The installed ``lane`` command as a person starts it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LANE = Path(sys.executable).parent / "lane"
CONFIG = Path(__file__).resolve().parents[2] / "config"
WAIT_S = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command said and how it ended."""

    status: int
    said: str
    """Standard output and standard error together."""


def environment(**more: str) -> dict[str, str]:
    """The environment of a command: plain, wide output."""
    return {**os.environ, "COLUMNS": "400", "NO_COLOR": "1", **more}


def lane(*words: object, **more: str) -> Answer:
    """Run ``lane WORDS...`` to its end; ``more``: environment variables."""
    return _run([str(LANE), *map(str, words)], more)


def verifier(*words: object) -> Answer:
    """Run ``python -m lane.verifier WORDS...`` to its end."""
    return _run([sys.executable, "-m", "lane.verifier", *map(str, words)], {})


def _run(command: list[str], more: dict[str, str]) -> Answer:
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environment(**more),
        timeout=WAIT_S,
        check=False,
    )
    return Answer(status=done.returncode, said=done.stdout.decode("utf-8", "replace"))
