"""X-ray pictures rendered ahead of time in a process of their own: one CPU, never the plant's."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from sim.streams.truth import ParcelTruth
from sim.wire.line_stream import Background, Plane

AHEAD = 12
"""Pictures kept ready: some 1.5 MB each, and a lane holds at most ten parcels between feeder and detector."""
NICENESS = 5
"""The renderer yields to plant and controller."""


def background() -> Background:
    """Dark and air rows of the detector that the pictures are taken with."""
    from sim.xray.detector import calibration

    rows = calibration()
    return Background(
        dark=Plane(low=rows.dark_low, high=rows.dark_high), air=Plane(low=rows.air_low, high=rows.air_high)
    )


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)


def _render(parcel: ParcelTruth) -> tuple[Plane, int]:
    """Rows of one parcel and the row at which its head crossed the detector."""
    from sim.xray.render import render

    scan = render(parcel.contents, parcel.carton_mm, parcel.seed)
    return Plane(low=np.ascontiguousarray(scan.low), high=np.ascontiguousarray(scan.high)), scan.head_line


class Pictures:
    """Renders the stream's parcels in order, ``AHEAD`` of the one fed last."""

    def __init__(self, parcels: Sequence[ParcelTruth], *, failed: Callable[[BaseException], None]) -> None:
        self._parcels = parcels
        self._failed = failed
        self._ready: dict[int, tuple[Plane, int]] = {}
        self._next = 0
        self._busy = False
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_prepare)
        self.rendered = 0

    def start(self) -> None:
        """Begin to render."""
        self._more()

    def stop(self) -> None:
        """End the process; a picture in work is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def ready(self, number: int) -> bool:
        """Whether this parcel may be fed: its picture exists."""
        return number in self._ready

    def take(self, number: int) -> tuple[Plane, int]:
        """The picture of a parcel that was fed; makes room for another."""
        picture = self._ready.pop(number)
        self._more()
        return picture

    def _more(self) -> None:
        if self._busy or self._next >= len(self._parcels) or len(self._ready) >= AHEAD:
            return
        parcel = self._parcels[self._next]
        self._next += 1
        self._busy = True
        future = asyncio.wrap_future(self._pool.submit(_render, parcel))
        future.add_done_callback(lambda done: self._done(parcel.number, done))

    def _done(self, number: int, future: "asyncio.Future[tuple[Plane, int]]") -> None:
        self._busy = False
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self._failed(error)
            return
        self._ready[number] = future.result()
        self.rendered += 1
        self._more()
