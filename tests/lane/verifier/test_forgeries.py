"""Signed lies: an altered run that is signed anew by the lane's own key is still found out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lane.events.machine import GateProven
from lane.events.parcel import (
    BenchRecorded,
    DispositionDecided,
    MessageQueued,
    ParcelDrawn,
    ParcelInducted,
    ParcelReleased,
    ParcelScanned,
    PermitIssued,
    PermitUsed,
)
from lane.inputs import EpochNonce, EpochOpened, EpochRevealed
from lane.model.grounds import Ground
from lane.model.words import Route, StatusClass, Via
from lane.verifier.check import verify
from lane.verifier.findings import Report, Verdict
from tests.lane.run_builder import RunBuilder, finished_run


def words(report: Report) -> str:
    return "\n".join(f"{one.severity} {one.place}: {one.text}" for one in report.ordered())


def altered(
    kind: type[Any], parcel: int = 0, nth: int = 1, only: Via | None = None, **fields: Any
) -> Callable[[Any], list[Any]]:
    """Change fields of the nth record of a kind (of one parcel), before it is signed.

    ``drop=True`` leaves it out, ``twice=True`` writes it twice; a callable gets the item.
    """
    seen = [0]

    def alter(item: Any) -> list[Any]:
        if type(item).__name__ != kind.__name__ or (parcel and item.seq != parcel) or (only and item.via is not only):
            return [item]
        seen[0] += 1
        if seen[0] != nth or fields.get("drop"):
            return [item] if seen[0] != nth else []
        if fields.get("twice"):
            return [item, item]
        return [
            replace(item, **{name: change(item) if callable(change) else change for name, change in fields.items()})
        ]

    return alter


def flipped(text: str) -> str:
    return ("0" if text[0] != "0" else "1") + text[1:]


FORGERIES: dict[str, tuple[Callable[[Any], list[Any]], str]] = {
    "drawn flipped": (altered(ParcelDrawn, 2, drawn=lambda item: not item.drawn), "drawn"),
    "one bit of d flipped": (
        altered(ParcelDrawn, 2, d=lambda item: item.d[:-1] + ("0" if item.d[-1] != "0" else "1")),
        "d is not that",
    ),
    "another parcel key": (altered(ParcelDrawn, 3, parcel_key="Z"), "d is not that"),
    "draw left out": (altered(ParcelDrawn, 2, drop=True), "expected parcel 2 next"),
    "p not in lowest terms": (
        altered(ParcelDrawn, 1, p_num=lambda item: item.p_num * 2, p_den=lambda item: item.p_den * 2),
        "probability 1/3 expected",
    ),
    "counters start anew": (altered(ParcelDrawn, 4, n=0, selected=0), "counters 3"),
    "secret altered": (
        altered(EpochRevealed, nth=1, secret=lambda item: flipped(item.secret)),
        "does not fit its commitment",
    ),
    "salt altered": (
        altered(EpochRevealed, nth=1, salt=lambda item: flipped(item.salt)),
        "does not fit its commitment",
    ),
    "other nonce used": (
        altered(EpochNonce, nth=1, nonce=lambda item: flipped(item.nonce)),
        "differs from the one announced",
    ),
    "draws miscounted": (altered(EpochRevealed, nth=2, draws=9), "names 9 draws, 3 recorded"),
    "re-induction counted": (altered(ParcelDrawn, 4, counts=True), "a re-induction must not count"),
    "rate changed inside an epoch": (altered(ParcelDrawn, 2, rate="1/2"), "not that of its epoch"),
    "opened twice": (altered(EpochOpened, nth=1, twice=True), "out of order or twice"),
    "number skipped": (altered(ParcelInducted, 2, seq=9), "not gap-free"),
    "scanned before its draw": (altered(ParcelDrawn, 2, drop=True), "scanned before its draw"),
    "foreign image": (altered(ParcelScanned, 2, image_sha256="00" * 32), "decided on another image"),
    "gate never proven": (altered(GateProven, nth=1, drop=True), "gate never proven"),
    "permit never issued": (altered(PermitIssued, nth=1, drop=True), "is not open for it (none)"),
    "permit never used": (altered(PermitUsed, nth=1, drop=True), "released without a used permit"),
    "permit used twice": (altered(PermitUsed, nth=1, twice=True), "is not open for it (used)"),
    "released twice": (altered(ParcelReleased, nth=1, twice=True), "released a second time"),
    "bench release through the gate": (
        altered(ParcelReleased, via=Via.GATE, only=Via.BENCH),
        "drawn at random, yet released",
    ),
    "bench release without a bench": (altered(BenchRecorded, nth=1, drop=True), "without a bench record"),
    "message left out": (altered(MessageQueued, nth=1, drop=True), "without a release message"),
    "message doubled": (altered(MessageQueued, nth=1, twice=True), "a second release message"),
    "decided with a ground open": (
        altered(DispositionDecided, nth=1, route=Route.RELEASE, grounds=(Ground.NO_READ,)),
        "RELEASE with open grounds NO_READ",
    ),
    "released against the status": (
        altered(DispositionDecided, nth=1, route=Route.RELEASE, status_class=StatusClass.DETAINED),
        "RELEASE against the customs status",
    ),
}


@pytest.mark.parametrize("forgery", sorted(FORGERIES))
def test_a_signed_lie_is_found(tmp_path: Path, forgery: str) -> None:
    alter, complaint = FORGERIES[forgery]
    finished_run(tmp_path / "run", alter=alter)
    report = verify(tmp_path / "run")
    assert report.verdict is Verdict.FAIL
    assert complaint in words(report)
    assert all(one.index >= 0 for one in report.findings), words(report)


def test_a_nonce_known_before_its_commitment_was_signed_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lane.journal import log

    monkeypatch.setattr(log, "EpochNonce", type(None))
    finished_run(tmp_path / "run")
    assert "precedes any signed checkpoint over its commitment" in words(verify(tmp_path / "run"))


def test_one_typed_nonce_for_all_epochs_is_derived_again(tmp_path: Path) -> None:
    digits = "20237331128159211123"
    finished_run(tmp_path / "honest", typed=digits)
    assert verify(tmp_path / "honest").verdict is Verdict.PASS
    finished_run(tmp_path / "forged", typed=digits, alter=altered(EpochNonce, source="typed:" + digits[::-1]))
    assert "does not follow from 32111295182113373202" in words(verify(tmp_path / "forged"))


def test_an_effective_draw_is_never_washed_clean(tmp_path: Path) -> None:
    builder = RunBuilder(tmp_path / "run", rate="1")
    builder.open_epoch()
    builder.parcel("A")
    builder.alter = altered(ParcelDrawn, 2, sticky_from=0, effective=False)
    builder.rate = "0"
    builder.reveal()
    builder.n = builder.selected = 0
    builder.open_epoch()
    builder.parcel("A")
    builder.reveal()
    builder.journal.close()
    assert "effective = drawn or an earlier effective passage" in words(verify(tmp_path / "run"))


def test_an_epoch_that_is_not_revealed_is_unverifiable_not_passed(tmp_path: Path) -> None:
    builder = RunBuilder(tmp_path / "run")
    builder.open_epoch()
    builder.parcel("A")
    builder.journal.close()
    report = verify(tmp_path / "run")
    assert report.verdict is Verdict.UNVERIFIABLE
    assert [(one.verdict, one.reason) for one in report.epochs] == [("UNVERIFIABLE", "not revealed")]
