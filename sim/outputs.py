"""Files that commands of the twin write for their user: asked for before the work begins, written when it is done."""

import json
from pathlib import Path
from typing import Any

import click


def expect_folders(**files: Path | None) -> None:
    """Refuse, before hours of work, a file whose folder is not there. Keywords are the options without their dashes
    (``write_log`` for ``--write-log``). Raises ``click.ClickException``."""
    for option, file in files.items():
        if file is not None and not file.parent.is_dir():
            name = f"--{option.replace('_', '-')}"
            raise click.ClickException(f"{name} {file}: expected an existing folder, {file.parent} is none")


def write_figures(file: Path | None, figures: dict[str, Any]) -> None:
    """Write figures as JSON, if a file was asked for."""
    if file is not None:
        file.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
