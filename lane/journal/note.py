"""Signed checkpoints: C2SP ``tlog-checkpoint`` in a C2SP ``signed-note`` with one Ed25519 signature.

::

    HZ01/L3/log1                        origin: <site>/<lane>/log1
    17                                  number of records
    3kj9...=                            root, base64

    — HZ01/L3/log1 Az3grl...=           key name, base64(key id | signature of the lines above)

The key id is the first four bytes of SHA-256(name | 0A | 01 | public key). A verifier key is written as
``<name>+<key id, hex>+base64(01 | public key)``.
"""

import base64
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

ED25519 = b"\x01"
SIGNATURE_BYTES = 64
KEY_ID_BYTES = 4


class Signer(Protocol):
    """Holder of the lane's Ed25519 key (``lane.seal.SigningKey``)."""

    @property
    def public_key(self) -> bytes:
        """Raw public key, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature, 64 bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The lane's word that its first ``size`` records have this root."""

    origin: str
    size: int
    root: bytes


def origin_of(site: str, lane: str) -> str:
    """Name of a lane's one log."""
    return f"{site}/{lane}/log1"


def key_id(name: str, public_key: bytes) -> bytes:
    """Short name of a key, as signature lines carry it."""
    return sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:KEY_ID_BYTES]


def verifier_key(name: str, public_key: bytes) -> str:
    """The public key as text to hand out."""
    return f"{name}+{key_id(name, public_key).hex()}+{base64.b64encode(ED25519 + public_key).decode()}"


def signed_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """The checkpoint as a signed note."""
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"
    blob = key_id(checkpoint.origin, signer.public_key) + signer.sign(text.encode())
    return f"{text}\n— {checkpoint.origin} {base64.b64encode(blob).decode()}\n".encode()


def parse_checkpoint(note: bytes) -> Checkpoint:
    """Read a note's checkpoint without checking its signature. Raises ValueError naming the line."""
    try:
        lines = note.decode().split("\n\n")[0].split("\n")
        size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (ValueError, IndexError) as error:
        raise ValueError(f"checkpoint: expected origin, size and root in three lines ({error})") from error
    if len(root) != sha256().digest_size or str(size) != lines[1] or size < 0:
        raise ValueError(f"checkpoint: size or root malformed ({lines[1]!r}, {lines[2]!r})")
    return Checkpoint(origin=lines[0], size=size, root=root)
