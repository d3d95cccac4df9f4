"""Line stream: frames of the manual, gaps, damage, reconnects."""

import asyncio
import random
import struct
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.line_stream import FLAG_DARK, FLAG_SYNTHETIC, DetectorLine, LineParser, LineStream


def frame(seq: int, *, n: int = 8, flags: int = FLAG_SYNTHETIC, encoder: int = 0, clock: int = 0) -> bytes:
    """One frame as the manual writes it."""
    body = b"LXL1" + struct.pack("<HHIIQ", flags, n, seq, encoder, clock)
    body += struct.pack(f"<{n}H", *range(n)) + struct.pack(f"<{n}H", *range(1000, 1000 + n))
    return body + struct.pack("<I", zlib.crc32(body))


def test_a_frame_of_the_manual_is_read_whole() -> None:
    parser = LineParser()
    line = parser.feed(frame(5, n=2, flags=FLAG_DARK, encoder=12, clock=34))[0]
    assert line == DetectorLine(
        seq=5,
        encoder=12,
        clock_us=34,
        flags=FLAG_DARK,
        pixels=2,
        low=b"\x00\x00\x01\x00",
        high=b"\xe8\x03\xe9\x03",
    )
    assert line.is_dark
    assert not line.is_air


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(1, 700), st.randoms(use_true_random=False))
def test_any_slicing_gives_the_same_lines(step: int, rng: random.Random) -> None:
    stream = b"".join(frame(i, n=rng.randint(1, 40)) for i in range(12))
    parser = LineParser()
    lines = [line for i in range(0, len(stream), step) for line in parser.feed(stream[i : i + step])]
    assert [line.seq for line in lines] == list(range(12))
    assert parser.figures.lost == parser.figures.crc_errors == parser.held_bytes == 0


def test_gaps_are_counted_and_stand_at_the_line_after() -> None:
    parser = LineParser()
    lines = parser.feed(frame(0xFFFFFFFE) + frame(0xFFFFFFFF) + frame(3))
    assert [line.lost_before for line in lines] == [0, 0, 3]
    assert parser.figures.lost == 3


def test_a_detector_restart_is_no_gap() -> None:
    parser = LineParser()
    parser.feed(frame(50_000) + frame(1))
    assert (parser.figures.lost, parser.figures.restarts) == (0, 1)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.integers(0, 3 * 60 - 1), st.integers(0, 7))
def test_one_flipped_bit_costs_at_most_two_lines_and_gives_no_wrong_one(byte: int, bit: int) -> None:
    good = [frame(i) for i in range(8)]
    stream = bytearray(b"".join(good))
    stream[byte] ^= 1 << bit
    parser = LineParser()
    lines = parser.feed(bytes(stream)) + parser.feed(b"".join(frame(8 + i, n=400) for i in range(6)))
    assert all(line.low[:4] == b"\0\0\1\0" for line in lines)
    seqs = [line.seq for line in lines]
    assert len(set(range(14)) - set(seqs)) <= 2
    assert parser.figures.crc_errors + parser.figures.resyncs >= 1


def test_garbage_does_not_grow_the_buffer() -> None:
    parser = LineParser()
    for _ in range(50):
        parser.feed(bytes(random.Random(1).randbytes(10_000)))
        assert parser.held_bytes < 20_000
    parser.feed(b"LXL1" + b"\xff" * 50_000)
    assert parser.held_bytes < 20_000


def test_the_stream_is_read_on_after_the_detector_hung_up() -> None:
    async def story() -> list[int]:
        served = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal served
            base, served = served * 10, served + 1
            writer.write(b"".join(frame(base + i) for i in range(3)) + frame(base + 3)[:20])
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        states: list[bool] = []
        port = server.sockets[0].getsockname()[1]
        stream = LineStream(f"tcp://127.0.0.1:{port}", on_state=lambda up, _: states.append(up), seed=1)
        seqs: list[int] = []
        async for line in stream.lines():
            seqs.append(line.seq)
            if len(seqs) == 6:
                break
        assert stream.figures.lost == 7
        assert states[:3] == [True, False, True]
        server.close()
        return seqs

    assert asyncio.run(story()) == [0, 1, 2, 10, 11, 12]
