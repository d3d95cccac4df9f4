"""Known answers of RFC 6962 and the properties of the compact range."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.journal.tree import (
    EMPTY_ROOT,
    CompactRange,
    inclusion_proof,
    leaf_hash,
    node_hash,
    peak_sizes,
    root_from_inclusion,
    root_of,
)

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def reference(leaves: list[bytes]) -> bytes:
    """The recursive definition of RFC 6962, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(reference(leaves[:split]), reference(leaves[split:]))


@pytest.mark.parametrize("size", sorted(ROOTS))
def test_roots_are_the_known_answers(size: int) -> None:
    assert root_of([leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size]]).hex() == ROOTS[size]


@given(st.integers(0, 70))
@settings(derandomize=True, max_examples=71, deadline=None)
def test_appending_one_by_one_gives_the_recursive_root(size: int) -> None:
    leaves = [leaf_hash(bytes([at])) for at in range(size)]
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    assert tree.root() == reference(leaves)
    assert [reference(leaves[end - count : end]) for end, count in ends(size)] == tree.peaks
    assert CompactRange(size, tree.peaks).root() == tree.root()


def ends(size: int) -> list[tuple[int, int]]:
    """(end, leaves) of each peak."""
    out, end = [], 0
    for count in peak_sizes(size):
        end += count
        out.append((end, count))
    return out


@given(st.integers(1, 40), st.data())
@settings(derandomize=True, max_examples=100, deadline=None)
def test_an_inclusion_proof_leads_to_the_root_and_to_no_other(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([at])) for at in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(leaves, index)
    assert root_from_inclusion(leaves[index], index, size, path) == root_of(leaves)
    assert root_from_inclusion(leaf_hash(b"other"), index, size, path) != root_of(leaves)
    with pytest.raises(ValueError, match="too many"):
        root_from_inclusion(leaves[index], index, size, [*path, EMPTY_ROOT])


def test_a_frontier_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="3 leaves need 2 hashes, was 1"):
        CompactRange(3, [EMPTY_ROOT])


@given(st.lists(st.binary(max_size=40), max_size=40), st.lists(st.binary(max_size=40), max_size=40))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_records_taken_in_together_give_the_tree_of_records_taken_in_one_by_one(
    first: list[bytes], second: list[bytes]
) -> None:
    one, together = CompactRange(), CompactRange()
    for body in [*first, *second]:
        one.append(leaf_hash(body))
    together.extend(first)
    together.extend(second)
    assert (together.size, together.peaks) == (one.size, one.peaks)
