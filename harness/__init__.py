"""Regression suites, guards and an evidence ledger around any model package."""

__version__ = "0.1.0"
