"""The append-only log of seals: Merkle tree, entries, checkpoints."""
