"""Journal of a twin in virtual time: the same records and the same hash, without a disk.

``records``: keeps the items and canonicalises them when asked (``flush``, ``sha256``), outside the timed span.
``sealed``: canonical bytes, tree and checkpoints as it goes.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from hashlib import sha256

from lane.codec import encode_all
from lane.events.parcel import ParcelDrawn
from lane.events.union import AnyEvent
from lane.inputs import AnyInput
from lane.journal.note import Checkpoint, Signer, signed_checkpoint
from lane.journal.projections import STICKY_US
from lane.journal.tree import CompactRange

SEAL_RECORDS = 256
"""Records that ``append`` lets wait before they are sealed together: some five parcels."""


class MemoryMode(StrEnum):
    """How much is done while the twin runs."""

    RECORDS = "records"
    SEALED = "sealed"


class RunHash:
    """``journal_sha256`` of a run: SHA-256 over (u32 big-endian length, canonical bytes) of all records in order."""

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = sha256()

    def add(self, body: bytes) -> None:
        """Take in the next record."""
        self._hash.update(len(body).to_bytes(4) + body)

    def extend(self, bodies: Sequence[bytes]) -> None:
        """Take in the next records."""
        self._hash.update(b"".join([part for body in bodies for part in (len(body).to_bytes(4), body)]))

    def hexdigest(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()


class MemoryJournal:
    """The journal's door for virtual time. ``keep``: hold all canonical bytes for ``records()``."""

    def __init__(
        self,
        mode: MemoryMode = MemoryMode.RECORDS,
        *,
        origin: str = "",
        signer: Signer | None = None,
        keep: bool = False,
    ) -> None:
        self.mode, self._origin, self._signer, self._keep = mode, origin, signer, keep
        self.notes: list[bytes] = []
        self._sealed = mode is MemoryMode.SEALED
        self._waiting: list[AnyInput | AnyEvent] = []
        self._gone = 0  # records that do not wait any more
        self.holds = type(self) is MemoryJournal
        """Whether records only wait in a list: ``hold`` and ``hold_all`` are its own methods then, and a caller that
        uses them in place of ``append`` tells ``drawn`` by itself and, when sealed, calls ``flush`` now and then."""
        self.hold: Callable[[AnyInput], object] = self._waiting.append if self.holds else self._alone
        self.hold_all: Callable[[Sequence[AnyEvent]], object] = self._waiting.extend
        self._bodies: list[bytes] = []
        self._run_hash = RunHash()
        self._tree = CompactRange()
        self._signed_size = 0
        self._passages: dict[str, list[tuple[int, int, bool]]] = {}

    def append(self, item: AnyInput, events: Sequence[AnyEvent]) -> int:
        """Take an input and its events; returns the input's record index."""
        index = self.size
        self._waiting.append(item)
        if events:
            self._waiting.extend(events)
            for event in events:
                if type(event) is ParcelDrawn:
                    self.drawn(event)
        if self._sealed and len(self._waiting) >= SEAL_RECORDS:
            self.flush()
        return index

    def drawn(self, event: ParcelDrawn) -> None:
        """The key index takes a draw."""
        if event.parcel_key:
            passage = (event.seq, event.at_us, event.effective)
            self._passages.setdefault(event.parcel_key, []).append(passage)

    def _alone(self, item: AnyInput) -> None:
        self.append(item, ())

    @property
    def size(self) -> int:
        """Records so far."""
        return self._gone + len(self._waiting)

    @size.setter
    def size(self, size: int) -> None:
        self._gone = size - len(self._waiting)

    def flush(self) -> None:
        """Canonicalise and hash what waits, and let go of it."""
        bodies = encode_all(self._waiting)
        self._run_hash.extend(bodies)
        if self._sealed:
            self._tree.extend(bodies)
        if self._keep:
            self._bodies += bodies
        self._gone += len(self._waiting)
        self._waiting.clear()

    def checkpoint(self) -> Checkpoint:
        """Sign the tree as it is (sealed mode with a signer); the note joins ``notes``."""
        if self._sealed:
            self.flush()
        checkpoint = Checkpoint(origin=self._origin, size=self._tree.size, root=self._tree.root())
        if self._signer is not None and checkpoint.size != self._signed_size:
            self.notes.append(signed_checkpoint(checkpoint, self._signer))
            self._signed_size = checkpoint.size
        return checkpoint

    def sha256(self) -> str:
        """``journal_sha256`` of the run so far."""
        self.flush()
        return self._run_hash.hexdigest()

    def records(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """(index, canonical bytes) from ``start`` on. Raises ValueError unless made with ``keep=True``."""
        if not self._keep:
            raise ValueError("MemoryJournal: records() needs keep=True")
        self.flush()
        yield from enumerate(self._bodies[start:], start)

    def sticky(self, parcel_key: str, at_us: int) -> tuple[int, int]:
        """(last effective passage of this draw key within 30 days or 0, number of passages within 30 days)."""
        known = self._passages.get(parcel_key)
        if known is None:
            return 0, 0
        passages = [one for one in known if one[1] >= at_us - STICKY_US]
        return max([seq for seq, _, effective in passages if effective], default=0), len(passages)
