"""Files that commands of the twin write: asked for before the work begins, written whole or not at all."""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

STREAMS = ("/dev/std", "/dev/fd/", "/proc/")
"""Names of what a process has open: nothing can take their place, even where a file stands behind them."""


def expect_folders(**files: Path | None) -> None:
    """Refuse, before hours of work, a file that can't be written: its folder is not there or takes no files, it is a
    folder or a device, or two options name it. Keywords are the options without their dashes (``write_log`` for
    ``--write-log``). Raises ``click.ClickException``."""
    named: dict[Path, str] = {}
    for option, file in files.items():
        if file is None:
            continue
        name = f"--{option.replace('_', '-')}"
        target = _target(file)
        try:
            _expect_file(f"{name} {file}", file, target)
        except OSError as error:
            raise click.ClickException(
                f"{name} {file}: expected a folder that takes such a file, {target.parent} does not ({error.strerror})"
            ) from error
        if target in named:
            raise click.ClickException(f"{named[target]} and {name}: expected two files, both were {file}")
        named[target] = name


def _expect_file(what: str, file: Path, target: Path) -> None:
    """Refuse what is no file that can be written. Raises ``click.ClickException``, or OSError of the folder."""
    if not target.parent.is_dir():
        raise click.ClickException(f"{what}: expected an existing folder, {target.parent} is none")
    if str(file.absolute()).startswith(STREAMS) or (target.exists() and not target.is_file()):
        found = "a folder" if target.is_dir() else "a device or a pipe"
        raise click.ClickException(f"{what}: expected a file to write, was {found}")
    if target.exists() and not os.access(target, os.W_OK):
        raise click.ClickException(f"{what}: expected a file that may be written, it is write-protected")
    fresh = _fresh(target)
    fresh.touch()
    fresh.unlink()


def expect_ending(option: str, file: Path | None, endings: Sequence[str]) -> None:
    """Refuse, before hours of work, a file whose ending names no format. Raises ``click.ClickException``."""
    if file is not None and file.suffix.lower() not in endings:
        raise click.ClickException(f"{option} {file}: expected a name that ends in {', '.join(endings)}")


def make_folder(option: str, folder: Path) -> None:
    """Make a folder for files that come later, before hours of work. Raises ``click.ClickException``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{option} {folder}: can't be made ({error.strerror})") from error
    expect_folders(**{option.lstrip("-"): folder / "anything"})


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; the file takes its place when the block ends, and is gone when it does not.

    So a full disk, Ctrl-C or another process that writes the same file never leave half of one, and an earlier file
    stays as it was. Raises ``click.ClickException`` when the file can't be written.
    """
    target = _target(path)
    fresh = _fresh(target)
    try:
        yield fresh
        fresh.replace(target)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(f"{path}: can't be written ({reason}); nothing was written there") from error
    finally:
        with suppress(OSError):
            fresh.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file; what is no UTF-8, in a file's name, is escaped. Raises ``click.ClickException``."""
    with whole_file(path) as fresh:
        fresh.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_figures(file: Path | None, figures: dict[str, Any]) -> None:
    """Write figures as JSON, if a file was asked for. Raises ``click.ClickException``."""
    if file is not None:
        write_text(file, json.dumps(figures, ensure_ascii=False, indent=2) + "\n")


def _target(path: Path) -> Path:
    """Where a path leads: a link stays a link, what it points to is written."""
    return Path(os.path.realpath(path))


def _fresh(target: Path) -> Path:
    """This process's own name beside a file, with its ending: writers choose their format by it."""
    return target.with_name(f".{target.stem[:40]}.{os.getpid()}.part{target.suffix}")
