"""Every image that a record names must exist and hash to its name."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from lane.verifier.findings import Report
from lane.verifier.records import Record

CHUNK_BYTES = 1 << 20


class Images:
    """Collects the ``image_sha256`` of every record that has one."""

    def __init__(self, run: Path, report: Report) -> None:
        self._folder, self._report = run / "images", report
        self._named: dict[str, int] = {}

    def take(self, index: int, record: Record) -> None:
        """One record; a count names its picture one level down."""
        nested = record.get("count")
        name = record.get("image_sha256") or (nested.get("image_sha256") if isinstance(nested, dict) else "")
        if name:
            self._named.setdefault(name, index)

    def finish(self, progress: Callable[[int], None] | None = None) -> None:
        """Hash every image again."""
        for count, (name, index) in enumerate(self._named.items()):
            if progress:
                progress(count)
            path = self._folder / name[:2] / name
            place = f"images/{name[:2]}/{name}"
            try:
                found = sha256()
                with path.open("rb") as stream:
                    while chunk := stream.read(CHUNK_BYTES):
                        found.update(chunk)
            except OSError as error:
                self._report.damage(place, f"image named by record {index} can't be read: {error.strerror}", index)
                continue
            if found.hexdigest() != name:
                self._report.damage(place, f"image damaged: named by record {index}, its bytes hash differently", index)
        stored = {path.name for path in self._folder.glob("??/*") if not path.name.startswith(".")}
        self._report.figures["images"] = len(self._named)
        self._report.figures["images_unnamed"] = len(stored - set(self._named))
