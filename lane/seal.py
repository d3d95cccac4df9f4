"""Secrets of the random draw and the lane's signing key: made, kept in files of one user, shown only when due.

Responsible for: one sealed key file per draw epoch (0600 in a 0700 directory, opened without following links, owner
and mode checked, synced, unlinked after the reveal), the queue of epochs committed ahead, the Ed25519 key that signs
checkpoints. Not responsible for: journalling. Every method that moves an epoch returns the input to append.

What the journal knows (nonces, which epoch is open) is read from the journal at ``start``, so files and journal can't
contradict each other; a key file holds only salt and secret. Root, and code inside the core, can read the sealed
epochs: that is the published residual risk.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from hmac import digest as hmac_digest
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lane.codec import CodecError, canonical, parse
from lane.draw import SALT_BYTES, SECRET_BYTES, commitment, derived_nonce, epoch_key, lp, packed_digits
from lane.inputs import EpochCommitted, EpochNonce, EpochOpened, EpochRevealed
from lane.journal.disk import sync_directory
from lane.journal.projections import EpochEntry, EpochState
from lane.model.words import Design, LaneKind

QUEUE_LENGTH = 8
"""Epochs committed ahead: two days of shifts, so that no restart or shift change waits for a person."""
QUEUE_WARN = 2
FILE_MODE, FOLDER_MODE = 0o600, 0o700
KEY_FILE_BYTES_MAX = 4096
DRAW_FOLDER, SIGN_FOLDER, SIGN_FILE = "draw", "sign", "lane.key"


class SealError(Exception):
    """A key can't be used: the draw is unavailable and no parcel may be inducted. Never contains a secret."""


def keys_folder(run: Path) -> Path:
    """Where a run's keys lie: beside it, so that copying or publishing the run never publishes them."""
    return run.absolute().with_name(run.absolute().name + ".keys")


class SigningKey:
    """The lane's Ed25519 key. ``repr`` shows nothing."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self._public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @classmethod
    def load(cls, keys: Path) -> "SigningKey":
        """Read the key of a keys folder; make one when there is none. Raises SealError on unsafe files."""
        folder = _private_folder(keys / SIGN_FOLDER)
        path = folder / SIGN_FILE
        if not path.exists() and not path.is_symlink():
            _write_private(path, os.urandom(32).hex().encode() + b"\n")
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(_read_private(path).decode())))
        except ValueError:
            raise SealError(
                f"{path}: expected 32 bytes in hex; restore it, or move it away to begin a new key"
            ) from None

    @classmethod
    def of_twin(cls, seed: int) -> "SigningKey":
        """Reproducible key of a lane in virtual time."""
        return cls(Ed25519PrivateKey.from_private_bytes(_seeded(seed, "sign", 0)))

    @property
    def public_key(self) -> bytes:
        """Raw public key, 32 bytes."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature (RFC 8032), 64 bytes."""
        return self._private.sign(message)


@dataclass(slots=True, kw_only=True)
class _Epoch:
    """A sealed epoch in memory; secrets never show in ``repr``."""

    epoch: int
    state: EpochState
    salt: bytes = field(repr=False)
    secret: bytes = field(repr=False)
    commitment: bytes
    nonce: bytes = b""

    @property
    def key(self) -> bytes:
        return epoch_key(self.secret, self.commitment, self.nonce)


class Seal:
    """Queue of sealed draw epochs. ``keys`` None keeps them in memory, which only a twin lane may do."""

    def __init__(
        self, keys: Path | None, *, site: str, lane: str, kind: LaneKind, twin_seed: int | None = None
    ) -> None:
        if kind is not LaneKind.TWIN and (twin_seed is not None or keys is None):
            raise SealError(f"{site}/{lane}: seeded or unsaved draw secrets are for twin lanes; this lane is {kind}")
        self._site, self._lane, self._seed = site, lane, twin_seed
        self._folder = None if keys is None else _private_folder(keys / DRAW_FOLDER)
        self._epochs: dict[int, _Epoch] = {}
        self._last = 0
        self.lost: tuple[int, ...] = ()
        """Epochs that the journal expects and no key file holds: unverifiable, to be shown loudly."""

    def start(self, entries: Iterable[EpochEntry], *, at_us: int, belt_um: int) -> list[EpochCommitted]:
        """Take up what journal and files hold, and fill the queue. Append the answers in order.

        A file whose epoch the journal calls closed is unlinked; a file that the journal never saw is committed.
        Raises SealError on a file of wrong owner, mode or content.
        """
        known = {entry.epoch: entry for entry in entries}
        found = {epoch: self._read(epoch) for epoch in self._files()}
        self._last = max([0, *known, *found])
        fresh = []
        for epoch in sorted(found):
            sealed, entry = found[epoch], known.get(epoch)
            if entry is None:
                self._epochs[epoch] = sealed
                fresh.append(self._committed(sealed, at_us, belt_um))
            elif entry.state is EpochState.CLOSED:
                self._unlink(epoch)
            elif entry.commitment != sealed.commitment.hex():
                raise SealError(f"{self._path(epoch)}: its commitment is not the one in the journal")
            else:
                sealed.state, sealed.nonce = entry.state, bytes.fromhex(entry.nonce)
                self._epochs[epoch] = sealed
        self.lost = tuple(e for e, entry in known.items() if entry.state is not EpochState.CLOSED and e not in found)
        return fresh + self.commit_ahead(at_us=at_us, belt_um=belt_um)

    def commit_ahead(self, *, at_us: int, belt_um: int, length: int = QUEUE_LENGTH) -> list[EpochCommitted]:
        """Seal new epochs until ``length`` wait unopened. Their files are durable before this returns."""
        committed = []
        while sum(sealed.state is not EpochState.OPEN for sealed in self._epochs.values()) < length:
            epoch = self._last + 1
            if self._seed is None:
                salt, secret = os.urandom(SALT_BYTES), os.urandom(SECRET_BYTES)
            else:
                salt, secret = _seeded(self._seed, "salt", epoch)[:SALT_BYTES], _seeded(self._seed, "secret", epoch)
            bound = commitment(self._site, self._lane, epoch, salt, secret)
            sealed = _Epoch(epoch=epoch, state=EpochState.COMMITTED, salt=salt, secret=secret, commitment=bound)
            self._write(sealed)
            self._epochs[epoch], self._last = sealed, epoch
            committed.append(self._committed(sealed, at_us, belt_um))
        return committed

    @property
    def without_nonce(self) -> tuple[int, ...]:
        """Committed epochs that wait for their public nonce."""
        return tuple(e for e, sealed in sorted(self._epochs.items()) if sealed.state is EpochState.COMMITTED)

    @property
    def ready(self) -> int:
        """Epochs that can be opened (warn at ``QUEUE_WARN``; 0: no induction)."""
        return sum(sealed.state is EpochState.READY for sealed in self._epochs.values())

    @property
    def open_epoch(self) -> int:
        """The epoch that is open by the journal (0: none): after a crash, its draws go on from ``resume``."""
        return max([e for e, sealed in self._epochs.items() if sealed.state is EpochState.OPEN], default=0)

    def enter_digits(self, epoch: int, digits: str, *, by: str, at_us: int, belt_um: int) -> EpochNonce:
        """Twenty rolled digits for one epoch. Raises ValueError on malformed digits, SealError on a wrong epoch."""
        return self._nonce(self._waiting(epoch), packed_digits(digits), "dice", by, at_us, belt_um)

    def enter_for_all(self, digits: str, *, by: str, at_us: int, belt_um: int) -> list[EpochNonce]:
        """One typed nonce N0 for every waiting epoch (N_k = SHA256(lp(label, C_k, N0))); N0 stands in ``source``."""
        typed = packed_digits(digits)
        return [
            self._nonce(sealed, derived_nonce(sealed.commitment, typed), f"typed:{digits}", by, at_us, belt_um)
            for sealed in map(self._waiting, self.without_nonce)
        ]

    def twin_nonces(self, *, at_us: int, belt_um: int) -> list[EpochNonce]:
        """Seeded nonces of a twin lane for every waiting epoch. Raises SealError elsewhere."""
        if self._seed is None:
            raise SealError("twin nonces need a twin lane with a seed")
        return [
            self._nonce(self._waiting(epoch), _seeded(self._seed, "nonce", epoch), "twin", "twin", at_us, belt_um)
            for epoch in self.without_nonce
        ]

    def open_next(
        self, *, rate: str, design: Design, config_sha256: str, build_sha256: str, at_us: int, belt_um: int
    ) -> EpochOpened:
        """Open the oldest ready epoch. Raises SealError when none is ready or another one is open."""
        if self.open_epoch:
            raise SealError(f"draw epoch {self.open_epoch} is open; reveal it first")
        ready = [sealed for _, sealed in sorted(self._epochs.items()) if sealed.state is EpochState.READY]
        if not ready:
            raise SealError("no draw epoch is ready: no induction; an officer enters a nonce (20 rolled digits)")
        sealed = ready[0]
        sealed.state = EpochState.OPEN
        return EpochOpened(
            at_us=at_us,
            belt_um=belt_um,
            epoch=sealed.epoch,
            commitment=sealed.commitment.hex(),
            nonce=sealed.nonce.hex(),
            rate=rate,
            design=design,
            config_sha256=config_sha256,
            build_sha256=build_sha256,
            key=sealed.key,
        )

    def resume(self, epoch: int) -> bytes:
        """K of an epoch that is open by the journal. Raises SealError when its key file is gone."""
        sealed = self._epochs.get(epoch)
        if sealed is None or sealed.state is not EpochState.OPEN:
            raise SealError(f"draw epoch {epoch}: no key file; the epoch is unverifiable and no parcel may be inducted")
        return sealed.key

    def reveal(self, epoch: int, draws: int, *, at_us: int, belt_um: int) -> EpochRevealed:
        """Salt and secret of the open epoch. Append the answer, then call ``forget``."""
        self.resume(epoch)
        sealed = self._epochs[epoch]
        return EpochRevealed(
            at_us=at_us,
            belt_um=belt_um,
            epoch=epoch,
            salt=sealed.salt.hex(),
            secret=sealed.secret.hex(),
            draws=draws,
        )

    def forget(self, epoch: int) -> None:
        """Unlink the key file of a revealed epoch."""
        self._epochs.pop(epoch, None)
        self._unlink(epoch)

    # --- inside ---

    def _waiting(self, epoch: int) -> _Epoch:
        sealed = self._epochs.get(epoch)
        if sealed is None or sealed.state is not EpochState.COMMITTED:
            raise SealError(f"draw epoch {epoch}: expected one of {list(self.without_nonce)} that wait for a nonce")
        return sealed

    def _nonce(self, sealed: _Epoch, nonce: bytes, source: str, by: str, at_us: int, belt_um: int) -> EpochNonce:
        sealed.nonce, sealed.state = nonce, EpochState.READY
        return EpochNonce(at_us=at_us, belt_um=belt_um, epoch=sealed.epoch, nonce=nonce.hex(), source=source, by=by)

    @staticmethod
    def _committed(sealed: _Epoch, at_us: int, belt_um: int) -> EpochCommitted:
        return EpochCommitted(at_us=at_us, belt_um=belt_um, epoch=sealed.epoch, commitment=sealed.commitment.hex())

    def _path(self, epoch: int) -> Path:
        assert self._folder is not None
        return _epoch_path(self._folder, epoch)

    def _files(self) -> list[int]:
        if self._folder is None:
            return []
        return sorted(int(path.stem.removeprefix("epoch-")) for path in self._folder.glob("epoch-*.json"))

    def _write(self, sealed: _Epoch) -> None:
        if self._folder is None:
            return
        plain = {"epoch": sealed.epoch, "site": self._site, "lane": self._lane}
        _write_private(
            self._path(sealed.epoch),
            canonical({**plain, "salt": sealed.salt.hex(), "secret": sealed.secret.hex()}) + b"\n",
        )

    def _read(self, epoch: int) -> _Epoch:
        return _read_epoch(self._path(epoch), self._site, self._lane, epoch)

    def _unlink(self, epoch: int) -> None:
        if self._folder is not None:
            self._path(epoch).unlink(missing_ok=True)
            sync_directory(self._folder)


def sealed_key(keys: Path, *, site: str, lane: str, epoch: int, nonce: bytes) -> bytes:
    """K of an epoch whose key file still lies in a keys folder. Raises SealError when it does not, or is unsafe."""
    sealed = _read_epoch(_epoch_path(keys / DRAW_FOLDER, epoch), site, lane, epoch)
    return epoch_key(sealed.secret, sealed.commitment, nonce)


def _epoch_path(folder: Path, epoch: int) -> Path:
    return folder / f"epoch-{epoch:08d}.json"


def _read_epoch(path: Path, site: str, lane: str, epoch: int) -> _Epoch:
    try:
        plain = parse(_read_private(path).strip())
        salt, secret = bytes.fromhex(plain["salt"]), bytes.fromhex(plain["secret"])
        named = (plain["epoch"], plain["site"], plain["lane"])
    except (CodecError, KeyError, TypeError, ValueError):
        raise SealError(f"{path}: not a draw key file; the epoch is unverifiable") from None
    if named != (epoch, site, lane):
        raise SealError(f"{path}: key of {named}, expected {(epoch, site, lane)}")
    bound = commitment(site, lane, epoch, salt, secret)
    return _Epoch(epoch=epoch, state=EpochState.COMMITTED, salt=salt, secret=secret, commitment=bound)


def _seeded(seed: int, what: str, epoch: int) -> bytes:
    return hmac_digest(b"twin", lp("lane-draw/twin/v1", str(seed), what, str(epoch)), "sha256")


def _private_folder(folder: Path) -> Path:
    """Make or check a directory that only this user can enter."""
    for one in (folder.parent, folder):
        one.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        found = one.lstat()
        if (
            not stat.S_ISDIR(found.st_mode)
            or stat.S_IMODE(found.st_mode) != FOLDER_MODE
            or (found.st_uid != os.geteuid())
        ):
            raise SealError(
                f"{one}: expected a directory of user {os.geteuid()} with mode 0700, "
                f"was mode {stat.S_IMODE(found.st_mode):04o} of user {found.st_uid}; check who could read it"
            )
    return folder


def _write_private(path: Path, data: bytes) -> None:
    """Write a new private file whole and synced. Raises OSError."""
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(handle, "wb") as stream:
        os.fchmod(stream.fileno(), FILE_MODE)
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.rename(path)
    sync_directory(path.parent)


def _read_private(path: Path) -> bytes:
    """Read a private file; refuse links, other owners, other modes."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise SealError(f"{path}: can't be opened ({error.strerror})") from None
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(stream.fileno())
        mode = stat.S_IMODE(found.st_mode)
        if not stat.S_ISREG(found.st_mode) or mode != FILE_MODE or found.st_uid != os.geteuid():
            raise SealError(
                f"{path}: expected a file of user {os.geteuid()} with mode 0600, was mode {mode:04o} of user "
                f"{found.st_uid}; check who could read it"
            )
        return stream.read(KEY_FILE_BYTES_MAX)
