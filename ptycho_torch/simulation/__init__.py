"""Simulated scans with a known object."""
