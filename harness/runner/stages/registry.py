"""The kinds of stages, by name.

Other packages add a kind through the entry-point group ``harness.stages``: the entry's name is
the kind, its value a class as ``stages.base.StageKind`` describes. Entry points are looked up
only for a kind that is not built in.
"""

from __future__ import annotations

from harness.config.project import StageSpec
from harness.errors import ConfigError
from harness.runner.stages.base import StageKind
from harness.runner.stages.command import CommandStage

GROUP = "harness.stages"


def kind_of(spec: StageSpec) -> StageKind:
    """Return the kind that runs a stage; pytest's is imported when it is asked for.

    Raises:
        ConfigError: No installed package adds this kind, or its class cannot be loaded.
    """
    if spec.kind == "pytest":
        # Its XML reader is not needed where only commands run.
        from harness.runner.stages.pytest_run import PytestStage  # noqa: PLC0415

        return PytestStage()
    return CommandStage() if spec.kind == CommandStage.kind else _load_installed(spec)


def _load_installed(spec: StageSpec) -> StageKind:
    from importlib import metadata  # noqa: PLC0415 (20 ms that only foreign kinds need)

    for entry in metadata.entry_points(group=GROUP, name=spec.kind):
        try:
            made: StageKind = entry.load()()
        except (ImportError, AttributeError, TypeError) as error:
            raise _kind_error(spec, str(error), f"a stage class at {entry.value}") from error
        return made
    raise _kind_error(spec, f"kind {spec.kind!r}", f"an installed kind of {GROUP}")


def _kind_error(spec: StageSpec, found: str, expected: str) -> ConfigError:
    remedy = "Correct harness.toml, or install the package that adds the kind."
    return ConfigError(f"stage {spec.id}.kind", found=found, expected=expected, remedy=remedy)
