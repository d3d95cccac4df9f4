"""Draw epochs of a twin: secrets and nonces follow from the seed, so that a run can be repeated byte by byte."""

import hashlib

from lane.draw import commitment, epoch_key
from lane.inputs import EpochCommitted, EpochNonce, EpochOpened, EpochRevealed
from lane.model.config import CoreConfig

AHEAD = 3
"""Epochs committed ahead of the open one, so that no change of epoch waits for a nonce."""


class TwinEpochs:
    """Answers what ``lane.seal`` answers on a live lane. ``config_sha256`` goes into every opening record."""

    def __init__(self, config: CoreConfig, seed: int, config_sha256: str) -> None:
        self._config = config
        self._seed = seed
        self._config_sha256 = config_sha256

    def _bytes(self, what: str, epoch: int, size: int) -> bytes:
        return hashlib.sha256(f"twin\x1f{what}\x1f{self._seed}\x1f{epoch}".encode()).digest()[:size]

    def _commitment(self, epoch: int) -> bytes:
        salt, secret = self._bytes("salt", epoch, 16), self._bytes("secret", epoch, 32)
        return commitment(self._config.site, self._config.lane, epoch, salt, secret)

    def ahead(self, epoch: int, at_us: int, belt_um: int) -> list[EpochCommitted | EpochNonce]:
        """Commitment and nonce of one future epoch."""
        nonce = self._bytes("nonce", epoch, 16).hex()
        return [
            EpochCommitted(at_us=at_us, belt_um=belt_um, epoch=epoch, commitment=self._commitment(epoch).hex()),
            EpochNonce(at_us=at_us, belt_um=belt_um, epoch=epoch, nonce=nonce, source="twin", by="twin"),
        ]

    def opened(self, epoch: int, at_us: int, belt_um: int) -> EpochOpened:
        """The record that opens ``epoch``, with its secret key."""
        sealed, nonce = self._commitment(epoch), self._bytes("nonce", epoch, 16)
        draw = self._config.draw
        return EpochOpened(
            at_us=at_us,
            belt_um=belt_um,
            epoch=epoch,
            commitment=sealed.hex(),
            nonce=nonce.hex(),
            rate=draw.rate,
            design=draw.design,
            config_sha256=self._config_sha256,
            build_sha256="",
            key=epoch_key(self._bytes("secret", epoch, 32), sealed, nonce),
        )

    def revealed(self, epoch: int, draws: int, at_us: int, belt_um: int) -> EpochRevealed:
        """The record that closes ``epoch``: from now on anyone recomputes its draws."""
        salt, secret = self._bytes("salt", epoch, 16).hex(), self._bytes("secret", epoch, 32).hex()
        return EpochRevealed(at_us=at_us, belt_um=belt_um, epoch=epoch, salt=salt, secret=secret, draws=draws)
