"""Boxes in the place of rendered pictures: found by the receiver, known by the worker, judged by the verdict model."""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lane.codec import decode, from_plain
from lane.inputs import VisionResult
from lane.runtime.scan_cut import covered_lines, find_body
from sim.coretwin.verdicts import VerdictModel, Verdicts
from sim.scenario import Scenario
from sim.streams.make import StreamSpec, make_stream
from sim.twin import run_core_twin
from sim.wire.pictures import background
from sim.wire.stream_file import write_stream
from tests.sim.equalities import boxes
from tests.sim.equalities.boxes import LINE_UM, TOLD, Boxes, answer_all, body_in
from tests.sim.equalities.wire_traces import WireRun, compare
from vision.image_file import ImageHeader, pack
from vision.item_count import Acquisition, ItemCount, Origin

PARCELS = make_stream(StreamSpec(seed=5, parcels=70))
AIR_LINES = 40


def _raised(error: BaseException) -> None:
    raise error


def _stored(*numbers: int) -> bytes:
    """A stored picture with these bodies on it, air between them."""
    rows, made = background(), Boxes(PARCELS, failed=_raised)
    air = rows.air.low[:1].repeat(AIR_LINES, axis=0), rows.air.high[:1].repeat(AIR_LINES, axis=0)
    low, high = [air[0]], [air[1]]
    for number in numbers:
        plane, head = made.take(number)
        assert head == 0
        low += [plane.low, air[0]]
        high += [plane.high, air[1]]
    stack = np.concatenate(low), np.concatenate(high)
    header = ImageHeader(
        columns=stack[0].shape[1], lines=stack[0].shape[0], line_from=0, line_to=len(stack[0]) - 1, encoder_from=0,
        encoder_to=1, belt_from_um=0, belt_to_um=1, clock_us=0, pitch_um=1_200, column_um=1_250, detector="box",
        origin=Origin.SYNTHETIC,
    )  # fmt: skip
    calibration = b"".join(p.mean(axis=0).astype("<u2").tobytes() for p in
                           (rows.dark.low, rows.dark.high, rows.air.low, rows.air.high))  # fmt: skip
    return pack(header, stack[0].astype("<u2").tobytes(), stack[1].astype("<u2").tobytes(), calibration)


def test_the_receiver_finds_a_box_where_it_lies_and_as_long_as_the_body() -> None:
    rows, (plane, _) = background(), Boxes(PARCELS, failed=_raised).take(7)
    air = rows.air.low[:1].repeat(AIR_LINES, axis=0)
    seen = np.concatenate((air, plane.low, air))
    dark, light = (one.mean(axis=0).astype(np.uint16) for one in (rows.dark.low, rows.air.low))
    belt = [line * LINE_UM for line in range(len(seen))]
    body = find_body(covered_lines(seen, dark, light), belt, gaps=0, fast=False, overrun=False)
    assert body.acquisition is Acquisition.SUCCESSFUL
    assert body.head_um == AIR_LINES * LINE_UM
    assert abs(body.tail_um - body.head_um - PARCELS[6].length_um) <= 2 * LINE_UM


def test_the_number_of_one_body_is_read_and_that_of_two_is_none() -> None:
    assert [body_in(_stored(*numbers)) for numbers in ((7,), (66,), (7, 8), ())] == [7, 66, 0, 0]


def test_a_worker_answers_what_the_model_says_of_the_body_in_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stream(tmp_path / "stream.jsonl", PARCELS)
    (tmp_path / "image").write_bytes(_stored(7))
    (tmp_path / "two").write_bytes(_stored(7, 8))
    told = {"stream": str(tmp_path / "stream.jsonl"), "seed": 5, "speed": 1_000}
    monkeypatch.setenv(TOLD, json.dumps(told))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "vision.worker", "--signatures", "none"])
    monkeypatch.setattr(boxes, "model_sha256", lambda path: f"model of {path}")
    declared = PARCELS[6].declared
    assert declared is not None
    lines = [
        {"line_no": line.line_no, "sku": line.sku, "name": line.name, "count_lo": 1, "count_hi": 1, "unit_mg": 0}
        for line in declared.lines
    ]
    asked: dict[str, Any] = {"sha256": "ab", "lines": lines, "scale_mg": -1, "scale_error_mg": 0, "gross_mg": -1}
    asked["net_mg"] = -1
    requests = "".join(
        json.dumps({**asked, "image": str(tmp_path / name)}) + "\n" for name in ("image", "two", "absent")
    )
    answers = io.StringIO()
    answer_all(io.StringIO(requests), answers)
    ready, one, two, absent = (json.loads(line) for line in answers.getvalue().splitlines())
    assert ready == {"ready": True}
    count = boxes._count({**asked, "image": ""}, 7)
    _, expected = Verdicts(VerdictModel(failed_permille=0), 5, "model of none").answer(count, PARCELS[6])
    assert isinstance(expected, VisionResult)
    assert one["ok"] is True
    assert from_plain(ItemCount, one["count"]) == expected.count
    assert expected.count.model_sha256 == "model of none"
    assert two == {"ok": False, "reason": "expected one body in the picture"}
    assert absent["ok"] is False


def test_parcels_behind_a_lost_body_are_not_compared_and_without_lateness_that_is_a_difference(day: Scenario) -> None:
    parcels = day.parcels(12, 1)
    result = run_core_twin(day.config, parcels, 1, settings=replace(day.settings, keep_records=True))
    records = [decode(body) for _, body in result.journal.records()]
    in_step = {number: number for number in range(1, 13)}
    run = WireRun(
        config=day.config, parcels=list(parcels), records=records, counts={}, took_us={},
        slack_us=dict.fromkeys(in_step, 1_000_000), body_of=in_step,
    )  # fmt: skip
    whole = compare(run, records, 1_000)
    assert (whole.parcels, whole.equal, whole.uncompared, whole.differences) == (12, 12, 0, {})
    torn = compare(replace(run, body_of={**in_step, 5: 6, 6: 7}), records, 1_000)
    assert (torn.parcels, torn.uncompared, list(torn.differences)) == (4, 8, [5])
