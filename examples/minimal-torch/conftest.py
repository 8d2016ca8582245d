"""Lets pytest find the package from the root of the repository."""
