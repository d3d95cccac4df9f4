"""Normalised keys, exact decimals and times of declarations. Pure; a bad value is never put into a message."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from lane.model.declared import ParcelKey

KEY_CHARS_MAX = 60
"""Longest waybill or identity number (logisticsNo, orderNo: C..60 in the message specification)."""
TEXT_CHARS_MAX = 510
"""Longest text kept (gmodel: C..510 in the message specification); the rest is cut and flagged."""
SCALED_MAX = 10**14
"""Largest scaled number: a billion units or 100,000 tonnes. Anything above is a typing error and counts as absent."""
QTY_PLACES, KG_PLACES = 5, 6
"""Decimal places kept of a quantity, and of kilograms (then milligrams): ``N19,5`` is kept exactly."""
ABSENT = -1
BAD = -2
"""Result of ``scaled``: something is there, but no decimal number in range."""

TRADE_ZONE = timezone(timedelta(hours=8))
"""Zone in which times with an offset become 17 digits: receipts carry local digits without a zone (own choice)."""
_EDGE = "".join(chr(code) for code in range(33)) + "\x7f"
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_PLAUSIBLE = re.compile(
    r"(?:19|2[01])\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-4])[0-5]\d(?:[0-5]\d|60)\d{3}", re.ASCII
)
_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")


def normal_key(text: str) -> str:
    """A waybill number or carrier code in its one form, or ``''`` when it is empty or longer than 60 characters.

    NFKC, surrounding white space and control characters cut, ASCII upper case; inner characters stay as they are.
    """
    if text.isascii():
        plain = text.strip(_EDGE).upper()
    else:
        plain = unicodedata.normalize("NFKC", text)
        start, end = 0, len(plain)
        while start < end and _is_edge(plain[start]):
            start += 1
        while end > start and _is_edge(plain[end - 1]):
            end -= 1
        plain = plain[start:end].translate(_UPPER)
    return plain if len(plain) <= KEY_CHARS_MAX else ""


def _is_edge(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) in ("Cc", "Cf")


def parcel_key(carrier: str, waybill: str) -> ParcelKey:
    """The key of a parcel: both parts normalised (an unusable part becomes ``''``)."""
    return ParcelKey(carrier=normal_key(carrier), waybill=normal_key(waybill))


@lru_cache(maxsize=65_536)  # quantities and masses repeat: ten times faster than computing them again
def scaled(text: str, places: int) -> int:
    """A decimal text as an integer times 10^places; ``ABSENT`` for an empty text, ``BAD`` for anything else.

    Exact: digits beyond ``places`` must be zeros. Accepts one leading ``+``; no exponent, no sign, no grouping.
    """
    if not text:
        return ABSENT
    if text[0] == "+":
        text = text[1:]
    whole, _, part = text.partition(".")
    if len(part) > places:
        if part[places:].strip("0"):
            return BAD
        part = part[:places]
    digits = whole + part
    if not digits or len(digits) > 32 or not (digits.isascii() and digits.isdigit()):
        return BAD
    value = int(digits) * int(10 ** (places - len(part)))
    return value if value <= SCALED_MAX else BAD


def qty_e5(text: str) -> int:
    """A quantity times 10^5 (``N19,5`` kept exactly)."""
    return scaled(text, QTY_PLACES)


def kg_to_mg(text: str) -> int:
    """Kilograms as milligrams (``N19,5`` kept exactly)."""
    return scaled(text, KG_PLACES)


def unscaled(value: int, places: int) -> str:
    """The shortest decimal text of a scaled integer (``''`` when absent)."""
    if value < 0:
        return ""
    whole, part = divmod(value, 10**places)
    return f"{whole}.{part:0{places}d}".rstrip("0").rstrip(".") if part else str(whole)


def time_digits(text: str) -> str:
    """A time as 17 digits (YYYYMMDDhhmmssSSS), or ``''`` when it is none.

    Takes 17 digits as they are, 14 digits as whole seconds, and RFC 3339 with an offset (converted to the zone in
    which receipts are written). Digits are compared, never interpreted: messages name no zone.
    """
    if text.isascii() and text.isdigit():
        padded = text if len(text) == 17 else text + "000" if len(text) == 14 else ""
        return padded if _PLAUSIBLE.fullmatch(padded) else ""
    if _RFC_3339.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text.upper())
            return wall_digits(moment)
        except (ValueError, OverflowError):
            return ""
    return ""


def wall_digits(moment: datetime) -> str:
    """A moment as 17 digits in the zone of receipts."""
    local = moment.astimezone(TRADE_ZONE)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"


def wall_digits_of(unix_s: float) -> str:
    """Unix seconds as 17 digits in the zone of receipts."""
    return wall_digits(datetime.fromtimestamp(unix_s, UTC))
