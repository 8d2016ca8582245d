"""Readers of artifacts: bytes of a format to plain values, bounded, nothing executed."""
