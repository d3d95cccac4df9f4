"""Which waybill a parcel carries: labels, check digits, and the verdict when its window on the belt closes.

A label is taken as it is or not at all: a wrong check digit is never repaired, and the closest match is no
match. Two different texts in one window are two codes, whatever else is wrong with them.
"""

from collections.abc import Sequence

from msgspec import Struct

from lane.model.config import CarrierPattern
from lane.model.grounds import Ground

S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
"""UPU S10 serial number weights; C = 11 - S mod 11, 10 becomes 0 and 11 becomes 5."""
TEXTS_MAX = 4
"""Different texts kept per parcel: two already decide, the rest are for the bench."""
INDUCTIONS_MAX = 2
"""A third induction of one waybill goes to INSPECT: grinding for a parcel that is not drawn must not pay."""
_DIGITS = frozenset("0123456789")
_ALNUM = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LETTERS = _ALNUM - _DIGITS


class Reads(Struct, kw_only=True, gc=False):
    """What the readers saw of one parcel, until its identity closes."""

    texts: list[str] = []
    multiple: bool = False
    sticky_from: int = 0
    inductions: int = 0


class Verdict(Struct, frozen=True, kw_only=True, gc=False):
    """Closed identity: ``code`` ("" for none) and the grounds against it."""

    code: str
    grounds: tuple[Ground, ...]


def label_code(text: str) -> str:
    """A label as it is compared: white space cut at both ends, ASCII letters in upper case; "" if not ASCII."""
    return text.strip().upper() if text.isascii() else ""


def s10_valid(code: str) -> bool:
    """UPU S10: two letters, eight digits, check digit, two letters of the country."""
    if len(code) != 13 or not (_LETTERS.issuperset(code[:2]) and _LETTERS.issuperset(code[11:])):
        return False
    if not _DIGITS.issuperset(code[2:11]):
        return False
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(code[2:10], S10_WEIGHTS, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest) == int(code[10])


def gs1_valid(code: str) -> bool:
    """GS1 check digit (SSCC, GTIN): weights 3, 1 from the right, 10 - S mod 10, 10 becomes 0."""
    if len(code) < 2 or not _DIGITS.issuperset(code):
        return False
    total = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(code[:-1])))
    return (10 - total % 10) % 10 == int(code[-1])


def sscc_valid(code: str) -> bool:
    """SSCC: eighteen digits, or twenty with the application identifier 00 in front."""
    if len(code) == 20 and code.startswith("00"):
        code = code[2:]
    return len(code) == 18 and gs1_valid(code)


def gtin_valid(code: str) -> bool:
    """GTIN-8, -12, -13 or -14."""
    return len(code) in (8, 12, 13, 14) and gs1_valid(code)


CHECKS = {"s10": s10_valid, "sscc": sscc_valid, "gtin": gtin_valid}
"""Check-digit rules by their name in ``config/carriers.toml``; ``none`` has no rule."""


def fits(code: str, pattern: CarrierPattern) -> bool:
    """Whether a code has the format of this carrier: prefix, length, alphabet, check digit."""
    if not code.startswith(pattern.prefix) or not pattern.length_min <= len(code) <= pattern.length_max:
        return False
    if pattern.alphabet == "digits":
        if code and not (code.isascii() and code.isdigit()):
            return False
    elif not _ALNUM.issuperset(code):
        return False
    return pattern.check == "none" or CHECKS[pattern.check](code)


def check_patterns(patterns: Sequence[CarrierPattern]) -> None:
    """Refuse a pattern with an unknown rule or alphabet. Raises ValueError naming the carrier."""
    for pattern in patterns:
        if pattern.check != "none" and pattern.check not in CHECKS:
            raise ValueError(f"carrier {pattern.name}: check: expected none, s10, sscc or gtin, was {pattern.check!r}")
        if pattern.alphabet not in ("digits", "alnum"):
            raise ValueError(f"carrier {pattern.name}: alphabet: expected digits or alnum, was {pattern.alphabet!r}")


def valid(code: str, patterns: Sequence[CarrierPattern]) -> bool:
    """Whether some carrier prints such a code. No pattern at all: nothing is valid."""
    if code:
        length = len(code)
        for pattern in patterns:
            if pattern.length_min <= length <= pattern.length_max and fits(code, pattern):
                return True
    return False


def add_text(reads: Reads, text: str) -> None:
    """Remember one read text; the same text again adds nothing."""
    if text not in reads.texts and len(reads.texts) < TEXTS_MAX:
        reads.texts.append(text)


def close(reads: Reads, patterns: Sequence[CarrierPattern]) -> Verdict:
    """The verdict when the parcel has left the reader."""
    if reads.multiple or len(reads.texts) > 1:
        return Verdict(code="", grounds=(Ground.TWO_CODES,))
    if not reads.texts:
        return Verdict(code="", grounds=(Ground.NO_READ,))
    code = label_code(reads.texts[0])
    if not valid(code, patterns):
        return Verdict(code="", grounds=(Ground.CODE_INVALID,))
    if reads.inductions >= INDUCTIONS_MAX:
        return Verdict(code=code, grounds=(Ground.REPEAT_INDUCTION,))
    return Verdict(code=code, grounds=())


def confirms(text: str, code: str, patterns: Sequence[CarrierPattern]) -> bool:
    """Whether a second look before the gate agrees: only a different *valid* code disagrees."""
    other = label_code(text)
    return other == code or not valid(other, patterns)
