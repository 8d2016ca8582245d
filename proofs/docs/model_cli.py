"""The help of every program of the model package."""

from __future__ import annotations

import argparse
import importlib
import os
from unittest import mock

from proofs.docs import regions

PROGRAMS = {
    "simulate": "Make a scan of a known object.",
    "train": "Fit a network to one scan; write a bundle.",
    "inference": "Reconstruct a scan with a bundle.",
    "parity": "Compare training and inference on the same groups.",
    "compare_backends": "Hold PyTorch and TensorFlow against the oracle, and each other.",
    "evaluate": "Judge a stored reconstruction against a reference.",
    "convert": "Go between file formats.",
    "inspect": "See what is understood of a file.",
    "datasets": "Fetch published measurements.",
    "recount": "Count what files say without this package's readers.",
}
# It must share nothing with the others, the reading of flags included.
ALONE = "recount"
WIDTH = "94"


def parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of a program."""
    home = "ptycho_torch" if name == ALONE else "ptycho_torch.cli"
    module = importlib.import_module(f"{home}.{name}")
    made: argparse.ArgumentParser = module.make_parser()
    return made


def overview() -> str:
    """Write the table of programs."""
    rows = [
        (f"[`python -m ptycho_torch.{name}`](#{name})", text) for name, text in PROGRAMS.items()
    ]
    return regions.table(("program", "what it does"), rows)


def helps() -> str:
    """Write a section per program with what ``--help`` prints."""
    parts = []
    for name in PROGRAMS:
        # A changed width of the terminal changes where the help breaks its lines.
        with mock.patch.dict(os.environ, {"COLUMNS": WIDTH, "NO_COLOR": "1"}):
            text = "\n".join(row.rstrip() for row in parser(name).format_help().splitlines())
        command = f"python -m ptycho_torch.{name} --help"
        parts.append(f"## {name}\n\n```console\n$ {command}\n{text}\n```\n")
    return "\n".join(parts)
