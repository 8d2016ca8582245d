"""Inference: from a bundle and a scan to a reconstruction and its metrics."""
