"""Ed25519 verification after RFC 8032, section 5.1.7, in plain integers.

Not constant-time: it sees only public values. Both multiplications have a fixed point (the base point and the lane's
key), so they go through tables of multiples: some 0.3 ms a signature instead of 5 ms.
"""

from functools import cache
from hashlib import sha512

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)
WINDOW_BITS = 8

Point = tuple[int, int, int, int]
"""Extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z."""
NEUTRAL: Point = (0, 1, 1, 0)


def add(p: Point, q: Point) -> Point:
    """Point addition, complete formulas of RFC 8032, section 5.1.4."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def decompress(data: bytes) -> Point:
    """Point behind 32 bytes. Raises ValueError when they encode none (RFC 8032, section 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if len(data) != 32 or y >= P:
        raise ValueError("not a point: y out of range")
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * SQRT_MINUS_1 % P
    if v * x * x % P != u or (x == 0 and sign):
        raise ValueError("not a point: no square root")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def compress(p: Point) -> bytes:
    """The 32 bytes of a point."""
    inverse = pow(p[2], -1, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


class Multiples:
    """Table of a fixed point's multiples, for multiplication by additions alone."""

    def __init__(self, point: Point) -> None:
        self._rows: list[list[Point]] = []
        for _ in range(0, 256, WINDOW_BITS):
            row = [NEUTRAL]
            for _ in range((1 << WINDOW_BITS) - 1):
                row.append(add(row[-1], point))
            self._rows.append(row)
            point = add(row[-1], point)

    def times(self, scalar: int) -> Point:
        """scalar * point, 0 <= scalar < 2**256."""
        result, mask = NEUTRAL, (1 << WINDOW_BITS) - 1
        for row in self._rows:
            if scalar & mask:
                result = add(result, row[scalar & mask])
            scalar >>= WINDOW_BITS
        return result


_BASE_Y = 4 * pow(5, -1, P) % P
_BASE = decompress(_BASE_Y.to_bytes(32, "little"))


@cache
def multiples(point: Point) -> Multiples:
    """The table of a point, made once."""
    return Multiples(point)


class PublicKey:
    """A public key. Raises ValueError on bytes that are no point."""

    def __init__(self, data: bytes) -> None:
        x, y, z, t = decompress(data)
        self.data = data
        self._minus: Point = (P - x, y, z, P - t)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature over the message is this key's: encoding of S*B - h*A equals R."""
        if len(signature) != 64:
            return False
        s = int.from_bytes(signature[32:], "little")
        if s >= ORDER:
            return False
        h = int.from_bytes(sha512(signature[:32] + self.data + message).digest(), "little") % ORDER
        return compress(add(multiples(_BASE).times(s), multiples(self._minus).times(h))) == signature[:32]
