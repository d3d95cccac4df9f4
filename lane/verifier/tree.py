"""Merkle tree of RFC 6962, section 2.1, grown leaf by leaf."""

from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(body: bytes) -> bytes:
    """SHA-256(00 | record)."""
    return sha256(b"\x00" + body).digest()


class Tree:
    """Roots of the full subtrees over the leaves so far, largest first."""

    __slots__ = ("peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def copy(self) -> "Tree":
        """An equal tree that grows on its own."""
        other = Tree()
        other.size, other.peaks = self.size, list(self.peaks)
        return other

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        carry = self.size
        while carry & 1:
            leaf = sha256(b"\x01" + self.peaks.pop() + leaf).digest()
            carry >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Root over all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            root = sha256(b"\x01" + peak + root).digest()
        return root
