"""Draw epochs of a running lane: commits ahead, opens, reveals; each step is an input for the queue.

On a twin lane the public nonces come from the run's seed and say so; on a live lane officers enter rolled digits.
"""

from collections.abc import Callable, Iterable

from lane.inputs import EpochCommitted, EpochNonce, EpochOpened, EpochQueueLow, EpochRevealed
from lane.journal.projections import EpochEntry
from lane.model.config import DrawConfig
from lane.seal import Seal

EpochInput = EpochCommitted | EpochNonce | EpochOpened | EpochRevealed | EpochQueueLow
Stamp = Callable[[], tuple[int, int]]


class Epochs:
    """The queue of sealed epochs, as inputs. Every list returned is to be handled in its order."""

    def __init__(
        self, seal: Seal, draw: DrawConfig, *, twin: bool, config_sha256: str, build_sha256: str, stamp: Stamp
    ) -> None:
        self._seal = seal
        self._draw = draw
        self._twin = twin
        self._config_sha256 = config_sha256
        self._build_sha256 = build_sha256
        self._stamp = stamp
        self._told = -1

    @property
    def ready(self) -> int:
        """Epochs that can be opened."""
        return self._seal.ready

    @property
    def open_epoch(self) -> int:
        """The open epoch (0: none)."""
        return self._seal.open_epoch

    def take_up(self, entries: Iterable[EpochEntry]) -> list[EpochInput]:
        """What journal and key files hold, brought to full length (before the controller is restored)."""
        at_us, belt_um = self._stamp()
        return [*self._seal.start(entries, at_us=at_us, belt_um=belt_um), *self._nonces()]

    def key_of_open(self) -> bytes:
        """Secret key of the open epoch (b"" when none is open)."""
        epoch = self._seal.open_epoch
        return self._seal.resume(epoch) if epoch else b""

    def open_if_none(self) -> list[EpochInput]:
        """Open the next epoch unless one is open; tell the queue's length."""
        opened: list[EpochInput] = []
        if not self._seal.open_epoch and self._seal.ready:
            at_us, belt_um = self._stamp()
            opened.append(
                self._seal.open_next(
                    rate=self._draw.rate,
                    design=self._draw.design,
                    config_sha256=self._config_sha256,
                    build_sha256=self._build_sha256,
                    at_us=at_us,
                    belt_um=belt_um,
                )
            )
        return [*opened, *self._level()]

    def reveal(self, epoch: int, draws: int) -> EpochRevealed:
        """Salt and secret of the open epoch; once the record is durable, call ``after_reveal`` or ``forget``."""
        at_us, belt_um = self._stamp()
        return self._seal.reveal(epoch, draws, at_us=at_us, belt_um=belt_um)

    def after_reveal(self, epoch: int) -> list[EpochInput]:
        """The reveal is durable: unlink the key file, commit a new epoch, open the next."""
        self._seal.forget(epoch)
        at_us, belt_um = self._stamp()
        committed = self._seal.commit_ahead(at_us=at_us, belt_um=belt_um)
        return [*committed, *self._nonces(), *self.open_if_none()]

    def forget(self, epoch: int) -> None:
        """The last reveal of an orderly end is durable: unlink the key file, open nothing."""
        self._seal.forget(epoch)

    def enter_digits(self, digits: str, by: str) -> list[EpochInput]:
        """Twenty rolled digits of an officer, for all epochs that wait. Raises ValueError on malformed digits."""
        at_us, belt_um = self._stamp()
        nonces = self._seal.enter_for_all(digits, by=by, at_us=at_us, belt_um=belt_um)
        return [*nonces, *self.open_if_none()]

    def _nonces(self) -> list[EpochNonce]:
        if not self._twin:
            return []
        at_us, belt_um = self._stamp()
        return self._seal.twin_nonces(at_us=at_us, belt_um=belt_um)

    def _level(self) -> list[EpochInput]:
        left = self._seal.ready
        if left == self._told:
            return []
        self._told = left
        at_us, belt_um = self._stamp()
        return [EpochQueueLow(at_us=at_us, belt_um=belt_um, left=left)]
