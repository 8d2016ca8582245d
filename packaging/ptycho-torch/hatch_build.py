"""Build hook: where the source of ``ptycho_torch`` is, in the repository and in an sdist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PACKAGE = "ptycho_torch"


class SourceHook(BuildHookInterface[Any]):
    """Takes the package from the repository's root, or from the unpacked sdist itself."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the source folder, where it is not in the project's own folder already."""
        here = Path(self.root)
        if version == "editable" or (here / _PACKAGE).is_dir():
            return
        source = here.parents[1] / _PACKAGE
        if not source.is_dir():
            raise FileNotFoundError(f"{_PACKAGE}/ is neither in {here} nor two folders above")
        build_data["force_include"][str(source)] = _PACKAGE
