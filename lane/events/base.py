"""Base of all events. Noun + past participle; integers and words only; written to the journal as they are."""

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """Base of all events: lane clock and belt position of the input that caused it."""

    at_us: int
    belt_um: int
