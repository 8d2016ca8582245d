"""Kinds of stage and the child processes they start."""
