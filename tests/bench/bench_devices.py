"""Device layer on loopback: cycle times, command latency, cable-pull detection and recovery, parser speed.

    python tests/bench/bench_devices.py --seconds 8 --json FILE

Prints its conditions with the figures. Slaves run in this process beside the links, so a figure holds both sides.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import struct
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from devices.address import parse_address
from devices.commands import AllowInduction
from devices.line_stream import LineParser
from devices.modbus_link import LinkSettings, ModbusLink
from devices.rack import DeviceAddress, Rack, RackConfig
from devices.requests import Priority, Request
from devices.signals import DeviceSignal, LinkLost, LinkRestored
from tests.devices.demo_devices import PROFILES, DemoDrive, DemoIo, DemoXray
from tests.devices.wires import PtySlave, Registers, TcpSlave


def spread(values_ms: list[float]) -> dict[str, float]:
    """p50, p99, max in ms."""
    ordered = sorted(values_ms) or [0.0]
    return {
        "p50": round(ordered[len(ordered) // 2], 3),
        "p99": round(ordered[int(len(ordered) * 0.99)], 3),
        "max": round(ordered[-1], 3),
    }


async def five_tcp(seconds: float) -> dict[str, Any]:
    """FB8: five connections, read 10 then write 1 on an absolute 20 ms schedule."""
    period_s, latency, jitter = 0.02, [], []
    async with contextlib.AsyncExitStack() as stack:
        links = []
        for _ in range(5):
            slave = await stack.enter_async_context(TcpSlave(Registers({a: a for a in range(32)})))
            link = ModbusLink(parse_address(slave.url), LinkSettings(), now=lambda: 0)
            link.start()
            await link.up.wait()
            link.admit(1, link.generation)
            links.append(link)
        cpu = time.process_time()
        end_s = time.monotonic() + seconds

        async def cycle(link: ModbusLink) -> None:
            due_s = time.monotonic()
            while due_s < end_s:
                start_s = time.monotonic()
                jitter.append((start_s - due_s) * 1_000)
                await link.request(Request(unit=1, function=3, address=0, count=10))
                latency.append((time.monotonic() - start_s) * 1_000)
                await link.request(Request(unit=1, function=6, address=1, values=(1,)))
                due_s += period_s
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))

        await asyncio.gather(*(cycle(link) for link in links))
        cpu = (time.process_time() - cpu) / seconds
        for link in links:
            await link.stop()
    return {
        "read_ms": spread(latency),
        "start_jitter_ms": spread(jitter),
        "cpu_both_sides_percent": round(100 * cpu, 1),
    }


async def priority_on_rtu(folder: Path, seconds: float) -> dict[str, Any]:
    """A command among back-to-back polls of five units on one pty (unpaced)."""
    units = (1, 2, 3, 4, 5)
    latency: list[float] = []
    device = Registers({a: a for a in range(32)})
    async with PtySlave(device, str(folder / "bus"), units=units) as slave:
        settings = LinkSettings(timeout_s=0.05, readable=((3, 0, 32),))
        link = ModbusLink(parse_address(slave.url), settings, now=lambda: 0, units=5)
        link.start()
        await link.up.wait()
        for unit in units:
            link.admit(unit, link.generation)
        end_s, rng, polls = time.monotonic() + seconds, random.Random(1), 0

        async def poll(unit: int) -> None:
            nonlocal polls
            while time.monotonic() < end_s:
                await link.request(Request(unit=unit, function=3, address=0, count=4))
                polls += 1

        async def command() -> None:
            while time.monotonic() < end_s:
                await asyncio.sleep(rng.uniform(0.05, 0.25))
                start_s = time.monotonic()
                await link.request(Request(unit=1, function=6, address=1, values=(1,)), priority=Priority.COMMAND)
                latency.append((time.monotonic() - start_s) * 1_000)

        await asyncio.gather(command(), *(poll(unit) for unit in units))
        await link.stop()
    return {"command_ms": spread(latency), "commands": len(latency), "polls_per_s": round(polls / seconds)}


async def lane(folder: Path, seconds: float) -> dict[str, Any]:
    """The demo lane's Modbus devices behind one rack, then the I/O's cable pulled in three ways."""
    signals: list[tuple[float, DeviceSignal]] = []
    io, drive = DemoIo(), DemoDrive()
    async with contextlib.AsyncExitStack() as stack:
        slaves = {
            "io": await stack.enter_async_context(TcpSlave(io)),
            "cabinet": await stack.enter_async_context(TcpSlave(DemoXray(0xA503, 0x1F))),
            "source": await stack.enter_async_context(TcpSlave(DemoXray(0xA504, 0x11))),
        }
        pty = await stack.enter_async_context(PtySlave(drive, str(folder / "drive")))
        urls = {name: slave.url for name, slave in slaves.items()} | {"drive": pty.url}
        profiles = {"io": "lane-io", "drive": "belt-drive", "cabinet": "xray-cabinet", "source": "xray-source"}
        config = RackConfig(
            devices={
                n: DeviceAddress(address=u, profile_path=PROFILES / f"{profiles[n]}.toml") for n, u in urls.items()
            }
        )
        rack = Rack(
            config,
            now=lambda: int(time.monotonic() * 1e6),
            emit=lambda signal: signals.append((time.monotonic(), signal)),
        )
        life = asyncio.create_task(io.run())
        await rack.start()
        await _until(lambda: all(rack.connected.values()))
        await rack.apply(AllowInduction(allowed=True))
        cpu = time.process_time()
        await asyncio.sleep(seconds)
        cpu = (time.process_time() - cpu) / seconds
        figures = rack.figures()
        pulls = {
            "socket closed": await _pull(signals, slaves["io"], "drop"),
            "black hole": await _pull(signals, slaves["io"], "black hole"),
            "pty hang-up": await _pull(signals, pty, "unplug"),
        }
        await rack.stop()
        life.cancel()
    return {
        "cpu_both_sides_percent": round(100 * cpu, 1),
        "cycle_ms": {name: entry["cycle_ms"] for name, entry in figures.items()},
        "latency_ms": {name: entry["latency_ms"] for name, entry in figures.items()},
        "requests": sum(int(str(entry["requests"])) for entry in figures.values()),
        "failures": sum(int(str(entry["failures"])) for entry in figures.values()),
        "cable_pull_ms": pulls,
    }


async def _pull(signals: list[tuple[float, DeviceSignal]], slave: TcpSlave | PtySlave, how: str) -> dict[str, float]:
    """Pull, wait a second where the cable stays out, plug; times of detection and of recovery after plugging."""
    signals.clear()
    pulled_s = time.monotonic()
    if isinstance(slave, PtySlave):
        slave.unplug()
    elif how == "drop":
        slave.drop()
    else:
        slave.black_hole = True
    await _until(lambda: any(isinstance(s, LinkLost) for _, s in signals))
    lost_s = next(at for at, s in signals if isinstance(s, LinkLost))
    plugged_s = pulled_s
    if how != "drop":
        await asyncio.sleep(1.0)
        plugged_s = time.monotonic()
        if isinstance(slave, PtySlave):
            slave.plug()
        else:
            slave.black_hole = False
    await _until(lambda: any(isinstance(s, LinkRestored) for _, s in signals))
    back_s = next(at for at, s in signals if isinstance(s, LinkRestored))
    return {"detected": round((lost_s - pulled_s) * 1e3, 1), "recovered": round((back_s - plugged_s) * 1e3, 1)}


async def _until(done: Any) -> None:
    async with asyncio.timeout(10):
        while True:
            if done():
                return
            await asyncio.sleep(0.001)


def line_parser() -> dict[str, float]:
    """Lines of 640 pixels per second through the parser, in reads of 64 KiB."""
    frames = []
    for seq in range(400):
        body = b"LXL1" + struct.pack("<HHIIQ", 0x8000, 640, seq, 12 * seq, seq) + bytes(2_560)
        frames.append(body + struct.pack("<I", zlib.crc32(body)))
    stream = b"".join(frames)
    parser, start_s, lines = LineParser(), time.perf_counter(), 0
    for _ in range(10):
        for offset in range(0, len(stream), 65_536):
            lines += len(parser.feed(stream[offset : offset + 65_536]))
    seconds = time.perf_counter() - start_s
    return {"lines_per_s": round(lines / seconds), "megabytes_per_s": round(10 * len(stream) / seconds / 1e6)}


async def campaign(seconds: float, folder: Path) -> dict[str, Any]:
    """All figures, one after the other."""
    figures: dict[str, Any] = {
        "conditions": {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
            "seconds": seconds,
            "wires": "loopback TCP, pty unpaced",
        }
    }
    for name, work in (
        ("five_tcp_20_ms", five_tcp(seconds)),
        ("rtu_priority", priority_on_rtu(folder, seconds)),
        ("lane", lane(folder, seconds)),
    ):
        print(f"  {name} ...", file=sys.stderr, flush=True)
        figures[name] = await work
    figures["line_stream"] = line_parser()
    return figures


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each part")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(campaign(arguments.seconds, Path(folder)))
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
