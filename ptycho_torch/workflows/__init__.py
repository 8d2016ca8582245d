"""Whole roads, callable from Python."""
