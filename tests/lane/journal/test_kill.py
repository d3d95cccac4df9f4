"""A writer killed at any moment loses no record it was told is durable."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from lane.journal.tree import leaf_hash, root_of
from lane.verifier.check import verify
from tests.lane.journal.test_log import opened

KILLS = 20

WRITER = """
import sys
from pathlib import Path
from tests.lane.journal.test_log import eye, inducted, opened
journal = opened(Path(sys.argv[1]))
print("ready", journal.size, flush=True)
for at in range(10**6):
    journal.append(eye(at), [inducted(at + 1, at)])
    sys.stdout.write(f"{journal.size}\\n")
    sys.stdout.flush()
    if at % 7 == 0:
        journal.checkpoint()
"""


def write_and_kill(run: Path, delay_s: float) -> int:
    """Start a writer, kill it in the middle of its work; returns the size it last acknowledged."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(run)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        assert first.startswith("ready"), first
        time.sleep(delay_s)
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read()
    sizes = [int(line) for line in rest.split("\n")[:-1]]
    return sizes[-1] if sizes else int(first.split()[1])


def test_twenty_kills_lose_no_acknowledged_record(tmp_path: Path) -> None:
    run, random = tmp_path / "run", Random(4)
    for _ in range(KILLS):
        acknowledged = write_and_kill(run, random.uniform(0.0, 0.06))
        journal = opened(run)
        assert journal.size >= acknowledged
        assert journal.size - acknowledged <= 2
        journal._let_go()
        journal._lane_lock.release()
    journal = opened(run)
    assert journal.root == root_of([leaf_hash(body) for _, body in journal.records()])
    assert journal.size > KILLS
    journal.close()
    damage = [one for one in verify(run).findings if one.severity == "DAMAGE"]
    assert damage == []
