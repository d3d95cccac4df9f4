"""Lines of the text files that people bring (streams, event logs)."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

LINE_CHARS_MAX = 1 << 20
"""A longer line is no row of a table; reading stays within bounded memory."""
csv.field_size_limit(LINE_CHARS_MAX)


def text_lines(path: Path, refusal: type[ValueError] = ValueError) -> Iterator[str]:
    """Lines of a UTF-8 file (a byte order mark is skipped). Raises ``refusal`` for a line over the limit, another
    encoding, or a file that can't be read."""
    if path.exists() and not path.is_file():
        raise refusal(f"{path}: expected a file, was a folder, a device or a pipe")
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            for number in itertools.count(1):
                line = text.readline(LINE_CHARS_MAX)
                if not line:
                    return
                if len(line) == LINE_CHARS_MAX:
                    raise refusal(f"{path}:{number}: expected lines of at most {LINE_CHARS_MAX} characters")
                yield line
    except UnicodeDecodeError as error:
        raise refusal(f"{path}: expected UTF-8 text, byte {error.start} of a block is none") from error
    except OSError as error:
        raise refusal(f"{path}: can't be read ({error.strerror})") from error
