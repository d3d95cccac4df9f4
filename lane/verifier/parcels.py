"""One parcel's records in order: draw < scan < decision < permit < gate < exit; one message per release."""

from collections import Counter
from dataclasses import dataclass

from lane.verifier.findings import Report
from lane.verifier.records import Record


@dataclass(slots=True)
class Parcel:
    """What the records say of one parcel so far."""

    drawn: bool = False
    effective: bool = False
    image: str = ""
    route: str = ""
    permit_no: int = 0
    permit_at: int = -1
    permit: str = ""
    """"", ISSUED, USED or VOID"""
    released: str = ""
    diverted: bool = False
    unproven: bool = False
    bench: bool = False


class Parcels:
    """Follows every parcel; a record that comes too early or too often is a finding."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._parcels: dict[int, Parcel] = {}
        self._last = 0
        self._gate: dict[int, int] = {}
        self._images: dict[str, int] = {}
        self._messages: Counter[int] = Counter()
        self._rules = {
            "ParcelInducted": self._inducted,
            "ParcelDrawn": self._drawn,
            "ParcelScanned": self._scanned,
            "DispositionDecided": self._decided,
            "PermitIssued": self._issued,
            "PermitUsed": self._used,
            "PermitVoided": self._voided,
            "GateProven": self._proven,
            "ParcelReleased": self._released,
            "ParcelDiverted": self._diverted,
            "CustodyUnproven": self._custody,
            "BenchRecorded": self._benched,
            "MessageQueued": self._queued,
        }

    def take(self, index: int, record: Record) -> None:
        """One record in order. Raises KeyError or TypeError on a malformed one."""
        rule = self._rules.get(record["kind"])
        if rule is not None:
            rule(index, record)

    def _parcel(self, index: int, record: Record) -> Parcel:
        seq = record["seq"]
        if seq not in self._parcels:
            self._report.rule(index, f"{record['kind']} of parcel {seq}, which was never inducted")
            self._parcels[seq] = Parcel()
        return self._parcels[seq]

    def _expect(self, holds: bool, index: int, record: Record, text: str) -> None:
        if not holds:
            self._report.rule(index, f"{record['kind']} of parcel {record['seq']}: {text}")

    def _inducted(self, index: int, record: Record) -> None:
        self._expect(record["seq"] == self._last + 1, index, record, f"expected number {self._last + 1}: not gap-free")
        self._last = record["seq"]
        self._parcels.setdefault(self._last, Parcel())

    def _drawn(self, index: int, record: Record) -> None:
        parcel = self._parcel(index, record)
        self._expect(not parcel.drawn, index, record, "drawn a second time")
        parcel.drawn, parcel.effective = True, bool(record["effective"])

    def _scanned(self, index: int, record: Record) -> None:
        parcel = self._parcel(index, record)
        self._expect(parcel.drawn, index, record, "scanned before its draw")
        image = record["image_sha256"]
        self._expect(self._images.setdefault(image, record["seq"]) == record["seq"], index, record, "another's image")
        parcel.image = image

    def _decided(self, index: int, record: Record) -> None:
        parcel = self._parcel(index, record)
        self._expect(not parcel.route, index, record, "decided a second time")
        parcel.route = record["route"]
        if parcel.route != "RELEASE":
            return
        self._expect(parcel.drawn, index, record, "RELEASE decided before its draw")
        self._expect(not parcel.effective, index, record, "RELEASE although drawn at random")
        self._expect(bool(parcel.image), index, record, "RELEASE decided before its image")
        self._expect(record["image_sha256"] == parcel.image, index, record, "decided on another image")
        self._expect(record["status_class"] == "RELEASED", index, record, "RELEASE against the customs status")
        still = set(record["grounds"]) - set(record["cleared"]) - set(record["advisory"])
        self._expect(not still, index, record, f"RELEASE with open grounds {', '.join(sorted(still))}")

    def _issued(self, index: int, record: Record) -> None:
        parcel = self._parcel(index, record)
        self._expect(parcel.route == "RELEASE", index, record, "permit without a RELEASE decision before it")
        self._expect(parcel.drawn and not parcel.effective, index, record, "permit without a draw that lets it pass")
        self._expect(bool(parcel.image), index, record, "permit without an image")
        self._expect(parcel.permit in ("", "VOID"), index, record, "second permit")
        parcel.permit, parcel.permit_no, parcel.permit_at = "ISSUED", record["permit_no"], index

    def _used(self, index: int, record: Record) -> None:
        parcel = self._parcel(index, record)
        fits = parcel.permit == "ISSUED" and parcel.permit_no == record["permit_no"]
        state = parcel.permit.lower() or "none"
        self._expect(fits, index, record, f"permit {record['permit_no']} is not open for it ({state})")
        parcel.permit = "USED"

    def _voided(self, index: int, record: Record) -> None:
        self._parcel(index, record).permit = "VOID"

    def _proven(self, index: int, record: Record) -> None:
        if record["position"] == "RELEASE":
            self._gate[record["permit_no"]] = index

    def _released(self, index: int, record: Record) -> None:
        parcel = self._parcel(index, record)
        self._expect(not parcel.released, index, record, "released a second time")
        parcel.released = record["via"]
        if parcel.released == "BENCH":
            self._expect(parcel.bench, index, record, "released by the bench without a bench record")
            return
        self._expect(not parcel.effective, index, record, "drawn at random, yet released through the gate")
        self._expect(not parcel.diverted, index, record, "released after it was diverted")
        number = record["permit_no"]
        fits = parcel.permit == "USED" and parcel.permit_no == number
        self._expect(fits, index, record, f"released without a used permit {number}")
        proven = self._gate.get(number, -1)
        self._expect(proven > parcel.permit_at >= 0, index, record, f"gate never proven at RELEASE for permit {number}")

    def _diverted(self, index: int, record: Record) -> None:
        parcel = self._parcel(index, record)
        self._expect(not parcel.diverted and not parcel.released, index, record, "a second exit")
        parcel.diverted = True

    def _custody(self, index: int, record: Record) -> None:
        if record["seq"]:  # 0: a body that nobody had numbered
            self._parcel(index, record).unproven = True

    def _benched(self, index: int, record: Record) -> None:
        self._parcel(index, record).bench = True

    def _queued(self, index: int, record: Record) -> None:
        parcel = self._parcel(index, record)
        if record["message"] == "RELEASE":
            self._messages[record["seq"]] += 1
            self._expect(self._messages[record["seq"]] == 1, index, record, "a second release message")
            self._expect(bool(parcel.released), index, record, "release message before a proven release")

    def finish(self, index: int, orderly: bool) -> None:
        """After the last record: releases without a message, parcels without a draw."""
        for seq, parcel in self._parcels.items():
            if parcel.released == "GATE" and not self._messages[seq]:
                self._report.rule(index, f"parcel {seq} was released without a release message")
        waiting = [seq for seq, parcel in self._parcels.items() if not parcel.drawn]
        if waiting and (orderly or waiting != list(range(waiting[0], self._last + 1))):
            self._report.rule(index, f"parcel {waiting[0]} was inducted and never drawn")
        self._report.figures["parcels"] = len(self._parcels)
        self._report.figures["released"] = sum(bool(one.released) for one in self._parcels.values())
        self._report.figures["release_messages"] = sum(self._messages.values())
        self._report.figures["diverted"] = sum(one.diverted for one in self._parcels.values())
        self._report.figures["custody_unproven"] = sum(one.unproven for one in self._parcels.values())
