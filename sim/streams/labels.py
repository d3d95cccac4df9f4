"""Waybill numbers as carriers print them, with valid check digits (UPU S10 and plain number series)."""

from sim.streams.randoms import Keyed

S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
"""Weights of UPU S10; check digit 11 - sum mod 11, with 10 -> 0 and 11 -> 5."""
SERIAL_SPACE = 10**8


def s10(service: str, serial: int, country: str) -> str:
    """UPU S10 item number, such as ``EA473124829CN``."""
    digits = f"{serial % SERIAL_SPACE:08d}"
    check = 11 - sum(weight * int(digit) for weight, digit in zip(S10_WEIGHTS, digits, strict=True)) % 11
    return f"{service}{digits}{ {10: 0, 11: 5}.get(check, check) }{country}"


class Labels:
    """Gives every parcel of a stream a waybill of its own and the carrier's customs code that goes with it.

    Serials run through a keyed offset, so that two seeds do not print the same numbers.
    """

    def __init__(self, seed: int) -> None:
        self._keyed = Keyed(seed, "labels")
        self._offset = Keyed(seed, "label offset").below(SERIAL_SPACE)

    def next(self, number: int) -> tuple[str, str]:
        """(carrier code, waybill) of parcel ``number``."""
        serial = (self._offset + number * 7919) % SERIAL_SPACE  # 7919 is prime to 10^8: no repeats
        kind = self._keyed.below(4)
        if kind == 0:
            return "1101980047", s10("EA", serial, "CN")
        if kind == 1:
            return "3301968804", f"SF{serial:013d}"
        if kind == 2:
            return "3101982106", f"YT{serial:013d}"
        return "330198A00H", f"7{serial:012d}"
