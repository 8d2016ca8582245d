"""The declaration of a project, read and held against the kinds of guard that there are."""

from __future__ import annotations

from pathlib import Path

from harness.config import config_file
from harness.config.project import Project
from harness.judgement.guards import registry


def load_project(root: Path) -> Project:
    """Read and check ``harness.toml`` in ``root``, guards included.

    Raises:
        NotAProjectError: There is no ``harness.toml`` in ``root``.
        ConfigError: It cannot be used as written; the message names the key path.
    """
    return config_file.load(root, registry.check)


def read_declaration(root: Path, content: bytes) -> Project:
    """Read and check what is to become the ``harness.toml`` of ``root``.

    Raises:
        ConfigError: As ``load_project``.
    """
    return config_file.read_content(root, content, registry.check)
