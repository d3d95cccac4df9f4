"""What the barcode readers and the scale say on their serial lines (MANUAL.md sections 5 and 6); pure."""

STX, ETX = b"\x02", b"\x03"
END = b"\r\n"
HEARTBEAT_S = 1.0
"""Period of both devices' heartbeats, wall time."""
NO_READ = "NOREAD"
SCALE_ERROR_MG = 3_000
"""Accuracy of the scale (MANUAL.md section 6)."""
SCALE_STEP_MG = 100
"""Its last digit: 0.1 g."""


def reader_frame(text: str) -> bytes:
    """One frame of the framed reader."""
    return STX + text.encode("ascii") + ETX + END


def code_frame(code: str, count: int) -> bytes:
    """A code (or ``NO_READ``) and the encoder count at which its centre passed the reading line."""
    return reader_frame(f"{code}|{count}")


def reader_heartbeat() -> bytes:
    """The reader lives."""
    return reader_frame("HB")


def weight_line(weight_mg: int, count: int, *, stable: bool) -> bytes:
    """A weight in grams with one decimal, right-aligned in 10 characters, and the encoder count."""
    tenths = (weight_mg + SCALE_STEP_MG // 2) // SCALE_STEP_MG
    value = f"{tenths // 10}.{tenths % 10}"
    return f"S {'S' if stable else 'D'} {value:>10} g;{count}".encode("ascii") + END


def scale_heartbeat() -> bytes:
    """The scale lives."""
    return b"HB" + END
