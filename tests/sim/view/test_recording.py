"""A recording says what the journal said, and a damaged one is refused by place."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lane.codec import encode
from sim.cli import sim
from sim.recording import LINE_BYTES_MAX, RecordingError, open_recording
from tests.sim.view.conftest import DAY, Recorded


def test_a_recording_gives_the_records_of_the_journal_in_order(recorded: Recorded) -> None:
    recording = open_recording(recorded.path)
    assert [encode(record) for record in recording.records()] == recorded.bodies
    assert recording.synthetic
    assert recording.config_sha256 == recorded.figures["conditions"]["config_sha256"]
    assert recording.facts["seed"] == 9
    assert recording.facts["journal_sha256"] == recorded.figures["journal_sha256"]


def test_the_command_records_the_run_it_prints(tmp_path: Path) -> None:
    words = ["run", str(DAY), "--parcels", "5", "--seed", "2", "--record", str(tmp_path / "run.jsonl")]
    answer = CliRunner().invoke(sim, [*words, "--json", str(tmp_path / "run.json")])
    assert answer.exit_code == 0, answer.output
    figures = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    recording = open_recording(tmp_path / "run.jsonl")
    assert len(list(recording.records())) == figures["records"]
    assert recording.facts["journal_sha256"] == figures["journal_sha256"]
    refused = CliRunner().invoke(sim, ["run", str(DAY), "--parcels", "5", "--record", "/nowhere/run.jsonl"])
    assert refused.exit_code != 0
    assert "--record /nowhere/run.jsonl: expected an existing folder" in refused.output


def _damaged(recorded: Recorded, folder: Path, damage: str) -> Path:
    lines = recorded.path.read_text(encoding="utf-8").splitlines(keepends=True)
    if damage == "cut":
        lines = lines[:-1]
    elif damage == "missing":
        del lines[50]
    elif damage == "changed":
        lines[50] = lines[50].replace('"at_us":', '"at_us": ', 1)
    elif damage == "other config":
        lines[0] = lines[0].replace('"speed_um_s":500000', '"speed_um_s":500001')
    elif damage == "order":
        lines[50], lines[51] = lines[51], lines[50]
    elif damage == "end":
        lines[-1] = lines[-1].rstrip()
    elif damage == "half an end":
        lines[-1] = lines[-1][:-6] + "\n"
    elif damage == "more":
        lines.append(lines[-1])
    elif damage == "nested":
        lines[50] = "[" * 100_000 + "\n"
    elif damage == "nested header":
        lines[0] = '{"schema":"sim-recording/1","config":' + '{"a":' * 100_000 + "\n"
    elif damage == "endless header":
        lines[0] = '{"schema":"' + "x" * LINE_BYTES_MAX
    elif damage == "schema":
        lines[0] = lines[0].replace("sim-recording/1", "sim-recording/9")
    elif damage == "config":
        lines[0] = lines[0].replace('"speed_um_s":', '"speed_mm_s":')
    path = folder / "damaged.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("cut", "the file was cut"),
        ("missing", "records, were"),
        ("changed", "damaged.jsonl:51: "),
        ("other config", "damaged.jsonl:1: its configuration is not the one that was recorded"),
        ("order", "damaged.jsonl: its records are not those that were recorded, or not in their order"),
        ("end", "expected a whole line, was cut"),
        ("half an end", "expected a number of records, were"),
        ("more", "expected nothing after RecordingEnded"),
        ("nested", "damaged.jsonl:51: "),
        ("nested header", "damaged.jsonl:1: "),
        ("endless header", "damaged.jsonl:1: expected a whole line, was over 16,777,216 bytes"),
        ("schema", "damaged.jsonl:1: expected a header with schema sim-recording/1"),
        ("config", "damaged.jsonl:1: expected the core's configuration"),
    ],
)
def test_a_damaged_recording_is_refused_by_place(recorded: Recorded, tmp_path: Path, damage: str, named: str) -> None:
    path = _damaged(recorded, tmp_path, damage)
    with pytest.raises(RecordingError, match="record the run again") as caught:
        list(open_recording(path).records())
    assert named in str(caught.value)


def test_what_is_no_recording_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"expected a run directory with journal\.db, or a file of --record"):
        open_recording(tmp_path)
    (tmp_path / "text.txt").write_text("hello\n", encoding="utf-8")
    with pytest.raises(RecordingError, match="expected a run directory or a file of `lane sim run --record`"):
        open_recording(tmp_path / "text.txt")


@pytest.mark.parametrize(
    ("span", "named"),
    [
        (["--from", "20", "--to", "10"], "expected --to after --from"),
        (["--from", "1e308"], "is not in the range"),
        (["--to", "nan"], "was nan"),
    ],
)
def test_a_span_that_is_none_is_named(recorded: Recorded, tmp_path: Path, span: list[str], named: str) -> None:
    answer = CliRunner().invoke(sim, ["view", str(recorded.path), "--out", str(tmp_path / "page.html"), *span])
    assert answer.exit_code in (1, 2)
    assert named in answer.output
