"""Where a device hangs, and how long a frame takes there. Pure.

Addresses of a lane file: ``tcp://host:502``, ``rtu:///dev/serial/by-id/...?baud=19200&unit=3``,
``rtutcp://host:port`` (RTU frames through a serial server), ``serial:///dev/...?baud=9600``.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

SCHEMES = ("tcp", "rtu", "rtutcp", "serial")
CHARACTER_BITS = 11
"""Start, 8 data, parity or second stop, stop: Modbus serial line 1.02, 2.5.1."""
SILENCE_FIXED_BAUD = 19_200
SILENCE_FIXED_S = 0.00175
"""Above 19,200 baud t3.5 is fixed at 1.75 ms: Modbus serial line 1.02, 2.5.1.1."""
BAUD_DEFAULT = 115_200
_QUERY = ("baud", "unit", "parity")


class AddressError(ValueError):
    """An address that names no port: says what was expected and what was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortAddress:
    """One port. ``unit`` 0: the profile's unit."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""
    baud: int = BAUD_DEFAULT
    parity: str = "N"
    unit: int = 0

    @property
    def key(self) -> str:
        """Two addresses with the same key share one link."""
        return f"{self.scheme}://{self.host}:{self.port}" if self.host else f"{self.scheme}://{self.path}"

    @property
    def is_rtu(self) -> bool:
        """RTU framing: no transaction id."""
        return self.scheme in ("rtu", "rtutcp")

    @property
    def is_line(self) -> bool:
        """A serial line, where silence between frames matters."""
        return self.scheme in ("rtu", "serial")

    @property
    def character_s(self) -> float:
        """Time of one character."""
        return CHARACTER_BITS / self.baud

    @property
    def silence_s(self) -> float:
        """t3.5: silence that separates RTU frames."""
        return 3.5 * self.character_s if self.baud <= SILENCE_FIXED_BAUD else SILENCE_FIXED_S


def parse_address(text: str) -> PortAddress:
    """Read one address of a lane file.

    Raises:
        AddressError: unknown scheme, missing host, port or path, unknown query word.
    """
    parts = urlsplit(text)
    if parts.scheme == "sim":
        raise AddressError(f"{text}: expected a real port, was a simulated name (the twin resolves those first)")
    if parts.scheme not in SCHEMES:
        raise AddressError(f"{text}: expected one of {', '.join(s + '://' for s in SCHEMES)}")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(query) - set(_QUERY))
    if unknown:
        raise AddressError(f"{text}: unknown word {unknown[0]!r}, expected {', '.join(_QUERY)}")
    baud = _number(text, "baud", query.get("baud", str(BAUD_DEFAULT)), 300, 1_000_000)
    unit = _number(text, "unit", query.get("unit", "0"), 0, 247)
    parity = query.get("parity", "N")
    if parity not in ("N", "E", "O"):
        raise AddressError(f"{text}: parity: expected N, E or O, was {parity!r}")
    if parts.scheme in ("tcp", "rtutcp"):
        return _network(text, parts.scheme, baud, unit)
    if not parts.path.startswith("/") or parts.netloc:
        raise AddressError(f"{text}: expected an absolute path after {parts.scheme}://")
    return PortAddress(scheme=parts.scheme, path=parts.path, baud=baud, unit=unit, parity=parity)


def _network(text: str, scheme: str, baud: int, unit: int) -> PortAddress:
    parts = urlsplit(text)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"{text}: port: {error}") from error
    if not host:
        raise AddressError(f"{text}: expected {scheme}://host:port")
    return PortAddress(scheme=scheme, host=host, port=port if port is not None else 502, baud=baud, unit=unit)


def _number(text: str, word: str, value: str, low: int, high: int) -> int:
    if not value.isdecimal() or not low <= int(value) <= high:
        raise AddressError(f"{text}: {word}: expected {low}..{high}, was {value!r}")
    return int(value)
