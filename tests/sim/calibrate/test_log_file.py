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
        ("parcel,event,time\n1,inducted,1e400\n", r"log.csv:2: time: expected a time of 0 or more, at most 1e\+17 us"),
        ("parcel,event,time\n1,inducted,-inf\n", r"log.csv:2: time: expected a time of 0 or more"),
        ("parcel,event,time\n1,inducted,nan\n", r"log.csv:2: time: .*, was 'nan'"),
        (
            "parcel,event,time\n1,inducted,5\n2,inducted,1e15\n",
            r"log.csv:3: time: expected a time within three years .* is --time-unit right",
        ),
        ("parcel,event,time\n1,inducted,5\n2,inducted,2025-11-11\n", r"log.csv:3: time: expected a number as in the"),
        ("parcel,event,time\n1,inducted,2025-11-11\n2,inducted,5\n", r"log.csv:3: time: expected a date and time as"),
        ("parcel,event,time,time\n1,inducted,5,6\n", r"log.csv:1: expected column time once, is there twice"),
        ('"parcel\n', r"log.csv:1: expected columns parcel, event, time"),
        ("parcel,event,time\n1,start,4\n", r"events found: start; name yours with --event"),
    ],
)
def test_an_unusable_log_is_refused_by_line_with_the_way_out(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(NoLog, match=expected):
        read_log(tmp_path / "log.csv")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            '{"parcel":1,"event":"inducted","time":5,"time":6}',
            "no valid JSON: expected each key once, twice there is 'time'",
        ),
        ('{"parcel":1,"event":"inducted","time":' + "9" * 400 + "}", "time: expected a time of 0 or more, at most"),
        ('{"parcel":1,"event":"inducted","time":' + "9" * 5_000 + "}", "no valid JSON"),
        ('{"parcel":1,"event":"inducted","time":Infinity}', "time: expected a time of 0 or more, at most"),
        ('{"parcel":1,"event":"inducted","time":true}', "time: expected a time of 0 or more, .* was True"),
        ('{"parcel":1,"event":"inducted","time":[]}', "time: expected a number or an ISO 8601"),
        ("[" * 100_000, "no valid JSON"),
        ("7", "expected an object with parcel, event, time"),
    ],
)
def test_an_unusable_line_of_json_is_refused_by_its_number(line: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"parcel":0,"event":"inducted","time":5}\n' + line + "\n")
    with pytest.raises(NoLog, match=f"log.jsonl:2: {expected}"):
        read_log(tmp_path / "log.jsonl")


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


def _in_unit(path: Path, factor: float, parcels: int = 60) -> Path:
    """A log of 1,200 parcels an hour, 16 s on the belt; ``factor``: of its unit in a second."""
    rows = [
        (n, word, 3 * n + s) for n in range(parcels) for word, s in (("inducted", 1), ("scanned", 6), ("released", 17))
    ]
    path.write_text("parcel,event,time\n" + "".join(f"{n},{word},{s * factor!r}\n" for n, word, s in rows))
    return path


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("s", 0.999), ("ms", 1e3), ("min", 1 / 60)])
def test_numbers_in_another_unit_than_told_are_doubted_and_the_fitting_unit_is_named(
    unit: str, factor: float, tmp_path: Path
) -> None:
    path = _in_unit(tmp_path / "log.csv", factor)
    with pytest.raises(NoLog, match=rf"read as us, .* no belt lane .*; --time-unit {unit} makes it 1,[12]\d\d parcels"):
        read_log(path)
    assert read_log(path, Naming(unit=unit)).parcels == 60


def test_a_unit_that_is_told_is_doubted_too(tmp_path: Path) -> None:
    path = _in_unit(tmp_path / "log.csv", 1e6, 25)
    with pytest.raises(NoLog, match=r"read as s, .*3,000,000 s from parcel to parcel, .*--time-unit us makes it"):
        read_log(path, Naming(unit="s"))
    assert read_log(path).parcels == 25


def test_times_that_are_of_no_lane_in_any_unit_name_all_units(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("parcel,event,time\n" + "".join(f"{n},arrived,5\n" for n in range(40)))
    with pytest.raises(NoLog, match=r"inf parcels an hour, .*--time-unit us | ms | s | min | h, or mend the times"):
        read_log(path)


def test_a_slow_lane_of_few_parcels_an_hour_is_told_by_its_belt(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [f"{n},{word},{180_000 * n + ms}\n" for n in range(40) for word, ms in (("inducted", 1), ("scanned", 5_000))]
    path.write_text("parcel,event,time\n" + "".join(rows))
    with pytest.raises(NoLog, match=r"0\.004999 s from inducted to scanned, .*--time-unit ms makes it 20 parcels"):
        read_log(path)


def test_dates_are_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("parcel,event,time\n" + "".join(f"{n},arrived,2025-11-11 08:00\n" for n in range(40)))
    assert read_log(path).parcels == 40
