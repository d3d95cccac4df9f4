"""Register images of the lane I/O (device manual, section 1): what an FC04 read returns. No Modbus here."""

from sim.plant.lane_io import U16, Channel, LaneIo

EVENT_BLOCK, STATE_BLOCK = 0xA501, 0xA502
LIFE_US = 10_000
"""The life counter grows by one each 10 ms of wall time."""


def event_block(io: LaneIo, *, at_us: int, belt_um: int, wall_us: int) -> list[int]:
    """The 105 registers at 0x0000, one consistent snapshot."""
    flags = io.armed | io.tripped << 1 | (io.events == 0) << 4
    life = wall_us // LIFE_US & U16
    head = [EVENT_BLOCK, io.boot, life, io.newest, *_u32(io.clock(at_us)), *_u32(io.encoder(belt_um)), flags]
    for seq, code, clock, encoder in io.ring:
        head += [seq, code, *_u32(clock), *_u32(encoder)]
    return head


def state_block(io: LaneIo, *, at_us: int) -> list[int]:
    """The 22 registers at 0x0100."""
    remaining_us = 0 if io.running is None else max(0, io.running.ends_us - at_us)
    words = [STATE_BLOCK, io.inputs & 0x33F, io.do_applied, io.applied, min(U16, -(-remaining_us // 1_000))]
    words += [io.refused, int(io.refusal), io.owner.refused & U16 if io.owner is not None else 0]
    for channel in (*range(6), Channel.VALVE):
        words += _u32(io.counters[channel])
    return words


def _u32(value: int) -> tuple[int, int]:
    return value >> 16 & U16, value & U16
