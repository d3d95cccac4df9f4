"""Signed checkpoints: C2SP ``tlog-checkpoint`` notes of the table and of the files, held against each other."""

import base64
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lane.verifier.ed25519 import PublicKey
from lane.verifier.findings import Report
from lane.verifier.journal_file import JournalFile

NOTE = re.compile(
    rb"([^\n ]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n\n\xe2\x80\x94 ([^\n ]+) ([A-Za-z0-9+/]+={0,2})\n\Z"
)
FOLDER = "checkpoints"
PUBLIC_KEY = "lane.pub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One checkpoint whose form is right."""

    place: str
    origin: str
    size: int
    root: bytes
    text: bytes
    key_name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneKey:
    """A lane's public key with its name and short name."""

    name: str
    key_id: bytes
    public: PublicKey


def read_key(text: str) -> LaneKey:
    """Key from ``<name>+<id>+<base64>`` text. Raises ValueError."""
    parts = text.strip().split("+", 2)  # the base64 part may hold a plus sign itself; name and id never do
    if len(parts) != 3:
        raise ValueError("expected <name>+<key id>+<base64>")
    name, identity, encoded = parts
    raw = base64.b64decode(encoded, validate=True)
    if len(raw) != 33 or raw[0] != 1 or base64.b64encode(raw).decode() != encoded:
        raise ValueError("expected an Ed25519 key: base64 of 01 and 32 bytes")
    expected = sha256(name.encode() + b"\n" + raw).digest()[:4]
    if expected.hex() != identity:
        raise ValueError(f"key id {identity} does not fit the key, expected {expected.hex()}")
    return LaneKey(name=name, key_id=expected, public=PublicKey(raw[1:]))


def parse_note(place: str, raw: bytes) -> Note:
    """A checkpoint note. Raises ValueError saying what is malformed."""
    match = NOTE.match(raw)
    if match is None:
        raise ValueError("not a signed checkpoint of three lines and one signature")
    root, blob = base64.b64decode(match[3]), base64.b64decode(match[5])
    if base64.b64encode(root) != match[3] or base64.b64encode(blob) != match[5] or len(blob) != 68:
        raise ValueError("base64 of root or signature is not canonical")
    return Note(
        place=place,
        origin=match[1].decode(),
        size=int(match[2]),
        root=root,
        text=raw[: match.end(3) + 1],
        key_name=match[4].decode(),
        key_id=blob[:4],
        signature=blob[4:],
    )


def check_signature(note: Note, key: LaneKey) -> str:
    """Why the note is not this key's word ("": it is)."""
    if note.key_name != key.name or note.origin != key.name or note.key_id != key.key_id:
        return f"signed by {note.key_name} {note.key_id.hex()}, expected {key.name} {key.key_id.hex()}"
    return "" if key.public.verifies(note.text, note.signature) else "signature is wrong"


def foreign_signers(run: Path, journal: JournalFile, key: LaneKey) -> list[str]:
    """Who signed this run, when nobody did it with the given key ([]: somebody did, or nothing is signed at all)."""
    raws = [path.read_bytes() for path in sorted((run / FOLDER).glob("*.txt"))]
    raws += [raw for (raw,) in journal.rows("SELECT note FROM signed_checkpoint", "checkpoints") if raw]
    signers = set()
    for raw in raws:
        try:
            note = parse_note("", raw)
        except (ValueError, TypeError):
            continue  # a damaged note names nobody; load says where it is
        if (note.key_name, note.key_id) == (key.name, key.key_id):
            return []
        signers.add(f"{note.key_name} {note.key_id.hex()}")
    return sorted(signers)


def load(run: Path, journal: JournalFile, key: LaneKey | None, report: Report) -> dict[int, Note]:
    """All good checkpoints by size; everything wrong with rows and files becomes a finding with its place."""
    folder = run / FOLDER
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.txt"))}
    journal.begin()  # after the files: a running lane writes the row first, so every file seen has its row
    rows: dict[int, bytes] = {}
    for size, raw in journal.rows("SELECT size, note FROM signed_checkpoint ORDER BY size", "checkpoints"):
        rows[size] = raw if isinstance(raw, bytes) else b""
    good: dict[int, Note] = {}
    for size, raw in rows.items():
        name = f"{size}.txt"
        copy = files.pop(name, None)
        sound = _sound(f"checkpoint {size} (table)", size, raw, key, report)
        if copy is None:
            if size != max(rows) or journal.orderly:
                report.damage(f"{FOLDER}/{name}", "checkpoint file is missing")
        elif copy != raw:
            again = _sound(f"{FOLDER}/{name}", size, copy, key, report)
            if sound is not None and again is not None:
                report.damage(f"{FOLDER}/{name}", "two different signed checkpoints of one size")
            sound = sound or again
        if sound is not None:
            good[size] = sound
    for name, raw in files.items():
        stem = name.removesuffix(".txt")
        size = int(stem) if stem.isdecimal() and stem.isascii() else -1
        sound = _sound(f"{FOLDER}/{name}", size, raw, key, report)
        report.damage(f"{FOLDER}/{name}", "checkpoint file without a row in the journal")
        if sound is not None:
            good.setdefault(size, sound)
    report.figures["checkpoints"] = len(good)
    return good


def _sound(place: str, size: int, raw: bytes, key: LaneKey | None, report: Report) -> Note | None:
    try:
        note = parse_note(place, raw)
    except ValueError as error:
        report.damage(place, f"checkpoint damaged: {error}")
        return None
    complaint = f"names {note.size} records" if note.size != size else ""
    if key is not None:
        complaint = complaint or check_signature(note, key)
    if complaint:
        report.damage(place, f"checkpoint damaged: {complaint}")
        return None
    return note
