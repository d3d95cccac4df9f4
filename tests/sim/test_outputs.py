"""Files of the twin's commands stand there whole or not at all, and what can't be written is told before the work."""

import errno
import resource
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sim.cli import sim
from sim.outputs import expect_folders, whole_file, write_figures, write_text

DAY = Path(__file__).parents[2] / "config" / "scenarios" / "day.toml"


def _broken_off(file: Path, fault: BaseException) -> None:
    with whole_file(file) as fresh:
        fresh.write_text("half of i")
        raise fault


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), click.ClickException),
        (sqlite3.OperationalError("database or disk is full"), click.ClickException),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ValueError("no stream"), ValueError),
    ],
)
def test_what_ends_the_writing_leaves_the_earlier_file_and_nothing_else(
    fault: BaseException, raised: type[BaseException], tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    file.write_text("earlier\n")
    with pytest.raises(raised):
        _broken_off(file, fault)
    assert [one.name for one in tmp_path.iterdir()] == ["figures.json"]
    assert file.read_text() == "earlier\n"


def test_two_writers_of_one_file_leave_one_of_the_two_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "figures.json"
    with whole_file(file) as one:
        monkeypatch.setattr("os.getpid", lambda: 4_711)
        with whole_file(file) as other:
            one.write_text("one\n" * 3)
            other.write_text("other\n")
        assert file.read_text() == "other\n"
    assert file.read_text() == "one\n" * 3
    assert len(list(tmp_path.iterdir())) == 1


def test_a_link_stays_a_link_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "figures.json"
    link.symlink_to(tmp_path / "there" / "real.json")
    write_figures(link, {"parcels": 3})
    assert link.is_symlink()
    assert (tmp_path / "there" / "real.json").read_text() == '{\n  "parcels": 3\n}\n'


def test_a_name_that_is_no_utf_8_stands_escaped_in_the_figures(tmp_path: Path) -> None:
    write_figures(tmp_path / "figures.json", {"scenario": "day\udcff.toml"})
    assert (tmp_path / "figures.json").read_bytes() == b'{\n  "scenario": "day\\udcff.toml"\n}\n'


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("nowhere/x.json", "--write-log .*x.json: expected an existing folder, .*nowhere is none"),
        ("folder", "--write-log .*folder: expected a file to write, was a folder"),
        ("/dev/null", "--write-log /dev/null: expected a file to write, was a device or a pipe"),
        ("/dev/stdout", "--write-log /dev/stdout: expected a file to write, was a device or a pipe"),
        ("/proc/self/fd/1", "--write-log /proc/self/fd/1: expected a file to write, was a device or a pipe"),
        ("x" * 300, "--write-log .*: expected a folder that takes such a file, .* does not .File name too long"),
    ],
)
def test_a_file_that_can_not_be_written_is_named_before_the_work(place: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(click.ClickException, match=named):
        expect_folders(write_log=tmp_path / place)
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_a_folder_that_takes_no_files_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refused)
    with pytest.raises(click.ClickException, match=r"--json .*x.json: expected a folder that takes such a file"):
        expect_folders(json=tmp_path / "x.json")


def test_a_link_to_nowhere_is_named_by_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "x.json").symlink_to("/nowhere/y.json")
    with pytest.raises(click.ClickException, match="expected an existing folder, /nowhere is none"):
        expect_folders(json=tmp_path / "x.json")


def test_two_options_want_two_files_under_whatever_name(tmp_path: Path) -> None:
    (tmp_path / "same.json").symlink_to(tmp_path / "x.json")
    with pytest.raises(click.ClickException, match="--out and --json: expected two files, both were"):
        expect_folders(out=tmp_path / "x.json", json=tmp_path / "same.json", report=None)


def _run(folder: Path) -> list[str]:
    words = ["run", str(DAY), "--parcels", "20", "--json", str(folder / "x.json")]
    return [*words, "--record", str(folder / "x.jsonl")]


def _make(folder: Path) -> list[str]:
    return ["streams", "make", str(DAY), "--parcels", "300", "--out", str(folder / "x.csv")]


@pytest.mark.parametrize("words", [_run, _make])
def test_a_full_disk_ends_a_command_in_one_line_and_leaves_no_file(
    words: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    """A limit on the size of files stands for the disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, limits[1]))
    try:
        answer = CliRunner().invoke(sim, words(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert answer.exit_code == 1
    assert "can't be written (File too large)" in " ".join(answer.output.split())
    assert list(tmp_path.iterdir()) == []


def test_text_is_written_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "page.html", "包裹\n")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "包裹\n"
