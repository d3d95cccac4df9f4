"""Merkle tree of RFC 6962, section 2.1: one root stands for every record, in order.

leaf = SHA256(00 | bytes), node = SHA256(01 | left | right), empty root = SHA256("").
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
HASH_BYTES = 32


def leaf_hash(body: bytes) -> bytes:
    """Hash of one record's canonical bytes."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two neighbouring subtrees."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The roots of the full subtrees that cover the leaves so far, largest first: all that appending needs."""

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count() or any(len(peak) != HASH_BYTES for peak in self.peaks):
            raise ValueError(f"frontier: {size} leaves need {size.bit_count()} hashes, was {len(self.peaks)}")

    def copy(self) -> "CompactRange":
        """An equal range that can grow on its own."""
        return CompactRange(self.size, self.peaks)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        size, peaks = self.size, self.peaks
        while size & 1:  # equal neighbours merge, like the carry of a binary counter
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    def extend(self, bodies: Iterable[bytes]) -> None:
        """Add records, in order: as ``append`` of each one's leaf hash."""
        size, peaks = self.size, self.peaks
        for body in bodies:
            leaf, left = sha256(b"\x00" + body).digest(), size
            while left & 1:
                leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
                left >>= 1
            peaks.append(leaf)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """Root hash over all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def peak_sizes(size: int) -> list[int]:
    """Leaves under each peak of a range of this size, largest first."""
    return [1 << bit for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes."""
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of leaf ``index`` (RFC 6962, section 2.1.1), nearest sibling first."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"leaf: expected 0 to {len(leaves) - 1}, was {index}")
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*inclusion_proof(leaves[:split], index), root_of(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), root_of(leaves[:split])]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Root that an audit path leads to (RFC 9162, section 2.1.3.2). Raises ValueError on a path of wrong length."""
    node, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ValueError("inclusion proof: too many hashes")
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ValueError("inclusion proof: too few hashes")
    return root
