"""Training: from a scan to a bundle and its records."""
