"""Frames of serial devices: bytes in, frames out. Pure and bounded.

Recovery, in order: a frame that grows past ``bytes_max`` is dropped whole and counted; bytes between frames are dropped
and counted once per run; a NUL, an undecodable byte or a wrong checksum drops that frame only. The buffer never holds
more than ``bytes_max`` bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

FRAME_BYTES_MAX = 256
"""Longest frame of readers and scales in use: a 2-D code of 200 characters and its frame."""
IDLE_S_MAX = 3.0
"""Silence after which a begun frame is given up: no device of ours pauses longer inside one."""

Checksum = Callable[[bytes], bytes | None]
"""Takes a frame's payload with its check characters, returns the payload alone or None when they do not fit."""


class Framer:
    """What all framers share: the buffer, its bound, the counters."""

    def __init__(self, bytes_max: int = FRAME_BYTES_MAX, checksum: Checksum | None = None) -> None:
        self.bytes_max = bytes_max
        self.checksum = checksum
        self.errors: dict[str, int] = {}
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Take received bytes; returns the frames that became complete, decoded as ASCII."""
        frames: list[str] = []
        for byte in data:
            payload = self._take(byte)
            if payload is not None:
                text = self._decode(payload)
                if text is not None:
                    frames.append(text)
        return frames

    def idle(self) -> None:
        """The line was silent for ``IDLE_S_MAX``: a begun frame is given up."""
        if self._buffer:
            self._error("given up after silence")
        self._reset()

    @property
    def held_bytes(self) -> int:
        """Bytes of the frame that has begun."""
        return len(self._buffer)

    def _take(self, byte: int) -> bytes | None:
        raise NotImplementedError

    def _reset(self) -> None:
        self._buffer.clear()

    def _push(self, byte: int) -> bool:
        """Add one byte; False when the frame became too long and was dropped."""
        if len(self._buffer) >= self.bytes_max:
            self._error("too long")
            self._reset()
            return False
        self._buffer.append(byte)
        return True

    def _finish(self) -> bytes:
        payload = bytes(self._buffer)
        self._reset()
        return payload

    def _decode(self, payload: bytes) -> str | None:
        if self.checksum is not None:
            checked = self.checksum(payload)
            if checked is None:
                self._error("checksum wrong")
                return None
            payload = checked
        if not payload.isascii() or any(byte < 0x20 for byte in payload):
            self._error("not printable ASCII")
            return None
        return payload.decode("ascii")

    def _error(self, kind: str) -> None:
        self.errors[kind] = self.errors.get(kind, 0) + 1


class DelimitedFramer(Framer):
    """``start`` text ``end`` (STX/ETX by default), followed by an optional trailer such as CR LF, which is skipped."""

    def __init__(
        self,
        start: int = 0x02,
        end: int = 0x03,
        trailer: bytes = b"\r\n",
        bytes_max: int = FRAME_BYTES_MAX,
        checksum: Checksum | None = None,
    ) -> None:
        super().__init__(bytes_max, checksum)
        self.start, self.end, self.trailer = start, end, trailer
        self._inside = False
        self._skipping = False

    def _reset(self) -> None:
        super()._reset()
        self._inside = False

    def _take(self, byte: int) -> bytes | None:
        if byte == self.start:
            if self._inside:
                self._error("start inside a frame")
            self._reset()
            self._inside, self._skipping = True, False
            return None
        if not self._inside:
            if byte not in self.trailer and not self._skipping:
                self._error("bytes between frames")
                self._skipping = True
            return None
        if byte == self.end:
            return self._finish()
        self._push(byte)
        return None


class LineFramer(Framer):
    """Lines ended by CR, LF or CR LF; empty lines are no frames."""

    def __init__(self, bytes_max: int = FRAME_BYTES_MAX, checksum: Checksum | None = None) -> None:
        super().__init__(bytes_max, checksum)
        self._overlong = False

    def _take(self, byte: int) -> bytes | None:
        if byte in (0x0D, 0x0A):
            if self._overlong or not self._buffer:
                self._overlong = False
                self._reset()
                return None
            return self._finish()
        if not self._overlong and not self._push(byte):
            self._overlong = True
        return None


class FixedFramer(Framer):
    """Frames of a fixed length; silence (``idle``) brings it back into step."""

    def __init__(self, length: int, checksum: Checksum | None = None) -> None:
        super().__init__(length, checksum)
        self.length = length

    def _take(self, byte: int) -> bytes | None:
        self._push(byte)
        return self._finish() if len(self._buffer) == self.length else None


@dataclass(frozen=True, slots=True)
class XrvChecksum:
    """Spellman XRV: ``cmd,args,CS``; CS = two's complement of the byte sum (commas included), & 0x7F, | 0x40."""

    separator: bytes = field(default=b",")

    def of(self, body: bytes) -> int:
        """Checksum character of ``cmd,args,`` (with the last comma)."""
        return (-sum(body)) & 0x7F | 0x40

    def __call__(self, payload: bytes) -> bytes | None:
        body, check = payload[:-1], payload[-1:]
        if not body.endswith(self.separator) or check != bytes([self.of(body)]):
            return None
        return body[: -len(self.separator)]
