"""Spoilt wires: no caller ever gets a value that is not its own, the same seed tells the same story; it can fail."""

import pytest

from devices.link_client import WireClient
from devices.modbus_link import ModbusLink
from devices.requests import Failure
from sim.drivertwin.requests_campaign import by_catalogue, run_wire
from sim.drivertwin.wire_faults import FAULTS, RESIDUAL, Wire, WireFault, catalogue_id, mixture

REQUESTS = 700
WIRES = list(Wire)


@pytest.mark.parametrize("wire", WIRES)
def test_no_wrong_value_is_accepted_and_the_same_seed_gives_the_same_trace(wire: Wire) -> None:
    one, again, other = (run_wire(wire, REQUESTS, seed) for seed in (5, 5, 6))
    assert one.wrong == other.wrong == []
    assert one.trace_sha256 == again.trace_sha256 != other.trace_sha256
    assert one.requests == REQUESTS
    assert one.answered > REQUESTS * 0.4, "a link that refuses everything proves nothing"
    assert one.answered + one.gave_up + sum(one.refused.values()) == REQUESTS
    assert sum(one.injected.values()) > REQUESTS / 50


def test_all_on_injects_every_kind_that_the_wire_can_have() -> None:
    for wire in WIRES:
        rates = mixture(1, wire, 2)
        assert len(set(rates.values())) == 1
        expected = {f for f in WireFault if catalogue_id(f, wire) and (wire is Wire.TCP or f not in RESIDUAL)}
        assert set(rates) == expected
    assert set(FAULTS) == set(WireFault)


def test_faults_are_counted_by_their_catalogue_entry() -> None:
    result = run_wire(Wire.TCP, 400, 1, rates={WireFault.ZERO_TID: 100_000, WireFault.RESET: 50_000})
    counts = by_catalogue(result, Wire.TCP)
    assert set(counts) == {"F03", "F09"}
    assert result.refused[Failure.TRANSACTION_ID] == counts["F03"]


def test_reads_of_equal_shape_one_after_the_other_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModbusLink, "_shaped", lambda link, request, state: (request, 0))
    assert run_wire(Wire.RTU, 2_000, 3, rates={WireFault.PREVIOUS: 200_000}).wrong


def test_a_link_that_forgets_its_last_read_with_the_connection_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer kept by a serial server from before the reconnect has the shape of the next read."""
    rates = {WireFault.LOST: 100_000, WireFault.PREVIOUS: 200_000}
    assert run_wire(Wire.RTU_TCP, 2_000, 1, rates=rates).wrong == []
    reconnect = ModbusLink._reconnect

    async def forgetful(link: ModbusLink) -> None:
        await reconnect(link)
        link._unit_states.clear()

    monkeypatch.setattr(ModbusLink, "_reconnect", forgetful)
    assert run_wire(Wire.RTU_TCP, 2_000, 1, rates=rates).wrong


def test_transaction_ids_that_begin_anew_with_each_connection_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to the first request of the last connection would fit the first one of this connection."""
    rates = {WireFault.LOST: 300_000, WireFault.PREVIOUS: 300_000}
    result = run_wire(Wire.TCP, 2_000, 2, rates=rates)
    assert result.reconnects > 200
    assert result.wrong == []
    connect = WireClient.connect

    async def anew(client: WireClient, timeout_s: float) -> bool:
        client._tid = 0
        return await connect(client, timeout_s)

    monkeypatch.setattr(WireClient, "connect", anew)
    assert run_wire(Wire.TCP, 2_000, 2, rates=rates).wrong
