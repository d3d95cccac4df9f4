"""Which detector lines make an image, and when it is complete."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lane.runtime.scan_window import WINDOWS_MAX, BeltLine, Window, Windows, missing


def line(seq: int, belt_um: int) -> BeltLine:
    """A line without content."""
    return BeltLine(
        seq=seq, encoder=0, t_us=0, fast=False, overrun=False, synthetic=True, belt_um=belt_um, low=b"", high=b""
    )


def test_an_image_is_complete_when_a_line_reaches_the_end_of_its_window() -> None:
    windows = Windows()
    windows.arm(Window(seq=7, from_um=2_400, to_um=6_000))
    made = [windows.add(line(k, k * 1_200)) for k in range(8)]
    assert [len(images) for images in made] == [0, 0, 0, 0, 0, 1, 0, 0]
    window, lines = made[5][0]
    assert (window.seq, [one.seq for one in lines]) == (7, [2, 3, 4, 5])


def test_a_late_arming_finds_lines_that_have_passed() -> None:
    windows = Windows()
    for k in range(8):
        assert windows.add(line(k, k * 1_200)) == []
    ((_, lines),) = windows.arm(Window(seq=1, from_um=1_200, to_um=3_600))
    assert [one.seq for one in lines] == [1, 2, 3]


def test_two_windows_may_overlap() -> None:
    windows = Windows()
    windows.arm(Window(seq=1, from_um=0, to_um=3_600))
    windows.arm(Window(seq=2, from_um=2_400, to_um=6_000))
    made = [(window.seq, len(lines)) for k in range(8) for window, lines in windows.add(line(k, k * 1_200))]
    assert made == [(1, 4), (2, 4)]


def test_a_window_without_any_line_is_given_up_and_counted() -> None:
    windows = Windows()
    windows.arm(Window(seq=1, from_um=0, to_um=3_600))
    assert windows.add(line(9, 90_000)) == []
    assert windows.given_up == 1


def test_armed_windows_are_bounded_and_the_oldest_goes() -> None:
    windows = Windows()
    for seq in range(WINDOWS_MAX + 1):
        windows.arm(Window(seq=seq, from_um=0, to_um=1_200))
    windows.add(line(0, 0))
    made = [window.seq for window, _ in windows.add(line(1, 1_200))]
    assert made == list(range(1, WINDOWS_MAX + 1))
    assert windows.given_up == 1


def test_after_a_lost_connection_old_lines_are_in_no_image() -> None:
    windows = Windows()
    windows.add(line(1, 0))
    windows.forget_lines()
    windows.arm(Window(seq=1, from_um=0, to_um=2_400))
    windows.add(line(2, 1_200))
    ((_, lines),) = windows.add(line(3, 2_400))
    assert [one.seq for one in lines] == [2, 3]


@settings(max_examples=60, derandomize=True)
@given(st.sets(st.integers(1, 40), max_size=20), st.integers(0, (1 << 32) - 1))
def test_missing_lines_are_counted_by_the_detectors_own_counter(lost: set[int], first: int) -> None:
    seqs = [k for k in range(42) if k not in lost]
    lines = [line((first + k) % (1 << 32), k) for k in seqs]
    assert missing(lines) == len(lost)
