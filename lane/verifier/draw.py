"""LaneDraw v1 recomputed from the records: commitment, key, draw, probability. Integers only."""

import re
from hashlib import sha256
from hmac import digest
from math import gcd

RATE = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?\Z|([0-9]{1,9})/([1-9][0-9]{0,8})\Z", re.ASCII)
DENOMINATOR_MAX = 10**6


def lp(*parts: bytes) -> bytes:
    """Each part after its length, four bytes, big-endian."""
    return b"".join([len(part).to_bytes(4) + part for part in parts])


def commitment(site: str, lane: str, epoch: int, salt: bytes, secret: bytes) -> bytes:
    """C of an epoch."""
    return sha256(lp(b"lane-draw/commit/v1", site.encode(), lane.encode(), b"%d" % epoch, salt, secret)).digest()


def key(secret: bytes, committed: bytes, nonce: bytes) -> bytes:
    """K of an epoch."""
    return digest(secret, lp(b"lane-draw/key/v1", committed, nonce), "sha256")


def derived_nonce(committed: bytes, digits: str) -> bytes:
    """Nonce of one epoch from the digits typed for several."""
    return sha256(lp(b"lane-draw/nonce/v1", committed, bytes.fromhex(digits))).digest()


def draw(epoch_key: bytes, site: str, lane: str, epoch: int, seq: int, parcel_key: bytes) -> bytes:
    """d of a parcel."""
    message = lp(b"lane-draw/draw/v1", site.encode(), lane.encode(), b"%d" % epoch, seq.to_bytes(8), parcel_key)
    return digest(epoch_key, message, "sha256")


def rate(text: str) -> tuple[int, int]:
    """A rate in lowest terms. Raises ValueError outside its grammar."""
    match = RATE.match(text)
    if match is None:
        raise ValueError(f"rate {text!r} is malformed")
    if match[1] is not None:
        den = 10 ** len(match[2] or "")
        num = int(match[1]) * den + int(match[2] or 0)
    else:
        num, den = int(match[3]), int(match[4])
    common = gcd(num, den)
    if num > den or den // common > DENOMINATOR_MAX:
        raise ValueError(f"rate {text!r} is out of range")
    return num // common, den // common


def probability(a: int, b: int, design: str, n: int, selected: int) -> tuple[int, int]:
    """p of the next draw in lowest terms. Raises ValueError on an unknown design."""
    if design == "independent":
        return a, b
    if design != "rate_held":
        raise ValueError(f"design {design!r} is unknown")
    pull = min(max(20 * b + 3 * (a * n - b * selected), 10 * b), 40 * b)
    num, den = min(a * pull, 20 * b * b), 20 * b * b
    common = gcd(num, den)
    return num // common, den // common


def is_selected(d: bytes, num: int, den: int) -> bool:
    """Whether d lies below p * 2**256."""
    return int.from_bytes(d) * den < num << 256
