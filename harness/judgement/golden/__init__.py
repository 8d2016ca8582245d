"""Reference statistics of metrics: stored as text, with provenance."""
