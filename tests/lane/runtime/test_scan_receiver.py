"""The scan receiver against a detector on a real socket: one image per window, durable before it is reported."""

import asyncio
import json
import os
import struct
import sys
import zlib
from pathlib import Path

from lane.evidence import EvidenceStore
from vision.image_file import unpack

COLUMNS = 64
ROOT = Path(__file__).resolve().parents[3]
DARK, AIR, SYNTHETIC = 4, 8, 0x8000


def frame(seq: int, encoder: int, level: int, flags: int) -> bytes:
    """One line of the manual's format, all columns at one level."""
    body = struct.pack("<4sHHIIQ", b"LXL1", flags, COLUMNS, seq, encoder % (1 << 32), seq * 1_000)
    body += struct.pack("<H", level) * COLUMNS * 2
    return body + struct.pack("<I", zlib.crc32(body))


def picture(encoder: int, lost: set[int]) -> bytes:
    """Calibration, then 400 lines with a body in lines 100..249; some lines lost on the way."""
    data = b"".join(frame(k, 0, 400, DARK) for k in range(16))
    data += b"".join(frame(16 + k, 0, 40_000, AIR) for k in range(16))
    for k in range(400):
        if k not in lost:
            level = 30_000 if 100 <= k < 250 else 40_000
            data += frame(32 + k, encoder + 12 * k, level, SYNTHETIC)
    return data


async def scan(run: Path, lost: set[int], encoder: int) -> dict[str, object]:
    """Start a receiver, arm one window, serve the picture; its report."""
    armed = asyncio.Event()

    async def detector(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = picture(encoder, lost)
        calibration = 32 * (28 + 4 * COLUMNS)
        writer.write(data[:calibration])
        await armed.wait()
        writer.write(data[calibration:])
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(detector, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "lane.runtime.scan_receiver",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    setup = {"run": str(run), "address": f"tcp://127.0.0.1:{port}", "name": "line-stream", "speed": 1}
    process.stdin.write(json.dumps(setup).encode() + b"\n")
    window = {"seq": 5, "from_um": 1_060_000, "to_um": 1_360_000}
    arm = {"arm": window, "belt_um": 1_000_000, "encoder": encoder % (1 << 32), "at_us": 9}
    while json.loads(await process.stdout.readline()) != {"link": "up"}:
        pass
    process.stdin.write(json.dumps(arm).encode() + b"\n")
    await process.stdin.drain()
    await asyncio.sleep(0.2)
    armed.set()
    async with asyncio.timeout(30):
        while True:
            message: dict[str, object] = json.loads(await process.stdout.readline())
            if "scan" in message:
                break
    process.stdin.close()
    assert await process.wait() == 0
    server.close()
    return message


def test_a_window_becomes_one_stored_image_with_head_and_tail(tmp_path: Path) -> None:
    message = asyncio.run(scan(tmp_path, set(), encoder=(1 << 32) - 600))
    report = message["scan"]
    assert isinstance(report, dict)
    sha256 = report.pop("image_sha256")
    assert report == {
        "seq": 5,
        "lines": 251,
        "line_from": 82,
        "line_to": 332,
        "from_um": 1_060_000,
        "to_um": 1_360_000,
        "head_um": 1_120_000,
        "tail_um": 1_298_800,
        "gaps": 0,
        "acquisition": "SUCCESSFUL",
        "origin": "SYNTHETIC",
    }
    image = unpack(EvidenceStore(tmp_path).read(sha256))
    assert (image.header.columns, image.header.lines, image.header.belt_from_um) == (COLUMNS, 251, 1_060_000)
    assert image.calibration == struct.pack("<H", 400) * COLUMNS * 2 + struct.pack("<H", 40_000) * COLUMNS * 2


def test_lost_lines_make_the_image_incomplete(tmp_path: Path) -> None:
    message = asyncio.run(scan(tmp_path, {120, 121}, encoder=50))
    report = message["scan"]
    assert isinstance(report, dict)
    assert (report["gaps"], report["acquisition"], report["lines"]) == (2, "INCOMPLETE", 249)
