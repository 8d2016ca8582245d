"""The exit codes, from the classes that own them."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Iterator

from harness import errors as of_harness
from harness.cli import exits as door_of_harness
from harness.errors import HarnessError
from harness.verdict import Verdict
from proofs.docs import regions
from ptycho_torch import errors as of_model
from ptycho_torch.cli import exits as door_of_model
from ptycho_torch.errors import PtychoError

VERDICTS = {Verdict.GREEN: 0, Verdict.RED: 1, Verdict.INCONCLUSIVE: 3}
HARNESS = {
    0: "green; or the command did what it was asked",
    1: "red: a test or a guard failed",
    2: "usage, configuration or the disk",
    3: "inconclusive, stale or missing evidence",
    4: "integrity: evidence damaged, unlisted, replayed or unsigned",
    5: "nothing selected or collected",
    6: "internal error: a bug of the harness",
    10: "not a project or not a hub",
    11: "lock not had in time",
    128 + signal.SIGHUP: "the terminal is gone (SIGHUP)",
    door_of_harness.INTERRUPTED: "interrupted (SIGINT)",
    door_of_harness.PIPE_CLOSED: "the reader of the output has gone",
    door_of_harness.TERMINATED: "terminated (SIGTERM)",
}
MODEL = {
    0: "done",
    door_of_model.FAILED: "the run failed: a loss that is not finite, a dead network, …",
    2: "usage or bad input: a flag, a configuration or a data file",
    4: "the bundle is damaged or not trusted",
    door_of_model.INTERRUPTED: "interrupted (SIGINT)",
}


def owners(module: object, base: type) -> Iterator[tuple[int, str]]:
    """Yield code and name of each error class of a module but the base."""
    for name, cls in inspect.getmembers(module, inspect.isclass):
        if issubclass(cls, base) and cls is not base:
            yield cls.exit_code, name


def harness() -> str:
    """Write the table of the harness."""
    return _table(HARNESS, dict.fromkeys(owners(of_harness, HarnessError)))


def model() -> str:
    """Write the table of the model package."""
    return _table(MODEL, dict.fromkeys(owners(of_model, PtychoError)))


def _table(codes: dict[int, str], pairs: dict[tuple[int, str], None]) -> str:
    """Write codes, meanings and classes.

    Raises:
        KeyError: A class has a code that has no meaning here.
    """
    names: dict[int, list[str]] = {code: [] for code in codes}
    for code, name in pairs:
        names[code].append(f"`{name}`")
    rows = [
        (str(code), text, ", ".join(names[code]) or "—") for code, text in sorted(codes.items())
    ]
    return regions.table(("code", "meaning", "error classes"), rows)
