"""What the verifier says: findings with their place, per-epoch verdicts, one report."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

FINDINGS_MAX = 200
"""Findings kept; the rest is counted. One damaged byte can contradict thousands of records."""


class Verdict(StrEnum):
    """Outcome of a run or of one draw epoch."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNVERIFIABLE = "UNVERIFIABLE"


class Severity(StrEnum):
    """DAMAGE: bytes are not what was written. RULE: a record contradicts the lane's rules."""

    DAMAGE = "DAMAGE"
    RULE = "RULE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One failure. ``place``: record index, file or page; ``index``: the record (-1: none); ``epoch``: 0 none."""

    severity: Severity
    place: str
    text: str
    index: int = -1
    epoch: int = 0


@dataclass(slots=True, kw_only=True)
class EpochReport:
    """One draw epoch: recomputed, contradicted, or not yet revealed."""

    epoch: int
    verdict: Verdict
    draws: int = 0
    drawn: int = 0
    first_failing_index: int = -1
    reason: str = ""


@dataclass(slots=True)
class Report:
    """Everything found in a run."""

    run: str
    findings: list[Finding] = field(default_factory=list)
    not_shown: int = 0
    unverifiable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    epochs: list[EpochReport] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    key: str = ""
    key_trusted: bool = False

    def damage(self, place: str, text: str, index: int = -1) -> None:
        """Bytes are not what was written."""
        self._add(Finding(severity=Severity.DAMAGE, place=place, text=text, index=index))

    def rule(self, index: int, text: str, epoch: int = 0) -> None:
        """A record contradicts the rules."""
        self._add(Finding(severity=Severity.RULE, place=f"record {index}", text=text, index=index, epoch=epoch))

    def _add(self, finding: Finding) -> None:
        if len(self.findings) < FINDINGS_MAX or finding.severity is Severity.DAMAGE:
            self.findings.append(finding)
        else:
            self.not_shown += 1

    @property
    def verdict(self) -> Verdict:
        """FAIL when anything failed, else UNVERIFIABLE when anything could not be checked, else PASS."""
        if self.findings:
            return Verdict.FAIL
        return Verdict.UNVERIFIABLE if self.unverifiable else Verdict.PASS

    def ordered(self) -> list[Finding]:
        """Damage first, then by record index."""
        return sorted(self.findings, key=lambda one: (one.severity is not Severity.DAMAGE, max(one.index, 0)))

    def plain(self) -> dict[str, Any]:
        """The report for ``--json``."""
        return {
            "run": self.run,
            "verdict": self.verdict.value,
            "key": self.key,
            "key_trusted": self.key_trusted,
            "figures": self.figures,
            "findings": [
                {
                    "severity": one.severity.value,
                    "place": one.place,
                    "text": one.text,
                    "index": one.index,
                    "epoch": one.epoch,
                }
                for one in self.ordered()
            ],
            "findings_not_shown": self.not_shown,
            "unverifiable": self.unverifiable,
            "notes": self.notes,
            "epochs": [
                {
                    "epoch": one.epoch,
                    "verdict": one.verdict.value,
                    "draws": one.draws,
                    "drawn": one.drawn,
                    "first_failing_index": one.first_failing_index,
                    "reason": one.reason,
                }
                for one in self.epochs
            ],
        }
