"""Random numbers of one thing that happens once: a few draws from a digest of its key, and nothing to set up.

A ``Keyed`` stream costs 8 us to seed, which is little for a stream of a thousand parcels and much for the five draws of
one picture. ``Dice`` gives the same kinds of draws from BLAKE2b over (key, counter): 32 bits each, the same everywhere.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain, count
from struct import Struct

from sim.streams.randoms import Keyed

_UNPACKED = Struct("<16I").unpack
_SCALED = (2.0**-32).__mul__


class Dice(Keyed):
    """Random numbers keyed by words and integers."""

    __slots__ = ()

    def __init__(self, *parts: object) -> None:
        text = "\x1f".join(map(str, parts)).encode()
        first = map(_SCALED, _UNPACKED(blake2b(text).digest()))  # as ``_uniforms``: no salt is a salt of zeros
        self._draw = chain(first, _more(text)).__next__


def _uniforms(text: bytes, counter: int) -> Iterator[float]:
    """Sixteen draws of 0 <= u < 1."""
    digest = blake2b(text, digest_size=64, salt=counter.to_bytes(8, "little")).digest()
    return map(_SCALED, _UNPACKED(digest))


def _more(text: bytes) -> Iterator[float]:
    for counter in count(1):
        yield from _uniforms(text, counter)
