"""The ``[devices.*]`` tables of a lane file: addresses, and profiles that fit their role, their wire and the lane.

What two devices may share: one RTU line (or one TCP gateway) with different units, and nothing else.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from devices.address import AddressError, PortAddress, parse_address
from devices.profile import MODBUS_ROLES, ROLE_OF_NAME, Profile, ProfileError, load_profile
from lane.model.words import LaneKind, Mode
from lane.settings.reader import Table
from lane.settings.station import ROLES, DeviceEntry

_ADDRESS = {
    "io": r"(tcp|rtu|rtutcp)://",
    "drive": r"(rtu|tcp|rtutcp)://",
    "cabinet": r"(tcp|rtu|rtutcp)://",
    "source": r"(tcp|rtu|rtutcp)://",
    "reader": r"serial://",
    "second_reader": r"serial://",
    "scale": r"serial://",
    "detector": r"tcp://",
}
_TCP = re.compile(r"tcp://(\[[0-9A-Fa-f:]+\]|[^:/\s]+):([0-9]{1,5})(\?unit=[0-9]+)?")


class DeviceReader:
    """Reads all devices of one lane file; problems go to the file, ``warnings`` to the person who checks it."""

    def __init__(self, base: Path, kind: LaneKind, mode: Mode, *, for_run: bool) -> None:
        self._base = base
        self._productive = kind is LaneKind.LIVE and mode is Mode.PRODUCTION
        self._for_run = for_run
        self._profiles: dict[Path, Profile | None] = {}
        self._users: dict[str, list[tuple[str, PortAddress, Profile]]] = {}
        self.warnings: list[str] = []

    def read(self, table: Table) -> tuple[DeviceEntry, ...]:
        """One entry per role."""
        entries = tuple(self._entry(table.table(role), role) for role in ROLES)
        table.close()
        return entries

    def _entry(self, item: Table, role: str) -> DeviceEntry:
        text = item.text("address", pattern=r"(tcp|rtu|rtutcp|serial|sim)://[^\s]+", hint=_address_hint(role))
        name = item.text("profile", pattern=r"[a-z0-9\-]{1,60}", hint="a profile name in config/devices/")
        item.close()
        path = self._base / "devices" / f"{name}.toml"
        address = self._address(item, role, text)
        profile = self._profile(item, role, path) if name else None
        if profile is not None and address is not None:
            self._check_wire(item, role, address, profile)
        return DeviceEntry(role=role, address=text, profile=name, profile_path=path)

    def _address(self, item: Table, role: str, text: str) -> PortAddress | None:
        if not text:
            return None
        if text.startswith("sim://"):
            if self._for_run:
                item.complain("address", f"{text} exists in the twin only: expected {_address_hint(role)}")
            return None
        tcp = _TCP.fullmatch(text)
        if not re.match(_ADDRESS[role], text):
            item.complain("address", f"expected {_address_hint(role)}, was {text!r}")
        elif text.startswith("tcp://") and not (tcp and 0 < int(tcp.group(2)) < 65_536):
            item.complain("address", f"expected tcp://host:port, was {text!r}")
        elif role == "detector" and tcp and tcp.group(3):
            item.complain("address", f"expected tcp://host:port without a unit, was {text!r}")
        else:
            try:
                return parse_address(text)
            except AddressError as error:
                item.complain("address", str(error))
        return None

    def _profile(self, item: Table, role: str, path: Path) -> Profile | None:
        if not path.is_file():
            item.complain("profile", f"expected a file, {path} is none")
            return None
        if path not in self._profiles:
            try:
                self._profiles[path] = load_profile(path)
            except ProfileError as error:
                item.take_over(error.problems)
                self._profiles[path] = None
        profile = self._profiles[path]
        if profile is None:
            return None
        if profile.role is not ROLE_OF_NAME[role]:
            item.complain(
                "profile", f"expected a profile of role {ROLE_OF_NAME[role]}, {profile.id} is of role {profile.role}"
            )
            return None
        self._check_drafts(item, profile)
        if role == "io":
            self._check_owner(item, profile)
        return profile

    def _check_owner(self, item: Table, profile: Profile) -> None:
        """The gate opens for whoever may write the release block: with an owner that is this lane alone."""
        release = profile.registers.get("release")
        if release is not None and not release.owned:
            self.warnings.append(
                f"{item.where}.profile: {profile.id} obeys whoever writes to it: let nobody but this lane reach it "
                "on the network; what a second master opens is noticed, not refused"
            )

    def _check_drafts(self, item: Table, profile: Profile) -> None:
        """A draft is never written: a lane that carries parcels can't steer a device through one."""
        drafts = [name for name, one in profile.registers.items() if one.is_draft and one.write_function]
        if not drafts:
            return
        text = f'{profile.id} can write {", ".join(drafts)}, but the source is "unverified"'
        if self._productive:
            item.complain("profile", f"{text}: on a live lane in PRODUCTION expected manual and page in src")
        else:
            self.warnings.append(f"{item.where}.profile: {text}: it is read, never written")

    def _check_wire(self, item: Table, role: str, address: PortAddress, profile: Profile) -> None:
        if address.scheme not in profile.transports:
            item.complain(
                "address",
                f"profile {profile.id} expected {_either(profile.transports)}, was {address.scheme}://",
            )
        port = f"{address.host.lower()}:{address.port}" if address.host else os.path.realpath(address.path)
        for other, other_address, other_profile in self._users.setdefault(port, []):
            problem = _clash(address, profile, other_address, other_profile)
            if problem:
                item.complain("address", f"{port} is the port of devices.{other}: expected {problem}")
                break
        self._users[port].append((role, address, profile))


def _clash(address: PortAddress, profile: Profile, other: PortAddress, other_profile: Profile) -> str:
    """What two devices on one port would need ("": they may share it)."""
    if profile.role not in MODBUS_ROLES or other_profile.role not in MODBUS_ROLES:
        return "a port of its own"
    if address.scheme != other.scheme:
        return f"{other.scheme}:// for both, was {address.scheme}://"
    if (address.baud, address.parity) != (other.baud, other.parity) and address.path:
        return f"baud={other.baud}&parity={other.parity} for both, was baud={address.baud}&parity={address.parity}"
    unit = address.unit or profile.link.unit
    if unit == (other.unit or other_profile.link.unit):
        return f"another unit than {unit} (?unit=)"
    return ""


def _either(schemes: Iterable[str]) -> str:
    return " or ".join(f"{scheme}://" for scheme in schemes)


def _address_hint(role: str) -> str:
    return {"tcp": "tcp://host:port", "rtu": "rtu:///dev/...?baud=", "serial": "serial:///dev/...?baud="}[
        re.findall("tcp|rtu|serial", _ADDRESS[role])[0]
    ]
