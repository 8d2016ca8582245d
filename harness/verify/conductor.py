"""The road of a verification, walked backwards from the files of a hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.config import Project
from harness.errors import IntegrityError
from harness.verify import contents, report, sealing, structure
from harness.verify.report import VerifyReport


def verify(
    project: Project | None,
    hub: Path,
    *,
    allow_stale: bool = False,
    fraction: float = 1.0,
    done: Callable[[int], None] | None = None,
) -> VerifyReport:
    """Prove a hub again.

    Args:
        project: What today's guards and freshness are taken from; nothing to leave them out.
        hub: The folder ``hubs/<suite>/<run id>``.
        allow_stale: Judge the hub at its own commit only, as for an archive.
        fraction: Part of the payload files whose bytes are read.
        done: Called with the size [bytes] of each file that was read.

    Raises:
        NotAProjectError: The folder is no hub.
    """
    folder = hub.absolute()
    try:
        structure.require_hub(folder)
    except IntegrityError as error:
        return _report(folder, [report.of_error(structure.CHECK, error)])
    record, rows = structure.check(folder)
    all_rows = [*rows, *contents.check(folder, fraction=fraction, done=done)]
    if record is not None:
        all_rows += contents.check_listed(folder, record)
    all_rows += sealing.check(folder, record)
    del project, allow_stale
    return _report(folder, all_rows)


def _report(folder: Path, rows: list[report.Row]) -> VerifyReport:
    return VerifyReport(
        hub=folder, suite=folder.parent.name, run_id=folder.name, rows=tuple(rows)
    )
