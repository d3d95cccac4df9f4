"""Event logs of other systems: columns, words, units, dates; what can't be used is named by line."""

from pathlib import Path

import pytest

from sim.calibrate.log_file import Naming, read_log, write_log
from sim.calibrate.moments import NONE_US, Moment, NoLog, log_of

OWN = {moment.value: moment for moment in Moment}


def test_a_log_with_other_words_columns_and_units_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("at,who,case,activity\n1.5,,B,come\n0.25,,A,come\n9,Li,A,closed\n9,Wu,B,closed\n8,,A,tea\n")
    naming = Naming(
        columns={"parcel": "case", "event": "activity", "time": "at", "resource": "who"},
        events={"come": "arrived", "closed": "bench_done"}, unit="min",
    )  # fmt: skip
    log = read_log(path, naming)
    assert log.of(Moment.ARRIVED).tolist() == [15_000_000, 90_000_000], "in order of arrival"
    assert log.of(Moment.BENCH_DONE).tolist() == [540_000_000, 540_000_000]
    assert log.persons[Moment.BENCH_DONE] == {"Li", "Wu"}
    assert log.other == {"tea": 1}


@pytest.mark.parametrize(
    "text",
    [
        '{"parcel":1,"event":"inducted","time":5}\n{"parcel":1,"event":"scanned","time":9}\n',
        '[1,"inducted",5]\n[1,"scanned",9]\n',
    ],
)
def test_json_lines_are_objects_or_arrays(text: str, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(text)
    log = read_log(tmp_path / "log.jsonl")
    assert log.between(Moment.INDUCTED, Moment.SCANNED).tolist() == [4]
    assert log.entry is Moment.INDUCTED


def test_dates_count_from_midnight_of_the_first_day(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("parcel,event,time\n1,inducted,2025-11-11 08:00:00.5\n2,inducted,2025-11-12T00:00:01Z\n")
    assert read_log(path).of(Moment.INDUCTED).tolist() == [8 * 3_600_000_000 + 500_000, 86_401_000_000]


def test_a_written_log_is_read_back_and_repeats_are_counted(tmp_path: Path) -> None:
    rows = [("a", "inducted", 3, ""), ("b", "inducted", 1, ""), ("a", "scanned", 7, ""), ("a", "inducted", 9, "")]
    log = log_of(rows, OWN, "here")
    assert (log.repeats, log.of(Moment.SCANNED).tolist()) == (1, [NONE_US, 7])
    assert write_log(tmp_path / "own.csv", log) == 3
    again = read_log(tmp_path / "own.csv")
    assert {moment: column.tolist() for moment, column in again.times.items()} == {
        moment: column.tolist() for moment, column in log.times.items()
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("case,event,time\n", r"log.csv:1: expected columns parcel, found case, event, time; .*--column"),
        ("parcel,event,time\n1,inducted\n", r"log.csv:2: expected 3 columns, was 2"),
        ("parcel,event,time\n1,inducted,noon\n", r"log.csv:2: time: expected a number or an ISO 8601"),
        ("parcel,event,time\n1,inducted,-4\n", r"log.csv:2: time: expected a time of 0 or more"),
        ("parcel,event,time\n1,start,4\n", r"events found: start; name yours with --event"),
    ],
)
def test_an_unusable_log_is_refused_by_line_with_the_way_out(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(NoLog, match=expected):
        read_log(tmp_path / "log.csv")


def test_unknown_names_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoLog, match="ours of parcel, event, time, resource, was colour"):
        Naming(columns={"colour": "x"})
    with pytest.raises(NoLog, match="was taken"):
        Naming(events={"come": "taken"})
    with pytest.raises(NoLog, match="was days"):
        Naming(unit="days")
    with pytest.raises(NoLog, match=r"ends in \.csv"):
        read_log(tmp_path / "log.txt")
    with pytest.raises(NoLog, match="can't be read"):
        read_log(tmp_path / "nowhere.csv")
    (tmp_path / "log.jsonl").write_text('{"parcel":1}\n')
    with pytest.raises(NoLog, match=r"log.jsonl:1: expected an object with parcel, event, time"):
        read_log(tmp_path / "log.jsonl")
