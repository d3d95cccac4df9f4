"""The random draw, LaneDraw v1: which parcels are opened by hand. Pure, integers only, recomputable by anyone.

::

    C = SHA256(lp("lane-draw/commit/v1", site, lane, dec(epoch), salt, secret))     published before N is known
    K = HMAC-SHA256(secret, lp("lane-draw/key/v1", C, N))                           N: public nonce
    d = HMAC-SHA256(K, lp("lane-draw/draw/v1", site, lane, dec(epoch), u64be(seq), parcel_key))
    selected  <=>  int(d) * den < num * 2**256                                      p = num/den

``lp`` puts a four-byte big-endian length before each part, so that no two part lists give the same bytes.
Vectors: ``tests/vectors/draw-vectors.json``. ``lane.verifier`` holds an implementation of its own.
"""

import re
import struct
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from hmac import digest as hmac_digest
from math import gcd

from lane.model.words import Design

PARCEL_KEY_BYTES_MAX = 128
"""A longer code is no waybill: it counts as a no-read."""
RATE_DENOMINATOR_MAX = 10**6
"""Keeps numerator and denominator of every p below 2**53, so that any JSON reader can recompute it."""
NAME_PATTERN = re.compile(r"[A-Z0-9-]{1,32}\Z")
"""Site and lane names that may enter a commitment."""
RATE_PATTERN = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?\Z|([0-9]{1,9})/([1-9][0-9]{0,8})\Z", re.ASCII)
LIVE_RATE_MIN = (1, 1000)
LIVE_RATE_MAX = (1, 2)
NONCE_DIGITS = 20
"""Ten-sided dice rolled by the supervising officer for one epoch (66 bits)."""
SPACE = 1 << 256
SECRET_BYTES = 32
SALT_BYTES = 16

_U32 = struct.Struct(">I").pack
_U64 = struct.Struct(">Q").pack
_U64_LENGTH = _U32(8)
_BLOCK_BYTES = 64
_INNER, _OUTER = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))
_INDEPENDENT = Design.INDEPENDENT


@dataclass(frozen=True, slots=True)
class Rate:
    """Target share of parcels to open, as a fraction in lowest terms."""

    num: int
    den: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One officer or bench drawn from a roster: ``index`` counts in the roster sorted by bytes."""

    chosen: str
    index: int
    tries: int
    value: bytes
    roster_hash: bytes


def lp(*parts: bytes | str) -> bytes:
    """Concatenate parts, each after its length as a four-byte big-endian number. Text becomes UTF-8."""
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join([_U32(len(part)) + part for part in raw])


def draw_key(text: str) -> str:
    """Normalise a waybill for the draw: NFC, spaces stripped at both ends, ASCII letters upper-cased.

    Returns "" for what is no usable code (empty, over 128 bytes, control characters, surrogates): a no-read.
    """
    if text.isascii() and text.isprintable():  # the same for nearly every label, without looking at each character
        key = text.strip(" ").upper()
        return key if 1 <= len(key) <= PARCEL_KEY_BYTES_MAX else ""
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        return ""
    key = unicodedata.normalize("NFC", text).strip(" ")
    key = "".join(chr(ord(char) - 32) if "a" <= char <= "z" else char for char in key)
    return key if 1 <= len(key.encode()) <= PARCEL_KEY_BYTES_MAX else ""


def check_name(what: str, name: str) -> str:
    """Refuse a site or lane name that is not 1 to 32 of ``A-Z 0-9 -``."""
    if NAME_PATTERN.match(name) is None:
        raise ValueError(f"{what}: expected 1 to 32 characters of A-Z, 0-9 and -, was {name!r}")
    return name


def commitment(site: str, lane: str, epoch: int, salt: bytes, secret: bytes) -> bytes:
    """C: binds the lane to a secret before the public nonce is known. Raises ValueError on a bad name or epoch."""
    check_name("site", site)
    check_name("lane", lane)
    if epoch < 1:
        raise ValueError(f"epoch: expected 1, 2, 3, ..., was {epoch}")
    return sha256(lp("lane-draw/commit/v1", site, lane, str(epoch), salt, secret)).digest()


def epoch_key(secret: bytes, commitment: bytes, nonce: bytes) -> bytes:
    """K: neither the holder of the secret nor the giver of the nonce can choose it alone."""
    return hmac_digest(secret, lp("lane-draw/key/v1", commitment, nonce), "sha256")


def derived_nonce(commitment: bytes, typed: bytes) -> bytes:
    """Nonce of one committed epoch from one typed nonce N0, valid when C was checkpointed before N0 was known."""
    return sha256(lp("lane-draw/nonce/v1", commitment, typed)).digest()


def rolled(digits: str) -> str:
    """Twenty rolled digits without their spaces. Raises ValueError on anything else; the digits are not repeated."""
    packed = "".join(digits.split())
    if len(packed) != NONCE_DIGITS or not (packed.isascii() and packed.isdigit()):
        raise ValueError(
            f"digits: expected {NONCE_DIGITS} digits 0 to 9 (spaces allowed), was {len(packed)} characters"
        )
    return packed


def packed_digits(digits: str) -> bytes:
    """Twenty rolled decimal digits, two per byte. Raises ValueError on anything else."""
    if len(digits) != NONCE_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"nonce: expected {NONCE_DIGITS} decimal digits, was {len(digits)} characters")
    return bytes.fromhex(digits)


def draw_hash(key: bytes, site: str, lane: str, epoch: int, seq: int, parcel_key: bytes) -> bytes:
    """d: the draw of lane parcel ``seq`` with this key (any bytes; empty: no code). Raises struct.error beyond u64."""
    message = _draw_prefix(site, lane, epoch) + _U64_LENGTH + _U64(seq) + _U32(len(parcel_key)) + parcel_key
    return hmac_digest(key, message, "sha256")


class EpochHash:
    """``draw_hash`` of one epoch: key and common beginning are taken in once, each draw adds its own part.

    Holds what the key can be computed from: let go of it together with the key.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, site: str, lane: str, epoch: int) -> None:
        block = (sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(block.translate(_INNER) + _draw_prefix(site, lane, epoch) + _U64_LENGTH)  # RFC 2104
        self._outer = sha256(block.translate(_OUTER))

    def draw(self, seq: int, parcel_key: bytes) -> bytes:
        """d of lane parcel ``seq``, as ``draw_hash`` gives it."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(_U64(seq) + _U32(len(parcel_key)) + parcel_key)
        outer.update(inner.digest())
        return outer.digest()


@lru_cache(maxsize=16)
def _draw_prefix(site: str, lane: str, epoch: int) -> bytes:
    """What all draws of one epoch begin with."""
    return lp("lane-draw/draw/v1", site, lane, str(epoch))


def parse_rate(text: str) -> Rate:
    """Read a rate such as ``0.055`` or ``11/200``. Raises ValueError outside the grammar, 0..1 or the precision."""
    match = RATE_PATTERN.match(text)
    if match is None:
        raise ValueError(f"rate: expected a decimal such as 0.055 or a fraction such as 11/200, was {text!r}")
    whole, decimals, top, bottom = match.groups()
    if whole is not None:
        den = 10 ** len(decimals or "")
        num = int(whole) * den + int(decimals or "0")
    else:
        num, den = int(top), int(bottom)
    divisor = gcd(num, den)
    num, den = num // divisor, den // divisor
    if num > den:
        raise ValueError(f"rate: expected 0 to 1, was {text!r}")
    if den > RATE_DENOMINATOR_MAX:
        raise ValueError(f"rate: reduced denominator at most {RATE_DENOMINATOR_MAX}, {text!r} has {den}")
    return Rate(num, den)


def check_live_rate(rate: Rate) -> Rate:
    """Refuse a rate outside 1/1000 to 1/2 (0 and 1 are for tests only)."""
    low, high = LIVE_RATE_MIN, LIVE_RATE_MAX
    if rate.num * low[1] < low[0] * rate.den or rate.num * high[1] > high[0] * rate.den:
        raise ValueError(f"rate: a live lane takes 1/1000 to 1/2, was {rate.num}/{rate.den}")
    return rate


def probability(rate: Rate, design: Design, n: int, selected: int) -> tuple[int, int]:
    """Exact p of the next draw, in lowest terms, after ``selected`` of ``n`` counted draws.

    ``independent``: the rate, always. ``rate_held``: rate * clip(1 + 3/20 * deficit, 1/2, 2), at most 1, where
    deficit = rate * n - selected: the reached rate stays within a handful of parcels of its target.
    """
    if design is _INDEPENDENT:
        return rate.num, rate.den
    a, b = rate.num, rate.den
    top = a * min(max(20 * b + 3 * (a * n - b * selected), 10 * b), 40 * b)
    bottom = 20 * b * b
    if top >= bottom:
        return 1, 1
    divisor = gcd(top, bottom)
    return top // divisor, bottom // divisor


def is_selected(d: bytes, p_num: int, p_den: int) -> bool:
    """Whether draw ``d`` falls below probability p: exact for every p, never below 0, always below 1."""
    return int.from_bytes(d) * p_den < p_num * SPACE


def roster_hash(roster: Iterable[str]) -> bytes:
    """Hash of the persons or benches on duty, whatever their order."""
    return sha256(lp("lane-draw/roster/v1", *sorted(name.encode() for name in roster))).digest()


def choose(
    kind: str,
    key: bytes,
    site: str,
    lane: str,
    epoch: int,
    seq: int,
    roster: Sequence[str],
    *,
    keyed_hash: Callable[[bytes, bytes], bytes] | None = None,
) -> Choice:
    """Draw who opens parcel ``seq`` (kind ``officer``) or at which bench (kind ``bench``), uniformly.

    A value in the uneven rest of the hash space is thrown away and the next one drawn. ``keyed_hash`` replaces
    HMAC-SHA256 in tests. Raises ValueError on an unknown kind, an empty roster or a doubled name.
    """
    if kind not in ("officer", "bench"):
        raise ValueError(f"kind: expected officer or bench, was {kind!r}")
    if not roster or len(set(roster)) != len(roster):
        raise ValueError(f"roster: expected one or more different names, was {list(roster)!r}")
    names = sorted(roster, key=lambda name: name.encode())
    on_duty = roster_hash(names)
    limit = SPACE - SPACE % len(names)
    keyed = keyed_hash or (lambda k, message: hmac_digest(k, message, "sha256"))
    tries = 0
    while True:
        message = lp(f"lane-draw/{kind}/v1", site, lane, str(epoch), _U64(seq), _U32(tries), on_duty)
        value = keyed(key, message)
        number = int.from_bytes(value)
        if number < limit:
            index = number % len(names)
            return Choice(chosen=names[index], index=index, tries=tries, value=value, roster_hash=on_duty)
        tries += 1
