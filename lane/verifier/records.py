"""The pass over all records: gap-free indexes, leaf hashes, roots, canonical form."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from lane.verifier.checkpoints import Note
from lane.verifier.findings import Report
from lane.verifier.journal_file import JournalFile
from lane.verifier.tree import Tree, leaf_hash

Record = dict[str, Any]
PROGRESS_EVERY = 2_000


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"number {text[:40]} is no integer")


_DECODER = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parse(body: bytes) -> Record:
    """A record's object. Raises ValueError unless it is canonical JSON with a kind and version 1."""
    plain = _DECODER.decode(body.decode())
    if not isinstance(plain, dict) or not isinstance(plain.get("kind"), str) or plain.get("v") != 1:
        raise ValueError("no kind or no known version")
    if _ENCODER.encode(plain).encode() != body:
        raise ValueError("not in canonical form")
    return plain


class Records:
    """Walks the records once, comparing tree and checkpoints on the way."""

    def __init__(
        self,
        journal: JournalFile,
        checkpoints: dict[int, Note],
        report: Report,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._journal, self._checkpoints, self._report, self._progress = journal, checkpoints, report, progress
        self._tree = Tree()
        self._stored: Tree | None = None
        """Tree over the stored leaf hashes, from the first record on whose own hash differs."""
        self._differing: list[int] = []
        self._last_good = 0
        self._root_lost = False

    def __iter__(self) -> Iterator[tuple[int, Record]]:
        """(index, record) of every record that can be read."""
        expected = 0
        for index, leaf, body in self._journal.rows("SELECT idx, leaf, body FROM record ORDER BY idx", "records"):
            if index != expected:
                self._report.damage(f"record {expected}", f"missing: the next one is {index}", expected)
                expected = index if isinstance(index, int) else expected
            expected += 1
            if self._progress and index % PROGRESS_EVERY == 0:
                self._progress(index)
            if not isinstance(body, bytes) or not isinstance(leaf, bytes):
                self._report.damage(f"record {index}", "no bytes where the record should be", index)
                continue
            self._grow(index, leaf, body)
            try:
                record = parse(body)
            except (ValueError, RecursionError) as error:
                if index not in self._differing:
                    self._report.rule(index, f"not a record: {error}")
                continue
            yield index, record

    def _grow(self, index: int, stored: bytes, body: bytes) -> None:
        leaf = leaf_hash(body)
        if leaf != stored:
            self._differing.append(index)
            self._stored = self._stored or self._tree.copy()
        self._tree.append(leaf)
        if self._stored is not None:
            self._stored.append(stored)
        note = self._checkpoints.get(self._tree.size)
        if note is not None:
            self._compare(f"checkpoint {note.size}", note.root)

    def _compare(self, what: str, root: bytes) -> None:
        """Hold a signed root against both trees; name the records that explain a difference."""
        if self._tree.root() == root:
            self._name("leaf hash damaged; the record itself verifies")
        elif self._stored is not None and self._stored.root() == root:
            self._name("record damaged: its bytes are not those that were signed")
        elif not self._root_lost:
            self._name("record damaged: its bytes do not fit its hash")
            last = self._tree.size - 1
            self._report.damage(
                f"records {self._last_good} to {last}", f"altered: their root is not that of {what}", self._last_good
            )
            self._root_lost = True
        self._last_good = self._tree.size

    def _name(self, text: str) -> None:
        for index in self._differing:
            self._report.damage(f"record {index}", text, index)
        self._differing.clear()

    def finish(self) -> None:
        """After the last record: frontier, checkpoints beyond the end, records that no checkpoint covers."""
        tree, report = self._tree, self._report
        report.figures["records"] = tree.size
        frontier = list(self._journal.rows("SELECT size, hashes FROM frontier", "frontier"))
        if len(frontier) != 1:
            report.damage("frontier", f"expected one row, was {len(frontier)}")
        else:
            size, hashes = frontier[0]
            stored = self._stored or tree
            if size == tree.size and hashes == b"".join(stored.peaks) and self._stored is not None:
                self._name("record damaged: its bytes are not those of the frontier")
            elif size != tree.size or hashes != b"".join(tree.peaks):
                self._name("record damaged: its bytes do not fit its hash")
                if not self._root_lost:
                    report.damage("frontier", f"damaged: it stands for {size} records, {tree.size} were read")
        self._name("leaf hash damaged; the record itself fits the frontier")
        beyond = [size for size in self._checkpoints if size > tree.size]
        if beyond:
            report.damage(
                f"records {tree.size} to {max(beyond) - 1}",
                f"missing: a signed checkpoint covers {max(beyond)} records",
            )
        covered = max([size for size in self._checkpoints if size <= tree.size], default=0)
        if covered < tree.size:
            report.unverifiable.append(f"records {covered} to {tree.size - 1} are covered by no signed checkpoint")
