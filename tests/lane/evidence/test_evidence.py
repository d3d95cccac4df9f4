"""Images are stored under their hash, whole or not at all, and hashed again at every read."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from lane import evidence
from lane.evidence import EvidenceError, EvidenceStore


def test_an_image_is_found_under_its_hash(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    digest = store.put(b"image")
    assert digest == sha256(b"image").hexdigest()
    assert store.path(digest) == tmp_path / "images" / digest[:2] / digest
    assert store.read(digest) == b"image"
    assert store.put(b"image") == digest
    assert store.stored() == {digest}


def test_an_altered_or_missing_image_is_told_at_reading(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    digest = store.put(b"image")
    store.path(digest).write_bytes(b"imagE")
    with pytest.raises(EvidenceError, match="altered"):
        store.read(digest)
    store.path(digest).unlink()
    with pytest.raises(EvidenceError, match="can't be read"):
        store.read(digest)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_hashes_name_images(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="64 lower-case hex digits"):
        EvidenceStore(tmp_path).path(name)


def test_bytes_are_synced_before_they_get_their_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    store = EvidenceStore(tmp_path)
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(handle: int) -> None:
        steps.append("fsync")
        real_fsync(handle)

    def rename(self: Path, to: Path) -> Path:
        steps.append("rename")
        return real_rename(self, to)

    monkeypatch.setattr("lane.evidence.os.fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(evidence, "sync_directory", lambda folder: steps.append(f"sync {folder.name[:6]}"))
    digest = store.put(b"image")
    assert steps == ["sync images", "fsync", "rename", f"sync {digest[:2]}"]


def test_a_failed_write_leaves_no_image_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    store = EvidenceStore(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("lane.evidence.os.fsync", fail)
        with pytest.raises(OSError, match="No space"):
            store.put(b"image")
    assert store.stored() == set()
    assert [path for path in (tmp_path / "images").rglob("*") if path.is_file()] == []
