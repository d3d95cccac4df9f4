"""The command of the wire twin tells what it was given wrongly, before it opens a port."""

from pathlib import Path

import pytest

from sim.wire.__main__ import main


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--parcels", "0"], "stream: parcels, rate_per_hour, kinds_max expected at least 1"),
        (["--stream", "nowhere.jsonl"], "No such file or directory: 'nowhere.jsonl'"),
        (["--lane", "{folder}/empty.toml"], "empty.toml: layout.reader_mm: expected millimetres, was None"),
    ],
)
def test_a_wrong_argument_ends_the_wire_twin_with_one_line(
    words: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.toml").touch()
    files = [part for name in ("addresses", "truth", "control") for part in (f"--{name}", str(tmp_path / name))]
    assert main([*files, *(word.format(folder=tmp_path) for word in words)]) == 2
    told = capsys.readouterr().err
    assert text in told
    assert told.count("\n") == 1


def test_a_plant_that_stands_still_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--speed", "0", *(f"--{name}={tmp_path / name}" for name in ("addresses", "truth", "control"))])
    assert "--speed: expected 1 or more, was 0" in capsys.readouterr().err
