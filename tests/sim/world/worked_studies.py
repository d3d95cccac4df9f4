"""The worked studies of sim/README.md as programs: each block is a command and what it prints, at 100 columns.

``python -m tests.sim.world.worked_studies`` runs them and writes what they print into the page.
"""

import os
import re
import shlex
import tempfile
from pathlib import Path

from click.testing import CliRunner

from sim.cli import sim

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "sim" / "README.md"
BLOCK = re.compile(r"```console\n\$ lane sim (?P<command>[^\n]+)\n(?P<output>.*?)```", re.DOTALL)
COLUMNS = "100"
TIMED = re.compile(r"^\d+ runs of .* in [0-9.]+ s")
"""The one line of a study that another machine prints differently."""


def blocks(page: str) -> list[tuple[str, str]]:
    """(command without `lane sim`, output) of every block, in order."""
    _, section, _ = _parts(page)
    return [(found["command"], found["output"]) for found in BLOCK.finditer(section)]


def _parts(page: str) -> tuple[str, str, str]:
    """What stands before the section, the section, and what follows it."""
    start = page.index("## Worked studies")
    end = page.find("\n## ", start)
    end = len(page) if end < 0 else end
    return page[:start], page[start:end], page[end:]


def printed(command: str) -> str:
    """What the command prints, without its timed line. Raises RuntimeError when it fails."""
    words = shlex.split(command)
    with tempfile.TemporaryDirectory() as folder:
        if words[0] == "experiment":
            words += ["--out", folder]
        before, os.environ["COLUMNS"] = os.environ.get("COLUMNS"), COLUMNS
        here = Path.cwd()
        os.chdir(ROOT)
        try:
            done = CliRunner().invoke(sim, words)
        finally:
            os.chdir(here)
            if before is None:
                del os.environ["COLUMNS"]
            else:
                os.environ["COLUMNS"] = before
    if done.exit_code:
        raise RuntimeError(f"lane sim {command}: {done.output}") from done.exception
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    return "\n".join(line for line in lines if not TIMED.match(line)) + "\n"


def written(page: str) -> str:
    """The page with what its commands print."""
    before, section, after = _parts(page)

    def fill(found: re.Match[str]) -> str:
        return f"```console\n$ lane sim {found['command']}\n{printed(found['command'])}```"

    return before + BLOCK.sub(fill, section) + after


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
