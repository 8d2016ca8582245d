"""Leaves in, tree roots and proofs out: the Merkle tree of the ledger.

A leaf is hashed with the prefix 0x00 and a node with 0x01, so that neither can pass for the
other. Trees of any size; the left subtree holds the largest power of two below the size.

Our own rather than pymerkle's: a hundred lines that an auditor reads beside the standard, and
without them no old ledger could be proved where only the standard library is installed.

Source: RFC 6962, sections 2.1 to 2.1.2; the checks of proofs follow RFC 9162, sections 2.1.3.2
and 2.1.4.2, which state them as algorithms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

_LEAF, _NODE = b"\x00", b"\x01"
SIZE = 32


class ProofError(ValueError):
    """A proof that does not prove what it should."""


def leaf_hash(content: bytes) -> bytes:
    """Hash one entry."""
    return hashlib.sha256(_LEAF + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbouring subtrees."""
    return hashlib.sha256(_NODE + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; that of the empty tree is the hash of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    row = list(leaves)
    while len(row) > 1:
        last = [row.pop()] if len(row) % 2 else []
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)] + last
    return row[0]


class Growing:
    """A tree that leaf hashes are added to one by one, kept as its complete subtrees."""

    def __init__(self) -> None:
        """Begin with the empty tree."""
        self.size = 0
        self._subtrees: list[bytes] = []  # one for each bit set in the size, largest first

    def add(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        size, node = self.size, leaf
        while size & 1:
            node = node_hash(self._subtrees.pop(), node)
            size >>= 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of what was added so far."""
        if not self._subtrees:
            return root([])
        *rest, node = self._subtrees
        for subtree in reversed(rest):
            node = node_hash(subtree, node)
        return node


def split_point(size: int) -> int:
    """Largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of one leaf, nearest sibling first.

    Raises:
        ProofError: The tree has no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ProofError(f"index {index} in a tree of {len(leaves)}")
    path, low, high = [], 0, len(leaves)
    while high - low > 1:
        middle = low + split_point(high - low)
        if index < middle:
            path.append(root(leaves[middle:high]))
            high = middle
        else:
            path.append(root(leaves[low:middle]))
            low = middle
    return path[::-1]


def consistency_proof(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """Return the proof that the tree of the first ``old`` leaves is a prefix of this one.

    Raises:
        ProofError: ``old`` is zero or beyond the tree.
    """
    if not 0 < old <= len(leaves):
        raise ProofError(f"old size {old} in a tree of {len(leaves)}")
    if old == len(leaves):
        return []
    path, low, high, is_whole = [], 0, len(leaves), True
    while old != high:
        middle = low + split_point(high - low)
        if old <= middle:
            path.append(root(leaves[middle:high]))
            high = middle
        else:
            path.append(root(leaves[low:middle]))
            low, is_whole = middle, False
    if not is_whole:
        path.append(root(leaves[low:high]))
    return path[::-1]


def check_inclusion(
    leaf: bytes, index: int, size: int, proof: Iterable[bytes], expected: bytes
) -> None:
    """Prove that a leaf hash stands at ``index`` of the tree of ``size`` leaves.

    Raises:
        ProofError: The proof does not lead to ``expected``.
    """
    if not 0 <= index < size:
        raise ProofError(f"index {index} in a tree of {size}")
    node, last, computed = index, size - 1, _check_hashes([leaf])[0]
    for sibling in _check_hashes(proof):
        if last == 0:
            raise ProofError("more hashes than the path has")
        if node % 2 or node == last:
            computed = node_hash(sibling, computed)
            while not node % 2 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("fewer hashes than the path has")
    if computed != expected:
        raise ProofError("another root")


def check_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Prove that the tree of ``old`` leaves is a prefix of the tree of ``new`` leaves.

    Raises:
        ProofError: The proof does not lead to both roots.
    """
    if not 0 < old <= new:  # of nothing, everything is a continuation: no proof says so
        raise ProofError(f"old size {old} and new size {new}")
    if old == new:
        _check_same(proof, old_root, new_root)
        return
    path = _check_hashes(proof)
    if not path:
        raise ProofError("an empty proof")
    if not old & (old - 1):
        path.insert(0, old_root)
    if _climb(old - 1, new - 1, path) != (old_root, new_root):
        raise ProofError("another root")


def _check_same(proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    if proof:
        raise ProofError("hashes where none are needed")
    if old_root != new_root:
        raise ProofError("two roots of one size")


def _climb(node: int, last: int, path: list[bytes]) -> tuple[bytes, bytes]:
    """Rebuild the old and the new root from a consistency path."""
    while node % 2:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("more hashes than the path has")
        if node % 2 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node % 2 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("fewer hashes than the path has")
    return old, new


def _check_hashes(proof: Iterable[bytes]) -> list[bytes]:
    path = list(proof)
    if any(len(step) != SIZE for step in path):
        raise ProofError("a hash of another length")
    return path
