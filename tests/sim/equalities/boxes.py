"""A wire twin without rendering and counting, which are most of its work and no part of equality E3.

Everything else is as it is: plant, sockets, pseudo terminals, Modbus, detector lines, scan receiver, evidence store,
core process with its journal, message sender. On the detector's lines a body is a plain box, which bears the body's
number; the worker in the counter's place reads the number from the stored picture and answers what the core twin's
verdict model says of that body, as late as the model says. Both twins then decide on the recorded answers.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from msgspec import to_builtins

from lane.codec import from_plain
from lane.commands import Count
from lane.inputs import VisionResult
from sim.coretwin.verdicts import VerdictModel, Verdicts
from sim.streams.truth import ParcelTruth
from sim.wire.line_stream import COLUMNS, Plane
from sim.wire.pictures import background
from sim.wire.stream_file import read_stream
from vision.image_file import ImageFileError, unpack
from vision.item_count import ExpectedLine
from vision.signatures import model_sha256

ROOT = Path(__file__).resolve().parents[3]
SITE = Path(__file__).with_name("plain_boxes")
TOLD = "LANE_TEST_BOXES"
"""Environment: what the worker has to know, as JSON (stream, seed, speed)."""
LINE_UM = 1_200
BOX = slice(160, 480)
"""Columns that a box covers: wider than anything the receiver takes for dust."""
MARK, NUMBER_LOW, NUMBER_HIGH = 200, 201, 202
"""Columns of the high plane with a mark and the body's number: the receiver looks at the low plane only."""
MARKED = 0xB0CE


class Boxes:
    """Stands in for ``sim.wire.pictures.Pictures``: every picture is ready at once."""

    def __init__(self, parcels: Sequence[ParcelTruth], *, failed: Callable[[BaseException], None]) -> None:
        del failed
        rows = background()
        self._low, self._high = (
            (dark.mean(axis=0) + (air.mean(axis=0) - dark.mean(axis=0)) / np.where(covered, 2, 1)).astype(np.uint16)
            for covered in [np.isin(np.arange(COLUMNS), np.arange(BOX.start, BOX.stop))]
            for dark, air in ((rows.dark.low, rows.air.low), (rows.dark.high, rows.air.high))
        )
        self._lines = {parcel.number: parcel.length_um // LINE_UM for parcel in parcels}
        self.rendered = 0

    def start(self) -> None:
        """Nothing to begin."""

    def stop(self) -> None:
        """Nothing to end."""

    def ready(self, number: int) -> bool:
        """Always."""
        return number in self._lines

    def take(self, number: int) -> tuple[Plane, int]:
        """The box of a body that was fed, and the row of its head."""
        self.rendered += 1
        lines = self._lines[number]
        low, high = np.tile(self._low, (lines, 1)), np.tile(self._high, (lines, 1))
        high[:, MARK], high[:, NUMBER_LOW], high[:, NUMBER_HIGH] = MARKED, number & 0xFFFF, number >> 16
        return Plane(low=low, high=high), 0


def environment(stream: Path, seed: int, speed: int) -> dict[str, str]:
    """What plant and lane must be started with."""
    told = json.dumps({"stream": str(stream), "seed": seed, "speed": speed})
    return {"PYTHONPATH": os.pathsep.join((str(SITE), str(ROOT))), TOLD: told}


def body_in(data: bytes) -> int:
    """Number of the one body in a stored picture; 0: none, or several."""
    picture = unpack(data)
    plane = np.frombuffer(picture.high, dtype="<u2").reshape(picture.header.lines, picture.header.columns)
    marked = plane[plane[:, MARK] == MARKED].astype(np.int64)
    numbers = np.unique(marked[:, NUMBER_LOW] + (marked[:, NUMBER_HIGH] << 16))
    return int(numbers[0]) if len(numbers) == 1 else 0


def answer_all(requests: TextIO, answers: TextIO) -> None:
    """Say ready, then answer until the requests end: the counting worker's side of its protocol."""
    told = json.loads(os.environ[TOLD])
    signatures = Path(sys.orig_argv[sys.orig_argv.index("--signatures") + 1])
    parcels = {parcel.number: parcel for parcel in read_stream(Path(told["stream"]))}
    verdicts = Verdicts(VerdictModel(failed_permille=0), told["seed"], model_sha256(signatures))
    _say(answers, {"ready": True})
    while line := requests.readline():
        request = json.loads(line)
        try:
            number = body_in(Path(request["image"]).read_bytes())
        except (OSError, ImageFileError) as error:
            _say(answers, {"ok": False, "reason": str(error)})
            continue
        if number not in parcels:
            _say(answers, {"ok": False, "reason": "expected one body in the picture"})
            continue
        duration_us, result = verdicts.answer(_count(request, number), parcels[number])
        assert isinstance(result, VisionResult)
        time.sleep(duration_us / 1e6 / told["speed"])
        _say(answers, {"ok": True, "count": to_builtins(result.count)})


def _count(request: Mapping[str, Any], number: int) -> Count:
    """The command as the model wants it; its luck follows from the body."""
    return Count(
        seq=number,
        image_sha256=request["sha256"],
        lines=tuple(from_plain(ExpectedLine, line) for line in request["lines"]),
        scale_mg=request["scale_mg"],
        scale_error_mg=request["scale_error_mg"],
        gross_mg=request["gross_mg"],
        net_mg=request["net_mg"],
        deadline_us=0,
    )


def _say(answers: TextIO, message: Mapping[str, Any]) -> None:
    answers.write(json.dumps(message, separators=(",", ":")) + "\n")
    answers.flush()
