"""The drivers fulfil the roles' protocols (mypy proves it on this file), and carry all their methods at run time."""

from devices import ports
from devices.drivers.barcode_reader import BarcodeReader
from devices.drivers.belt_drive import BeltDrive
from devices.drivers.divert_gate import DivertGate
from devices.drivers.lane_io import LaneIo
from devices.drivers.safety_status import SafetyStatus
from devices.drivers.scale import Scale
from devices.drivers.watchdog_proof import WatchdogProof
from devices.drivers.xray import XraySource


def drive(device: BeltDrive) -> ports.BeltDrivePort:
    return device


def remote_io(device: LaneIo) -> ports.RemoteIoPort:
    return device


def gate(device: DivertGate) -> ports.DivertGatePort:
    return device


def proof(device: WatchdogProof) -> ports.WatchdogProofPort:
    return device


def source(device: XraySource) -> ports.XraySourcePort:
    return device


def safety(device: SafetyStatus) -> ports.SafetyStatusPort:
    return device


def framed(device: BarcodeReader | Scale) -> ports.FramedDevicePort:
    return device


def test_every_driver_has_the_methods_of_its_role() -> None:
    pairs: list[tuple[type, type]] = [
        (BeltDrive, ports.BeltDrivePort),
        (LaneIo, ports.RemoteIoPort),
        (DivertGate, ports.DivertGatePort),
        (WatchdogProof, ports.WatchdogProofPort),
        (XraySource, ports.XraySourcePort),
        (SafetyStatus, ports.SafetyStatusPort),
        (BarcodeReader, ports.FramedDevicePort),
        (Scale, ports.FramedDevicePort),
    ]
    for driver, port in pairs:
        wanted = {name for name in vars(port) if not name.startswith("_")}
        assert wanted, port
        assert wanted <= set(dir(driver)), (driver, wanted)
