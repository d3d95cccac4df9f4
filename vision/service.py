"""What a counting worker does: one JSON request per line in, one JSON answer per line out.

A request that can't be answered gets ``{"ok": false, "reason": ...}``; the service ends only when its input closes.
"""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from msgspec import to_builtins

from vision.calibrate import CalibrationError
from vision.frame import frame_of
from vision.image_file import ImageFileError, unpack
from vision.item_count import ExpectedLine
from vision.overlay import overlay
from vision.pipeline import Pipeline, Scales

REQUEST_BYTES_MAX = 1_000_000
"""A request names at most some hundred lines; more is not ours."""
LINES_MAX = 200
IMAGE_BYTES_MAX = 64 * 1024 * 1024
REASON_MAX = 300
MASS_MG_MAX = 100_000_000


class RequestError(ValueError):
    """The request can't be answered; the text says which field and what was expected."""


def serve(pipeline: Pipeline, requests: TextIO, answers: TextIO) -> None:
    """Say ready, then answer until the requests end."""
    _say(
        answers,
        {"ready": True, "model_sha256": pipeline.model_sha256, "signatures": pipeline.signatures.version},
    )
    while line := requests.readline(REQUEST_BYTES_MAX + 1):
        if len(line) > REQUEST_BYTES_MAX:
            while line and not line.endswith("\n"):
                line = requests.readline(REQUEST_BYTES_MAX)
            _say(answers, {"ok": False, "reason": f"request: expected at most {REQUEST_BYTES_MAX} characters"})
        elif line.strip():
            _say(answers, answer(pipeline, line))


def answer(pipeline: Pipeline, line: str) -> dict[str, Any]:
    """The answer to one request line; failures of any kind become a reason."""
    started = time.perf_counter()
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise RequestError("request: expected a JSON object")
        lines, scales, image, deadline_s = _parse(request)
        data = _read_image(image, str(request.get("sha256", "")))
        if deadline_s and time.perf_counter() - started > deadline_s:
            raise RequestError("deadline passed before counting began")
        frame = frame_of(unpack(data))
        count, seen, verdict = pipeline.count(frame, lines, scales, str(request["sha256"]))
        return {"ok": True, "count": to_builtins(count), "overlay": overlay(frame, seen, verdict, lines, count)}
    except (RequestError, ImageFileError, CalibrationError, OSError, MemoryError, json.JSONDecodeError) as error:
        return {"ok": False, "reason": f"{error}"[:REASON_MAX] or type(error).__name__}
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        # A picture no stage foresaw: the lane must get a failure for this parcel, and the next one its turn.
        print(f"vision.service: {type(error).__name__}: {error}", file=sys.stderr)
        return {"ok": False, "reason": f"{type(error).__name__}: {error}"[:REASON_MAX]}


def _parse(request: dict[str, Any]) -> tuple[list[ExpectedLine], Scales, Path, float]:
    entries = request.get("lines")
    if not isinstance(entries, list) or len(entries) > LINES_MAX:
        raise RequestError(f"lines: expected a list of at most {LINES_MAX}")
    lines = [_line(number, entry) for number, entry in enumerate(entries)]
    if len({line.line_no for line in lines}) != len(lines):
        raise RequestError("lines: expected every line_no once")
    image = request.get("image")
    if not isinstance(image, str) or not image:
        raise RequestError("image: expected a path")
    scales = Scales(
        scale_mg=_integer(request, "scale_mg", -1),
        error_mg=_integer(request, "scale_error_mg", 3_000),
        gross_mg=_integer(request, "gross_mg", -1),
    )
    return lines, scales, Path(image), _integer(request, "deadline_ms", 0) / 1000


def _line(number: int, entry: Any) -> ExpectedLine:
    if not isinstance(entry, dict):
        raise RequestError(f"lines[{number}]: expected an object")
    words = {name: entry.get(name, "") for name in ("sku", "name")}
    for name, word in words.items():
        if not isinstance(word, str):
            raise RequestError(f"lines[{number}].{name}: expected text, was {word!r}")
    line_no, low, high, unit = (
        _integer(entry, name, fallback)
        for name, fallback in (("line_no", None), ("count_lo", -1), ("count_hi", -1), ("unit_mg", 0))
    )
    return ExpectedLine(
        line_no=line_no, sku=words["sku"], name=words["name"], count_lo=low, count_hi=high, unit_mg=unit
    )


def _integer(entry: dict[str, Any], name: str, fallback: int | None) -> int:
    value = entry.get(name, fallback)
    if type(value) is not int or not -1 <= value <= MASS_MG_MAX:
        raise RequestError(f"{name}: expected a whole number from -1 to {MASS_MG_MAX}, was {value!r}")
    return value


def _read_image(path: Path, sha256: str) -> bytes:
    size = path.stat().st_size
    if size > IMAGE_BYTES_MAX:
        raise RequestError(f"image {path.name}: expected at most {IMAGE_BYTES_MAX} bytes, was {size}")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise RequestError(f"image {path.name}: expected sha256 {sha256 or '(none given)'}, was {found}")
    return data


def _say(answers: TextIO, plain: dict[str, Any]) -> None:
    answers.write(json.dumps(plain, ensure_ascii=False, separators=(",", ":")) + "\n")
    answers.flush()
