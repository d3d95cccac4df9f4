"""Entry point of ``lane``: finds its subcommands lazily, in this building and by entry point in the others."""

import errno
import importlib
from importlib.metadata import entry_points
from typing import Any

import click

OWN = {
    "run": "lane.cli.run:run",
    "check": "lane.cli.run:check",
    "declarations": "lane.cli.declarations:declarations",
    "verify": "lane.cli.proof:verify",
    "replay": "lane.cli.proof:replay",
    "bench": "lane.cli.people:bench",
    "draw": "lane.cli.draw:draw",
    "users": "lane.cli.people:users",
    "release": "lane.cli.messages:release",
    "custody": "lane.cli.messages:custody",
    "console": "lane.cli.console:console",
}
"""Commands of this building; the others come from the entry points ``lane.commands``."""


_DISK_SAYS_NO = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What a full, limited or failing disk answers."""


class LazyGroup(click.Group):
    """Imports a subcommand's module only when it is used, so that ``lane --help`` answers at once."""

    def _targets(self) -> dict[str, str]:
        others = {point.name: point.value for point in entry_points(group="lane.commands")}
        return {**others, **OWN}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted(self._targets())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command behind a name (None: no such command)."""
        target = self._targets().get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), target
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a file that can't be read or written ends it with the file's name and the reason."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno in _DISK_SAYS_NO:
                where = error.filename or "the file being written"
                raise click.ClickException(f"{where}: {error.strerror}; it is not complete") from error
            if error.filename is None:
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="xray-lane", prog_name="lane")
def main() -> None:
    """X-ray inspection lane: controller, digital twin and tools.

    \b
    First steps
      lane demo                              a whole lane on simulated devices, 60 parcels
      lane declarations import FILES...      read declared lists (CEB621, CSV, JSON Lines)
      lane check CONFIG; lane run CONFIG     validate, then run a real lane
      lane verify RUN                        prove a finished run
      lane sim run SCENARIO                  the same controller in virtual time
    """
