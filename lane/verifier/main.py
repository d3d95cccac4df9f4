"""Command line of the verifier: ``lane verify RUN``, ``python -m lane.verifier RUN``, ``lane-verify.pyz RUN``."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TextIO

from lane.verifier.check import NotARun, verify
from lane.verifier.findings import Report, Verdict

EXIT = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.UNVERIFIABLE: 3}
EXIT_USAGE = 2
FINDINGS_PRINTED = 20
KEY_PLUS_MIN = 2
"""Plus signs in the text of a key: name, key id and base64 stand between them."""
QUIET_S = 2.0
"""Progress is shown on work that takes longer than this."""


class Progress:
    """One line on a terminal, rewritten at most ten times a second, shown only after two seconds."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._shown = out, False
        self._next = time.monotonic() + QUIET_S

    def __call__(self, what: str, done: int) -> None:
        """So many done."""
        now = time.monotonic()
        if now >= self._next:
            self._next, self._shown = now + 0.1, True
            self._out.write(f"\r  {what}: {done:,} ")
            self._out.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._shown:
            self._out.write("\r" + " " * 40 + "\r")


def main(arguments: list[str] | None = None) -> int:
    """Verify and print; returns the exit status (0 PASS, 1 FAIL, 2 usage, 3 UNVERIFIABLE)."""
    parser = argparse.ArgumentParser(
        prog="lane verify",
        description="Prove a finished run: tree, signatures, draws, order of records, gate proofs, images.",
        epilog="Exit status: 0 PASS, 1 FAIL, 2 wrong usage, 3 UNVERIFIABLE (something could not be checked).",
    )
    parser.add_argument("run", type=Path, help="run directory (holds journal.db)")
    parser.add_argument("--key", metavar="PUB", help="trusted public key: a file, or the text itself")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the report as JSON")
    options = parser.parse_args(arguments)
    return run_and_print(options.run, options.key, options.json, sys.stdout, sys.stderr)


def run_and_print(run: Path, key: str | None, json_file: Path | None, out: TextIO, err: TextIO) -> int:
    """The command's work; everything printed goes to ``out``, errors and progress to ``err``."""
    started = time.monotonic()
    progress = Progress(err)
    try:
        report = verify(run, _key_text(key), progress if err.isatty() else None)
    except (NotARun, OSError) as error:
        err.write(f"lane verify: {error}\n")
        return EXIT_USAGE
    progress.end()
    elapsed = time.monotonic() - started
    print_report(report, elapsed, out)
    if json_file is not None:
        plain = {**report.plain(), "wall_s": round(elapsed, 3)}
        try:
            json_file.write_text(json.dumps(plain, ensure_ascii=False, indent=1) + "\n")
        except OSError as error:
            err.write(f"lane verify: --json {json_file}: can't be written: {error.strerror}\n")
            return EXIT_USAGE
    return EXIT[report.verdict]


def _key_text(key: str | None) -> str | None:
    """Text of the trusted key, given as a file or as itself. Raises NotARun when it is neither."""
    if key is None:
        return None
    if Path(key).is_file():
        return Path(key).read_text(errors="replace")
    if key.count("+") < KEY_PLUS_MIN:
        raise NotARun(
            f"--key {key}: no such file; expected a file such as RUN/checkpoints/lane.pub, "
            "or the key's own text <name>+<key id>+<base64>"
        )
    return key


def print_report(report: Report, elapsed_s: float, out: TextIO) -> None:
    """The report in words: verdict last, first failure first."""
    figures = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in report.figures.items())
    out.write(f"run      {report.run}\n")
    trust = "trusted, as given" if report.key_trusted else "UNTRUSTED: found in the run itself, give --key to trust one"
    out.write(f"key      {report.key or 'none'}  ({trust})\n")
    out.write(f"checked  {figures} in {elapsed_s:.1f} s\n")
    for epoch in report.epochs:
        reason = f"  ({epoch.reason})" if epoch.reason else ""
        out.write(f"epoch    {epoch.epoch}: {epoch.verdict}, {epoch.draws} draws, {epoch.drawn} drawn{reason}\n")
    for note in report.notes:
        out.write(f"note     {note}\n")
    for gap in report.unverifiable:
        out.write(f"open     {gap}\n")
    findings = report.ordered()
    for finding in findings[:FINDINGS_PRINTED]:
        out.write(f"{finding.severity:<8} {finding.place}: {finding.text}\n")
    rest = len(findings) - FINDINGS_PRINTED + report.not_shown
    if rest > 0:
        out.write(f"...      {rest} more findings\n")
    out.write(f"{report.verdict}\n")
