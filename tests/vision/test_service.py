"""The worker's answers: bound to the picture's hash, and alive after any input."""

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from tests.vision.scenes import SIGNATURES, image, lines_of, pipeline
from vision.cli import vision
from vision.image_file import ImageFileError
from vision.preview import preview_png
from vision.service import answer, serve

CONTENTS = [("HN-500", 1), ("TP-120", 1)]


def request(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    path = tmp_path / "scan.lxi"
    data = image(CONTENTS, 21)
    path.write_bytes(data)
    plain: dict[str, Any] = {
        "image": str(path), "sha256": hashlib.sha256(data).hexdigest(),
        "lines": [asdict(line) for line in lines_of(CONTENTS)],
        "scale_mg": -1, "scale_error_mg": 3_000, "gross_mg": -1, "net_mg": -1, "deadline_ms": 4_000,
    }  # fmt: skip
    return plain | changes


def test_a_count_names_picture_and_model_and_carries_its_overlay(tmp_path: Path) -> None:
    asked = request(tmp_path)
    found = answer(pipeline(), json.dumps(asked))
    assert found["ok"] is True
    assert found["count"]["image_sha256"] == asked["sha256"]
    assert found["count"]["model_sha256"] == pipeline().model_sha256
    overlay = found["overlay"]
    assert overlay["schema"] == "lane-overlay/1"
    assert [entry["line_no"] for entry in overlay["lines"]] == [1, 2]
    assert overlay["regions"]
    for region in overlay["regions"]:
        assert len(region["polygon"]) >= 4
        assert all(0 <= x <= overlay["width"] and 0 <= y <= overlay["height"] for x, y in region["polygon"])
    assert sum(piece["count"] for region in overlay["regions"] for piece in region["pieces"]) == 2
    assert "declared goods explain" in overlay["words"][0]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"sha256": "00"}, "expected sha256 00"),
        ({"sha256": None}, "expected sha256"),
        ({"image": "/nowhere/x"}, "No such file"),
        ({"image": 3}, "expected a path"),
        ({"lines": {}}, "lines: expected a list"),
        ({"lines": [4]}, r"lines\[0\]: expected an object"),
        ({"lines": [{"line_no": 1}, {"line_no": 1}]}, "every line_no once"),
        ({"lines": [{"line_no": True}]}, "line_no: expected a whole number"),
        ({"lines": [{"line_no": 1, "sku": 7}]}, "expected text"),
        ({"scale_mg": 1.5}, "scale_mg: expected a whole number"),
        ({"gross_mg": 10**12}, "gross_mg"),
    ],
)
def test_a_bad_request_gets_its_reason(tmp_path: Path, changes: dict[str, Any], text: str) -> None:
    found = answer(pipeline(), json.dumps(request(tmp_path, **changes)))
    assert found["ok"] is False
    with pytest.raises(AssertionError, match=text):
        raise AssertionError(found["reason"])


@settings(derandomize=True, max_examples=60, deadline=None)
@given(line=st.one_of(st.text(max_size=80), st.just("[" * 100_000), st.just('{"lines": [null]}'), st.just("NaN")))
def test_no_line_of_text_stops_the_service(line: str) -> None:
    out = io.StringIO()
    serve(pipeline(), io.StringIO(line.replace("\n", " ") + "\n{}\n"), out)
    answers = [json.loads(entry) for entry in out.getvalue().splitlines()]
    assert answers[0]["ready"] is True
    assert all(entry["ok"] is False and entry["reason"] for entry in answers[1:])
    assert len(answers) in (2, 3)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(place=st.integers(0, 10**6), junk=st.binary(min_size=1, max_size=600))
def test_a_damaged_picture_with_a_matching_hash_is_answered(
    tmp_path_factory: pytest.TempPathFactory, place: int, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "x.lxi"
    data = bytearray(image([("LP-35", 1)], 3))
    place %= len(data)
    data[place : place + len(junk)] = junk
    path.write_bytes(data)
    lines = [asdict(line) for line in lines_of([("LP-35", 1)])]
    asked = {"image": str(path), "sha256": hashlib.sha256(data).hexdigest(), "lines": lines}
    assert answer(pipeline(), json.dumps(asked))["ok"] in (True, False)


def test_an_endless_line_is_refused_and_the_next_one_answered() -> None:
    out = io.StringIO()
    serve(pipeline(), io.StringIO("x" * 2_500_000 + "\n{}\n"), out)
    answers = [json.loads(entry) for entry in out.getvalue().splitlines()]
    assert "at most" in answers[1]["reason"]
    assert answers[2]["ok"] is False


def test_the_worker_process_says_ready_first_and_ends_with_its_input(tmp_path: Path) -> None:
    asked = json.dumps(request(tmp_path)).encode()
    done = subprocess.run(
        [sys.executable, "-m", "vision.worker", "--signatures", str(SIGNATURES), "--memory-mb", "4000"],
        input=b"\xff\xfe not text\n" + asked + b"\n", capture_output=True, timeout=60, check=True,
        cwd=SIGNATURES.parents[2],
    )  # fmt: skip
    ready, refused, counted = (json.loads(entry) for entry in done.stdout.splitlines())
    assert ready == {
        "ready": True, "model_sha256": pipeline().model_sha256, "signatures": pipeline().signatures.version,
    }  # fmt: skip
    assert refused["ok"] is False
    assert counted["ok"] is True


def test_the_preview_is_a_png_of_the_pictures_size() -> None:
    png = preview_png(image(CONTENTS, 21))
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(png[16:20], "big") == 640
    with pytest.raises(ImageFileError):
        preview_png(b"no picture")


def test_the_command_line_counts_and_writes_overlay_and_result(tmp_path: Path) -> None:
    asked = request(tmp_path)
    declaration = tmp_path / "declaration.json"
    declaration.write_text(json.dumps({"lines": asked["lines"]}), encoding="utf-8")
    out = {name: tmp_path / f"{name}.out" for name in ("overlay", "json", "preview")}
    options = [word for name, path in out.items() for word in (f"--{name}", str(path))]
    done = CliRunner().invoke(vision, ["count", asked["image"], "--declaration", str(declaration), *options])
    assert done.exit_code == 0, done.output
    assert "line 1: declared 1, seen 1" in done.output
    assert json.loads(out["overlay"].read_text(encoding="utf-8"))["regions"]
    assert json.loads(out["json"].read_text(encoding="utf-8"))["acquisition"] == "SUCCESSFUL"
    assert out["preview"].read_bytes()[:4] == b"\x89PNG"
    declaration.write_text("[")
    broken = CliRunner().invoke(vision, ["count", asked["image"], "--declaration", str(declaration)])
    assert broken.exit_code != 0
    assert "expected JSON" in broken.output
