"""``lane devices``: what an integrator does with profiles and ports."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from serial.tools import list_ports

from devices.profile import Profile, ProfileError, load_profile

SHIPPED = Path(__file__).resolve().parents[1] / "config" / "devices"


@click.group()
def devices() -> None:
    """Field devices: profiles, ports, commissioning.

    A profile is one TOML file that describes one device model: its registers with manual and page, its quirks on the
    wire, what it does when we are silent.
    """


@devices.command("list")
@click.option(
    "--profiles",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=SHIPPED,
    show_default="the shipped profiles",
    help="Folder with profiles (*.toml).",
)
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the list there too.")
def list_command(profiles: Path, json_path: Path | None) -> None:
    """Show the profiles at hand and the serial ports of this machine."""
    rows, failed = [], False
    for path in sorted(profiles.glob("*.toml")):
        try:
            rows.append(_row(load_profile(path)))
        except ProfileError as error:
            failed = True
            click.echo(str(error), err=True)
    ports = [
        {"port": port.device, "description": port.description, "hardware_id": port.hwid}
        for port in sorted(list_ports.comports(), key=lambda port: port.device)
    ]
    console = Console()
    table = Table(title="Profiles")
    for heading in ("profile", "role", "over", "level", "registers", "manual"):
        table.add_column(heading, no_wrap=heading in ("profile", "role"))
    for row in rows:
        table.add_row(
            row["id"], row["role"], ", ".join(row["transport"]), row["verified"], str(row["registers"]), row["manual"]
        )
    console.print(table)
    for port in ports:
        console.print(f"serial port {port['port']}: {port['description']}")
    if not ports:
        console.print("no serial ports on this machine")
    if json_path is not None:
        json_path.write_text(json.dumps({"profiles": rows, "ports": ports}, indent=2) + "\n", encoding="utf-8")
    if failed:
        raise click.exceptions.Exit(1)


@devices.command()
@click.argument("profile", nargs=-1, required=True)
def lint(profile: tuple[str, ...]) -> None:
    """Check PROFILE... (files, or names of shipped profiles) without touching a device.

    Every problem is printed as file:line: key: what was expected. Exit code 1 when there is any.
    """
    bad = 0
    for name in profile:
        path = Path(name) if name.endswith(".toml") or Path(name).exists() else SHIPPED / f"{name}.toml"
        try:
            checked = load_profile(path)
        except ProfileError as error:
            bad += len(error.problems)
            click.echo(str(error), err=True)
        else:
            drafts = sum(register.is_draft for register in checked.registers.values())
            click.echo(
                f"{path}: ok, {len(checked.registers)} registers, {drafts} drafts, {len(checked.blocks())} block reads"
            )
    if bad:
        click.echo(f"{bad} problem{'s' if bad > 1 else ''}", err=True)
        raise click.exceptions.Exit(1)


def _row(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id,
        "role": str(profile.role),
        "transport": list(profile.transports),
        "verified": profile.verified,
        "registers": len(profile.registers),
        "manual": profile.manual,
        "file": str(profile.path),
    }
