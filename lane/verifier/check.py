"""The whole proof of a run, in one pass over its records."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from lane.verifier import checkpoints as signed
from lane.verifier.epochs import Epochs
from lane.verifier.findings import Report, Severity
from lane.verifier.images import Images
from lane.verifier.journal_file import NAME, JournalFile
from lane.verifier.parcels import Parcels
from lane.verifier.records import Records

CONFIG = "config/core.json"
Progress = Callable[[str, int], None]


class NotARun(Exception):
    """The folder holds no journal, or the key can't be read: nothing was verified."""


def verify(run: Path, key_text: str | None = None, progress: Progress | None = None) -> Report:
    """Verify a run directory. ``key_text``: the lane's public key as handed out (None: the run's own, untrusted).

    Raises NotARun when there is nothing to verify or the given key is malformed.
    """
    if not (run / NAME).is_file():
        raise NotARun(f"{run}: expected a run directory with {NAME}")
    report = Report(run=str(run))
    key = _key(run, key_text, report)
    journal = JournalFile(run, report)
    try:
        if key is not None and report.key_trusted and (signers := signed.foreign_signers(run, journal, key)):
            _another_lane(report, signers, key)
            return report
        notes = signed.load(run, journal, key, report)
        origins = sorted({note.origin for note in notes.values()} | ({key.name} if key else set()))
        if len(origins) > 1:
            report.damage("checkpoints", f"several origins: {', '.join(origins)}")
        _walk(run, journal, notes, origins[0] if origins else "", report, progress)
        damaged = any(one.severity is Severity.DAMAGE for one in report.findings)
        journal.check_container(damaged and not journal.unreadable)
    finally:
        journal.close()
    return report


def _another_lane(report: Report, signers: list[str], key: signed.LaneKey) -> None:
    """Nothing here was signed with the given key: one line says so; what else differs would only repeat it."""
    report.findings.clear()
    names = " and ".join(signers)
    report.damage(signed.FOLDER, f"not the trusted key: signed by {names}, your key is {key.name} {key.key_id.hex()}")
    report.notes.append("nothing else was checked: give the key of the lane that made this run")


def _walk(
    run: Path,
    journal: JournalFile,
    notes: dict[int, signed.Note],
    origin: str,
    report: Report,
    progress: Progress | None,
) -> None:
    records = Records(journal, notes, report, (lambda at: progress("records", at)) if progress else None)
    epochs, parcels, images = Epochs(report, origin, sorted(notes)), Parcels(report), Images(run, report)
    last, config = -1, ""
    for index, record in records:
        last = index
        if record["kind"] == "LaneStarted":
            config = str(record.get("config_sha256", ""))
        for follower in (epochs, parcels, images):
            try:
                follower.take(index, record)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                report.rule(index, f"{record['kind']} is malformed: {type(error).__name__} {error}")
    records.finish()
    _check_config(run, config, report)
    try:
        epochs.finish()
    except (TypeError, ValueError, AttributeError) as error:
        report.rule(last, f"an epoch's records are malformed: {error}")
    parcels.finish(last, journal.orderly)
    images.finish((lambda at: progress("images", at)) if progress else None)


def _check_config(run: Path, expected: str, report: Report) -> None:
    """The configuration in the run must be the one that the last start named."""
    path = run / CONFIG
    if not expected:
        return
    if not path.is_file():
        report.damage(CONFIG, "missing: the journal names its hash")
    elif sha256(path.read_bytes()).hexdigest() != expected:
        report.damage(CONFIG, "altered: its hash is not the one in the journal")


def _key(run: Path, key_text: str | None, report: Report) -> signed.LaneKey | None:
    own = run / signed.FOLDER / signed.PUBLIC_KEY
    own_text = own.read_text(errors="replace").strip() if own.is_file() else ""
    place = f"{signed.FOLDER}/{signed.PUBLIC_KEY}"
    if key_text is not None:
        report.key, report.key_trusted = key_text.strip(), True
        if own_text and own_text != report.key:
            report.damage(place, "not the trusted key")
        try:
            return signed.read_key(report.key)
        except ValueError as error:
            raise NotARun(f"--key: {error}") from error
    report.key = own_text
    if not own_text:
        report.unverifiable.append(f"no public key: none given and none at {place}")
        return None
    try:
        return signed.read_key(own_text)
    except ValueError as error:
        report.damage(place, f"public key damaged: {error}")
        return None
