"""Random numbers of one thing that happens once: a few draws from a digest of its key, and nothing to set up.

A ``Keyed`` stream costs 8 us to seed, which is little for a stream of a thousand parcels and much for the five draws of
one picture. ``Dice`` gives the same kinds of draws from BLAKE2b over (key, counter): 32 bits each, the same everywhere.
"""

from collections.abc import Iterator
from hashlib import blake2b
from struct import Struct

from sim.streams.randoms import Keyed

_WORDS = Struct("<16I")
_SCALE = 2.0**-32


class Dice(Keyed):
    """Random numbers keyed by words and integers."""

    __slots__ = ()

    def __init__(self, *parts: object) -> None:
        self._draw = _uniforms("\x1f".join(map(str, parts)).encode()).__next__


def _uniforms(text: bytes) -> Iterator[float]:
    counter = 0
    while True:
        for word in _WORDS.unpack(blake2b(text, digest_size=64, salt=counter.to_bytes(8, "little")).digest()):
            yield word * _SCALE
        counter += 1
