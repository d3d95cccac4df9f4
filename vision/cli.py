"""``lane vision``: judge a stored picture by hand; commands of other buildings are found by entry point."""

import hashlib
import json
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click

MODELS = Path(__file__).resolve().parents[1] / "config" / "models" / "signatures.json"


class Extensible(click.Group):
    """Its own commands, and those that other buildings offer as ``lane.vision.commands``, loaded when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*self.commands, *(point.name for point in entry_points(group="lane.vision.commands"))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command behind a name (None: no such command)."""
        own = self.commands.get(cmd_name)
        points = entry_points(group="lane.vision.commands", name=cmd_name)
        if own is not None or not points:
            return own
        command = next(iter(points)).load()
        assert isinstance(command, click.Command), cmd_name
        return command


@click.group(cls=Extensible, context_settings={"help_option_names": ["-h", "--help"]})
def vision() -> None:
    """Judge stored X-ray pictures against declared goods."""


@vision.command()
@click.argument("image", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--declaration",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="JSON: lines [{line_no, sku, name, count_lo, count_hi, unit_mg}], scale_mg, gross_mg.",
)
@click.option(
    "--overlay", "overlay_path", type=click.Path(path_type=Path, dir_okay=False), help="Write outlines as JSON."
)
@click.option("--preview", type=click.Path(path_type=Path, dir_okay=False), help="Write a pseudo-colour PNG.")
@click.option(
    "--signatures",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=MODELS,
    help="Signature file; basis.npz lies beside it.",
)
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the result as JSON.")
def count(
    image: Path, declaration: Path, overlay_path: Path | None, preview: Path | None, signatures: Path,
    json_path: Path | None,
) -> None:  # fmt: skip
    """Count IMAGE (a stored picture file) against a declaration and print what was seen, line by line."""
    # numpy and scikit-image are loaded only by the command that needs them, so that --help answers at once.
    from vision.pipeline import Pipeline
    from vision.preview import preview_png
    from vision.service import answer

    data = image.read_bytes()
    try:
        request: Any = json.loads(declaration.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{declaration}: expected JSON, {error}") from error
    if not isinstance(request, dict):
        raise click.ClickException(f"{declaration}: expected a JSON object with the key lines")
    try:
        pipeline = Pipeline.load(signatures)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    request |= {"image": str(image), "sha256": hashlib.sha256(data).hexdigest()}
    result = answer(pipeline, json.dumps(request))
    if not result["ok"]:
        raise click.ClickException(result["reason"])
    for entry in result["overlay"]["lines"]:
        click.echo(f"line {entry['line_no']}: {entry['words']} ({entry['p_ppm'] / 10_000:.2f} %)")
    for words in result["overlay"]["words"]:
        click.echo(words)
    for path, value in ((overlay_path, result["overlay"]), (json_path, result["count"])):
        if path:
            path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if preview:
        preview.write_bytes(preview_png(data))
    if result["count"]["acquisition"] != "SUCCESSFUL":
        sys.exit(1)
