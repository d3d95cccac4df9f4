"""Random draws: commitments, nonces, keys, every draw, every counter, recomputed from the records."""

from dataclasses import dataclass, field
from typing import Any

from lane.verifier import draw
from lane.verifier.findings import EpochReport, Report, Verdict
from lane.verifier.records import Record

STICKY_US = 30 * 24 * 3_600 * 1_000_000
STICKY_SLACK_US = 600 * 1_000_000
"""The key index is asked at the barcode, the draw is recorded later: a passage in between may count or not."""


@dataclass(slots=True)
class Epoch:
    """What the records say of one epoch."""

    epoch: int
    committed_at: int = -1
    commitment: str = ""
    nonce_at: int = -1
    nonce: str = ""
    source: str = ""
    opened_at: int = -1
    rate: str = ""
    design: str = ""
    revealed_at: int = -1
    salt: str = ""
    secret: str = ""
    announced: int = 0
    drawn: int = 0
    draws: list[tuple[int, int, str, int, int, str, bool]] = field(default_factory=list)
    """(record, seq, parcel key, p_num, p_den, d, drawn)"""


class Epochs:
    """Follows the epoch and draw records; ``finish`` recomputes what the reveals allow."""

    def __init__(self, report: Report, origin: str, checkpoint_sizes: list[int]) -> None:
        self._report, self._sizes = report, checkpoint_sizes
        self._site, _, rest = origin.partition("/")
        self._lane = rest.removesuffix("/log1")
        self._epochs: dict[int, Epoch] = {}
        self._open = 0
        self._counters: dict[tuple[str, str], tuple[int, int]] = {}
        self._design: tuple[str, str] = ("", "")
        self._passages: dict[str, list[tuple[int, int, bool]]] = {}
        self._typed: dict[str, int] = {}
        self._seq = 0

    def take(self, index: int, record: Record) -> None:
        """One record in order. Raises KeyError, TypeError or ValueError on a malformed one."""
        kind = record["kind"]
        if kind == "EpochCommitted":
            epoch = self._epochs.setdefault(record["epoch"], Epoch(record["epoch"]))
            if epoch.committed_at >= 0:
                self._report.rule(index, f"epoch {epoch.epoch} is committed a second time", epoch.epoch)
            epoch.committed_at, epoch.commitment = index, record["commitment"]
        elif kind == "EpochNonce":
            self._nonce(index, record)
        elif kind == "EpochOpened":
            self._opened(index, record)
        elif kind == "EpochRevealed":
            self._revealed(index, record)
        elif kind == "ParcelDrawn":
            self._drawn(index, record)

    def _epoch(self, index: int, record: Record, needs: str) -> Epoch:
        epoch = self._epochs.setdefault(record["epoch"], Epoch(record["epoch"]))
        if getattr(epoch, needs) < 0:
            word = needs.removesuffix("_at")
            self._report.rule(index, f"{record['kind']} of epoch {epoch.epoch}, which was not {word}", epoch.epoch)
        return epoch

    def _nonce(self, index: int, record: Record) -> None:
        epoch = self._epoch(index, record, "committed_at")
        epoch.nonce_at, epoch.nonce, epoch.source = index, record["nonce"], record["source"]
        known = self._typed.setdefault(epoch.source, index) if epoch.source.startswith("typed:") else index
        if not any(epoch.committed_at < size <= known for size in self._sizes):
            self._report.rule(
                index, f"nonce of epoch {epoch.epoch} precedes any signed checkpoint over its commitment", epoch.epoch
            )
        if epoch.source.startswith("typed:"):
            digits = epoch.source.removeprefix("typed:")
            if draw.derived_nonce(bytes.fromhex(epoch.commitment), digits).hex() != epoch.nonce:
                self._report.rule(index, f"nonce of epoch {epoch.epoch} does not follow from {digits}", epoch.epoch)

    def _opened(self, index: int, record: Record) -> None:
        epoch = self._epoch(index, record, "nonce_at")
        if "key" in record:
            self._report.rule(index, "the secret key of an epoch stands in the journal", epoch.epoch)
        if epoch.opened_at >= 0 or epoch.epoch <= self._open:
            self._report.rule(index, f"epoch {epoch.epoch} opened out of order or twice", epoch.epoch)
        for name in ("commitment", "nonce"):
            if record[name] != getattr(epoch, name):
                self._report.rule(index, f"{name} of epoch {epoch.epoch} differs from the one announced", epoch.epoch)
        epoch.opened_at, epoch.rate, epoch.design = index, record["rate"], record["design"]
        self._open = epoch.epoch
        if (epoch.rate, epoch.design) != self._design:
            self._design = (epoch.rate, epoch.design)
            self._counters[self._design] = (0, 0)

    def _revealed(self, index: int, record: Record) -> None:
        epoch = self._epoch(index, record, "opened_at")
        if epoch.revealed_at >= 0:
            self._report.rule(index, f"epoch {epoch.epoch} is revealed a second time", epoch.epoch)
        epoch.revealed_at, epoch.salt, epoch.secret = index, record["salt"], record["secret"]
        epoch.announced = record["draws"]

    def _drawn(self, index: int, record: Record) -> None:
        epoch = self._epoch(index, record, "opened_at")
        number, seq = epoch.epoch, record["seq"]

        def expect(holds: bool, text: str) -> None:
            if not holds:
                self._report.rule(index, f"draw of parcel {seq}: {text}", number)

        expect(number == self._open and epoch.revealed_at < 0, f"epoch {number} is not the open one")
        expect(seq == self._seq + 1, f"expected parcel {self._seq + 1} next")
        self._seq = seq
        expect((record["rate"], record["design"]) == (epoch.rate, epoch.design), "rate or design not that of its epoch")
        counted = self._counters.get(self._design, (0, 0))
        expect((record["n"], record["selected"]) == counted, f"counters {counted[0]}, {counted[1]} expected")
        p = draw.probability(*draw.rate(record["rate"]), record["design"], record["n"], record["selected"])
        expect((record["p_num"], record["p_den"]) == p, f"probability {p[0]}/{p[1]} expected")
        hit = draw.is_selected(bytes.fromhex(record["d"]), record["p_num"], record["p_den"])
        expect(record["drawn"] is hit, f"drawn {hit} expected")
        self._sticky(record, expect)
        if record["counts"]:
            self._counters[self._design] = (counted[0] + 1, counted[1] + record["drawn"])
        epoch.drawn += record["drawn"]
        epoch.draws.append((index, seq, record["parcel_key"], *p, record["d"], record["drawn"]))

    def _sticky(self, record: Record, expect: Any) -> None:
        key, at_us = record["parcel_key"], record["at_us"]
        if not key:
            expect(record["counts"] is True, "an empty key always counts")
            expect(record["effective"] is record["drawn"], "an empty key is never sticky")
            return
        passages = self._passages.setdefault(key, [])
        may = [one for one in passages if one[1] >= at_us - STICKY_US - STICKY_SLACK_US]
        must = [one for one in may if one[1] >= at_us - STICKY_US + STICKY_SLACK_US]
        expect(record["counts"] is (not must) or record["counts"] is (not may), "a re-induction must not count")
        earlier = {seq for seq, _, effective in may if effective}
        sticky = any(effective for _, _, effective in must) or record["sticky_from"] != 0
        expect(record["sticky_from"] == 0 or record["sticky_from"] in earlier, "sticky_from is no effective passage")
        expect(record["effective"] is (record["drawn"] or sticky), "effective = drawn or an earlier effective passage")
        passages.append((record["seq"], at_us, record["effective"]))

    def finish(self) -> None:
        """Recompute every revealed epoch and give each its verdict."""
        for number in sorted(self._epochs):
            epoch = self._epochs[number]
            if epoch.opened_at < 0:
                continue
            if epoch.revealed_at >= 0:
                self._recompute(epoch)
            failing = [one.index for one in self._report.findings if one.epoch == number]
            verdict, reason = Verdict.PASS, ""
            if failing:
                verdict, reason = Verdict.FAIL, f"first at record {min(failing)}"
            elif epoch.revealed_at < 0 and epoch.draws:
                verdict, reason = Verdict.UNVERIFIABLE, "not revealed"
                self._report.unverifiable.append(
                    f"epoch {number} is not revealed: its {len(epoch.draws)} draws rest on trust"
                )
            self._report.epochs.append(
                EpochReport(
                    epoch=number,
                    verdict=verdict,
                    draws=len(epoch.draws),
                    drawn=epoch.drawn,
                    first_failing_index=min(failing, default=-1),
                    reason=reason,
                )
            )
        self._report.figures["draws"] = sum(len(epoch.draws) for epoch in self._epochs.values())

    def _recompute(self, epoch: Epoch) -> None:
        number, report = epoch.epoch, self._report
        salt, secret, nonce = (bytes.fromhex(text) for text in (epoch.salt, epoch.secret, epoch.nonce))
        committed = draw.commitment(self._site, self._lane, number, salt, secret)
        if committed.hex() != epoch.commitment:
            report.rule(epoch.revealed_at, f"secret of epoch {number} does not fit its commitment", number)
            return
        if epoch.announced != len(epoch.draws):
            report.rule(
                epoch.revealed_at, f"epoch {number} names {epoch.announced} draws, {len(epoch.draws)} recorded", number
            )
        key = draw.key(secret, committed, nonce)
        for index, seq, parcel_key, p_num, p_den, d, drawn in epoch.draws:
            true = draw.draw(key, self._site, self._lane, number, seq, parcel_key.encode())
            if true.hex() != d:
                report.rule(index, f"draw of parcel {seq}: d is not that of the revealed key", number)
            elif draw.is_selected(true, p_num, p_den) is not drawn:
                report.rule(index, f"draw of parcel {seq}: selected wrongly", number)
