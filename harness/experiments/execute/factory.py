"""The executors by name, opened for the time of their use."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator

from harness.errors import ConfigError
from harness.experiments.execute.unit import Executor
from harness.frozen import dataclass

LOCAL, PROCESS, DASK = "local", "process", "dask"
NAMES = (LOCAL, PROCESS, DASK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which executor, and how much at a time; ``scheduler`` is the address of a cluster."""

    name: str = LOCAL
    jobs: int = 1
    scheduler: str = ""


@contextlib.contextmanager
def open_executor(choice: Choice) -> Iterator[Executor]:
    """Open an executor and let go of it at the end.

    Raises:
        ConfigError: The choice contradicts itself, or needs an extra that is not installed.
        EvidenceMissingError: No scheduler answers at the address.
    """
    check(choice)
    executor = _make_executor(choice)
    try:
        yield executor
    finally:
        executor.close()


def check(choice: Choice) -> None:
    """Refuse a choice that cannot be carried out.

    Raises:
        ConfigError: See ``opened``.
    """
    if choice.scheduler and choice.name != DASK:
        raise ConfigError(
            "--scheduler",
            found=f"executor {choice.name}",
            expected=f"executor {DASK}, the only one with a scheduler",
            remedy=f"Add --executor {DASK}, or leave --scheduler out.",
        )
    if choice.name == DASK and importlib.util.find_spec("distributed") is None:
        raise ConfigError(
            f"--executor {DASK}",
            found="no package distributed",
            expected="the extra 'dask'",
            remedy="Install it: pip install 'ptycho-harness[dask]'.",
        )


def _make_executor(choice: Choice) -> Executor:
    # Each imports what only it needs: threads, subprocess, Dask.
    if choice.name == DASK:
        from harness.experiments.execute.cluster import Cluster  # noqa: PLC0415 - an extra

        return Cluster(choice.jobs, choice.scheduler)
    if choice.name == PROCESS:
        from harness.experiments.execute.processes import Processes  # noqa: PLC0415 - see above

        return Processes(choice.jobs)
    from harness.experiments.execute.inline import InlineExecutor  # noqa: PLC0415 - see above

    return InlineExecutor(choice.jobs)
