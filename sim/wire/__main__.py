"""``python -m sim.wire``: plant and devices in one process, until told to stop."""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from lane.model.config import GateConfig, Layout
from sim.streams.make import StreamSpec, make_stream
from sim.streams.truth import ParcelTruth
from sim.wire.control import Control
from sim.wire.lane import WireLane
from sim.wire.lane_file import read_layout
from sim.wire.stream_file import read_stream
from sim.wire.truth import TruthLog

DEMO_LANE = Path(__file__).resolve().parents[2] / "config" / "lanes" / "demo.toml"
TOO_SLOW_SHARE = 0.02
"""Share of plant time that the feeder may wait for pictures before the run is called too slow."""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line of the wire twin."""
    parser = argparse.ArgumentParser(prog="python -m sim.wire", description=__doc__)
    parser.add_argument("--stream", type=Path, help="parcel stream (JSON lines); else one is made")
    parser.add_argument("--parcels", type=int, default=60, help="parcels of the stream that is made")
    parser.add_argument("--seed", type=int, default=1, help="seed of the stream and of the plant's noise")
    parser.add_argument("--lane", type=Path, default=DEMO_LANE, help="lane file: positions and gate times")
    parser.add_argument("--speed", type=int, default=1, help="plant time over wall time")
    parser.add_argument("--addresses", type=Path, required=True, help="resolved addresses are written here (JSON)")
    parser.add_argument("--truth", type=Path, required=True, help="referee's log (JSON lines)")
    parser.add_argument("--control", type=Path, required=True, help="control socket")
    parser.add_argument("--leashed", action="store_true", help="stop when standard input is closed")
    options = parser.parse_args(argv)
    if options.speed < 1:
        parser.error(f"--speed: expected 1 or more, was {options.speed}")
    return options


async def serve(
    options: argparse.Namespace, field: tuple[Layout, GateConfig], parcels: list[ParcelTruth], folder: Path
) -> int:
    """Run the lane's devices until a stop order or signal; the exit status."""
    layout, gate = field
    truth = TruthLog(options.truth)
    lane = WireLane(
        parcels,
        layout=layout,
        gate=gate,
        speed=options.speed,
        seed=options.seed,
        folder=folder,
        truth=truth,
    )
    control = Control(lane, options.control)
    loop = asyncio.get_running_loop()
    failures: list[str] = []

    def failed(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        failures.append(str(context.get("exception") or context.get("message")))
        loop.default_exception_handler(context)
        control.stopped.set()

    loop.set_exception_handler(failed)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, control.stopped.set)

    def leash() -> None:
        if not os.read(sys.stdin.fileno(), 4_096):
            control.stopped.set()

    if options.leashed:
        loop.add_reader(sys.stdin.fileno(), leash)
    addresses = await lane.start()
    await control.start()
    write_addresses(options.addresses, addresses | {"control": str(options.control)})
    stopped = asyncio.create_task(control.stopped.wait())
    await asyncio.wait({stopped, *lane.tasks}, return_when=asyncio.FIRST_COMPLETED)
    failures += [str(task.exception()) for task in lane.tasks if task.done() and task.exception()]
    await control.stop()
    await lane.stop()
    truth.write("STOPPED", lane.plant.now_us, starved_us=lane.plant.starved_us, lags=lane.clock.lags)
    truth.close()
    stopped.cancel()
    if lane.plant.starved_us > TOO_SLOW_SHARE * lane.plant.now_us:
        print(f"too slow for speed {options.speed} on this machine: parcels waited for their pictures", file=sys.stderr)
    for failure in failures:
        print(f"wire twin failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


def write_addresses(path: Path, addresses: dict[str, str]) -> None:
    """Write whole or not at all: the file's existence says that the ports are open."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(addresses, indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    options = arguments(argv)
    try:
        field = read_layout(options.lane)
        if options.stream is not None:
            parcels = read_stream(options.stream)
        else:
            parcels = make_stream(StreamSpec(seed=options.seed, parcels=options.parcels))
    except (OSError, ValueError) as error:
        print(f"wire twin: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="lane-wire-") as folder:
        return asyncio.run(serve(options, field, parcels, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
