"""Whole pipelines, callable from Python."""
