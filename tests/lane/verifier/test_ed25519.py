"""Signatures: known answers of RFC 8032, section 7.1, and agreement with the `cryptography` package."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.seal import SigningKey
from lane.verifier.ed25519 import ORDER, PublicKey

KNOWN = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), KNOWN)
def test_known_answers_verify_and_their_alterations_do_not(public: str, message: str, signature: str) -> None:
    key, text, proof = PublicKey(bytes.fromhex(public)), bytes.fromhex(message), bytes.fromhex(signature)
    assert key.verifies(text, proof)
    assert not key.verifies(text + b"x", proof)
    for at in range(64):
        assert not key.verifies(text, proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :])
    high = (int.from_bytes(proof[32:], "little") + ORDER).to_bytes(33, "little")[:32]
    assert not key.verifies(text, proof[:32] + high)
    assert not key.verifies(text, proof[:63])


SIGNER = SigningKey.of_twin(11)
KEY = PublicKey(SIGNER.public_key)


@given(st.binary(max_size=80))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_it_agrees_with_another_implementation(message: bytes) -> None:
    assert KEY.verifies(message, SIGNER.sign(message))
    assert not KEY.verifies(message, SIGNER.sign(message + b"\x00"))


@pytest.mark.parametrize("data", [b"", b"\xff" * 32, (2).to_bytes(32, "little"), bytes(range(31))])
def test_bytes_that_are_no_point_are_no_key(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a point"):
        PublicKey(data)
