"""The wiring of a lane: the only module that knows every part. ``python -m lane.station RUN`` is the core process.

It opens journal and keys, restores the controller, opens the devices, starts scan receiver and counting workers, and
runs until its standard input closes (the supervisor is gone, or asks for an orderly end).
"""

import argparse
import asyncio
import gc
import logging
import os
import signal
import stat
import sys
from pathlib import Path

from devices.address import AddressError
from devices.profile import ProfileError
from devices.rack import RackError
from lane.codec import CodecError
from lane.journal.disk import JournalDamaged, JournalFull, JournalLocked, JournalPanic
from lane.runtime.core import CoreStopped
from lane.runtime.core_process import CoreProcess, CoreSetup
from lane.runtime.priority import raise_priority
from lane.runtime.restart import RestartRefused
from lane.runtime.run_directory import RunDirectory, RunError, lower_limits
from lane.runtime.supervisor import EXIT_REFUSED
from lane.seal import SealError
from lane.settings.lane_file import load_lane
from lane.settings.reader import SettingsError

EXIT_FAILED = 1
EXIT_SAFE = 70
"""The core made its outputs safe and ended (EX_SOFTWARE of sysexits.h); a new start replays the journal."""

log = logging.getLogger("lane.station")


def setup_of(run: RunDirectory) -> CoreSetup:
    """What the core process needs, from a prepared run directory."""
    lane_file = run.path / "config" / "source.txt"
    station = load_lane(Path(lane_file.read_text(encoding="utf-8").strip()), for_run=True)
    speed, seed = run.read_speed_and_seed()
    facts = run.prepare(station, speed=speed, seed=seed)
    return CoreSetup(run=run, station=station, facts=facts)


async def serve(setup: CoreSetup) -> None:
    """Run the core until standard input closes. Raises what makes a start impossible, or ``CoreStopped``.

    SIGINT and SIGTERM ask for the same orderly end: a service manager may signal every process of a lane at once.
    """
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    process = CoreProcess(setup)
    log.info("core priority: %s", raise_priority(real_time=not setup.station.twin))
    await process.start()
    gc.collect()
    gc.freeze()
    log.info("core ready: %s/%s", setup.station.core.site, setup.station.core.lane)
    closed = [asyncio.create_task(_closed_input()), asyncio.create_task(asked.wait())]
    running = asyncio.create_task(process.run())
    done, _ = await asyncio.wait({*closed, running}, return_when=asyncio.FIRST_COMPLETED)
    for task in closed:
        task.cancel()
    try:
        if running in done:
            await running
        else:
            await process.end_orderly(running)
    finally:
        await process.close()


async def _closed_input() -> None:
    """Wait until standard input closes, without a thread that would outlive the loop."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4_096):
        pass


def _can_close(descriptor: int) -> bool:
    """Whether it can be waited for: a pipe, a socket or a terminal. ``/dev/null`` and files never say that they end."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)


def main() -> None:
    """Entry point of the core process."""
    parser = argparse.ArgumentParser(prog="python -m lane.station", description=__doc__)
    parser.add_argument("run", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    lower_limits()
    if not _can_close(sys.stdin.fileno()):
        log.critical("standard input: expected a pipe whose closing ends the lane, was a file; use lane run CONFIG")
        sys.exit(EXIT_REFUSED)
    try:
        asyncio.run(serve(setup_of(RunDirectory(arguments.run))))
    except (SettingsError, RunError, ProfileError, AddressError, RackError, SealError, JournalLocked, JournalDamaged,
            JournalFull, RestartRefused, CodecError) as error:  # fmt: skip
        log.critical("%s", error)
        sys.exit(EXIT_REFUSED)
    except (CoreStopped, JournalPanic) as error:
        log.critical("%s", error)
        sys.exit(EXIT_SAFE)


if __name__ == "__main__":
    main()
