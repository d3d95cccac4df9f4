"""Finds a text in bytes and files, whatever way a program may have written it."""

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

SQLITE = b"SQLite format 3\x00"


def patterns(text: str) -> dict[str, bytes]:
    """A text in every way of writing that is looked for, by name. In base64 its bytes may begin at three places."""
    found = {name: text.encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")}
    found["json"] = text.encode("ascii", "backslashreplace")
    found["percent"] = quote(text).encode()
    for name in ("utf-8", "utf-16-le", "gb18030"):
        data = text.encode(name)
        found[f"{name} hex"] = data.hex().encode()
        for shift in range(3):
            whole = base64.b64encode(b"\x00" * shift + data).rstrip(b"=")
            # characters at both ends that also hold bits of the text's neighbours are left out
            mixed_at_end = 1 if (shift + len(data)) % 3 else 0
            found[f"{name} base64+{shift}"] = whole[(0, 2, 3)[shift] : len(whole) - mixed_at_end]
    return found


class Search:
    """Searches for some texts at once."""

    def __init__(self, *texts: str) -> None:
        self._patterns = {(text, name): data for text in texts for name, data in patterns(text).items()}
        assert all(len(data) >= 6 for data in self._patterns.values()), "too short to be told from chance"
        self.bytes_read = 0

    def in_bytes(self, where: str, data: bytes) -> Iterator[str]:
        """One line per text and way of writing that is found."""
        self.bytes_read += len(data)
        for (text, name), pattern in self._patterns.items():
            at = data.find(pattern)
            if at >= 0:
                yield f"{where}: {text!r} as {name} at byte {at}"

    def in_file(self, path: Path) -> Iterator[str]:
        """The raw bytes of a file; of a database also its contents, which may lie scattered over pages."""
        data = path.read_bytes()
        yield from self.in_bytes(str(path), data)
        if data.startswith(SQLITE):
            yield from self.in_bytes(f"{path} (contents)", "\n".join(_contents(path)).encode())

    def in_folder(self, folder: Path, *, but: Path | None = None) -> tuple[int, list[str]]:
        """(number of files, what was found in names and contents), leaving out one folder."""
        files = [
            path for path in sorted(folder.rglob("*")) if path.is_file() and (but is None or but not in path.parents)
        ]
        found: list[str] = []
        for path in files:
            found += self.in_bytes(f"name of {path}", str(path.relative_to(folder)).encode())
            found += self.in_file(path)
        return len(files), found


def _contents(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield "\t".join(
                    cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell) for cell in row
                )
