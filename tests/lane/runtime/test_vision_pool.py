"""Counting workers: every question gets exactly one answer, whatever the worker does."""

import asyncio
import sys
from pathlib import Path

import pytest

from lane.clock import LaneClock
from lane.commands import Count
from lane.evidence import EvidenceStore
from lane.inputs import VisionFailed, VisionResult
from lane.runtime.vision_pool import WAITING_MAX, VisionPool
from lane.settings.station import VisionSettings
from vision.item_count import ExpectedLine

WORKER = """
import json, sys, time
print(json.dumps({"ready": True, "model_sha256": "m", "signatures": "s"}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    what = request["lines"][0]["name"]
    count = {"image_sha256": request["sha256"], "lines": [{"line_no": 1, "count_lo": 2, "count_hi": 2, "p_ppm": 990000,
             "abstain": "NONE"}], "p_declared_ppm": 990000, "unexplained": 0, "total_lo": 2, "total_hi": 2,
             "acquisition": "SUCCESSFUL", "model_sha256": "m", "signatures": "s", "timings": []}
    if what == "hang": time.sleep(60)
    if what == "die": sys.exit(3)
    if what == "text": print("Segmentation fault"); sys.stdout.flush(); continue
    if what == "refuse": print(json.dumps({"ok": False, "reason": "too thick"}), flush=True); continue
    if what == "foreign": count["image_sha256"] = "0" * 64
    if what == "absurd": count["lines"][0]["p_ppm"] = 1000001
    if what == "float": count["p_declared_ppm"] = 0.5
    if what == "lines": count["lines"] = []
    print(json.dumps({"ok": True, "count": count}), flush=True)
"""
SHA = "ab" * 32


def command(seq: int, what: str, deadline_us: int = 20_000_000) -> Count:
    """A question whose goods name tells the fake worker how to behave."""
    line = ExpectedLine(line_no=1, sku="", name=what, count_lo=2, count_hi=2, unit_mg=0)
    return Count(
        seq=seq,
        image_sha256=SHA,
        lines=(line,),
        scale_mg=-1,
        scale_error_mg=0,
        gross_mg=-1,
        net_mg=-1,
        deadline_us=deadline_us,
    )


def answers(
    tmp_path: Path, *commands: Count, workers: int = 1, worker: str = WORKER
) -> tuple[list[VisionResult | VisionFailed], VisionPool]:
    """Ask all, wait for all answers."""
    script = tmp_path / "worker.py"
    script.write_text(worker)
    got: list[VisionResult | VisionFailed] = []

    async def session() -> VisionPool:
        pool = VisionPool(
            VisionSettings(workers=workers, signatures_path=tmp_path, memory_mb_max=512),
            evidence=EvidenceStore(tmp_path),
            clock=LaneClock(),
            stamp=lambda: (1, 2),
            emit=got.append,
            logs=tmp_path / "logs",
            command=[str(script)],
        )
        await pool.start()
        for one in commands:
            pool.count(one)
        async with asyncio.timeout(30):
            while len(got) < len(commands):  # noqa: ASYNC110 - answers come by callback
                await asyncio.sleep(0.01)
        await pool.stop()
        return pool

    return got, asyncio.run(session())


def test_a_good_count_is_bound_to_its_parcel(tmp_path: Path) -> None:
    (got,), pool = answers(tmp_path, command(7, "good"))
    assert isinstance(got, VisionResult)
    assert (got.seq, got.at_us, got.belt_um, got.count.lines[0].count_lo) == (7, 1, 2, 2)
    assert pool.failures == 0


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("refuse", "too thick"),
        ("die", "it ended with code 3"),
        ("text", "no JSON"),
        ("foreign", "another image"),
        ("absurd", "interval or probability"),
        ("float", "refused"),
        ("lines", "not the declared ones"),
    ],
)
def test_whatever_a_worker_does_wrong_is_a_failure_and_the_next_image_is_counted(
    tmp_path: Path, what: str, expected: str
) -> None:
    (bad, good), _ = answers(tmp_path, command(1, what), command(2, "good"))
    assert isinstance(bad, VisionFailed)
    assert expected in bad.reason
    assert (bad.seq, bad.image_sha256, bad.timeout) == (1, SHA, False)
    assert isinstance(good, VisionResult)


def test_a_hanging_worker_is_killed_at_the_deadline_and_replaced(tmp_path: Path) -> None:
    (late, good), pool = answers(tmp_path, command(1, "hang", deadline_us=1_500_000), command(2, "good"))
    assert isinstance(late, VisionFailed)
    assert late.timeout
    assert isinstance(good, VisionResult)
    assert pool.restarts == 1


def test_an_image_whose_deadline_passed_while_it_waited_is_not_counted(tmp_path: Path) -> None:
    (got,), _ = answers(tmp_path, command(1, "good", deadline_us=0))
    assert isinstance(got, VisionFailed)
    assert got.timeout
    assert "while it waited" in got.reason


def test_a_full_queue_fails_the_newest_at_once(tmp_path: Path) -> None:
    commands = [command(1, "hang", 4_000_000), *(command(seq, "good", 4_000_000) for seq in range(2, WAITING_MAX + 4))]
    got, _ = answers(tmp_path, *commands)
    refused = [one.seq for one in got if isinstance(one, VisionFailed) and "wait for counting already" in one.reason]
    assert refused == [WAITING_MAX + 1, WAITING_MAX + 2, WAITING_MAX + 3]
    assert sorted(one.seq for one in got) == list(range(1, WAITING_MAX + 4))


def test_workers_see_the_end_of_their_input_and_stop(tmp_path: Path) -> None:
    assert sys.platform == "linux"
    _, pool = answers(tmp_path, command(1, "good"), command(2, "good"), workers=2)
    assert pool.figures()["pids"] == []
