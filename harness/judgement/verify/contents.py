"""A hub in, one row for every file that is not as it was sealed out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from harness.errors import IntegrityError
from harness.evidence.hub import comparison, digest, inventory, layout
from harness.judgement.verify import report
from harness.judgement.verify.report import Row
from harness.records import HubRecord

CHECK = "bytes"
_RESTORE = "Restore the file from a copy, or run the suite again."
_REMOVE = "Remove what is not listed, or restore the hub from a copy."


def check(
    hub: Path,
    record: HubRecord | None = None,
    *,
    fraction: float = 1.0,
    done: Callable[[int], None] | None = None,
) -> tuple[Row, ...]:
    """Compare every file, and what the record says of it, with the manifest."""
    try:
        listed = inventory.read_manifest(hub)
    except IntegrityError as error:
        return (report.of_error(CHECK, error),)
    rows = _compare_bytes(hub, listed, fraction, done)
    return rows if record is None else (*rows, *_check_listed(record, listed))


def check_read(hub: Path, paths: Collection[str]) -> tuple[Row, ...]:
    """Hold the files that were judged against the manifest, where only a sample was read."""
    try:
        listed = inventory.read_manifest(hub)
    except IntegrityError as error:
        return (report.of_error(CHECK, error),)
    rows = []
    for path in sorted(paths):
        try:
            sha256 = digest.sha256(digest.join_inside(hub, path), comparison.SIZE_LIMIT)
        except IntegrityError as error:
            rows.append(report.of_error(CHECK, error))
            continue
        if sha256 != listed.get(path):
            message = report.printable(f"{path}: changed, {sha256[:12]}…")
            wanted = f"{listed.get(path, 'nothing')[:12]}…"
            rows.append(report.damage_row(CHECK, message, wanted, _RESTORE))
    return tuple(rows) or (
        report.passed_row(CHECK, f"{len(set(paths))} files judged, all read"),
    )


def _compare_bytes(
    hub: Path,
    listed: Mapping[str, str],
    fraction: float,
    done: Callable[[int], None] | None,
) -> tuple[Row, ...]:
    try:
        compared = comparison.compare(hub, listed, fraction=fraction, done=done)
    except IntegrityError as error:
        return (report.of_error(CHECK, error),)
    forced = "this file system keeps no modes of files: they were not compared"
    note = (report.note_row(CHECK, forced),) if compared.has_forced_modes else ()
    if compared.damages:
        return (*(_row(damage) for damage in compared.damages), *note)
    message = f"{compared.file_count} files, {compared.size} bytes"
    if compared.read_count < compared.file_count:
        message += f"; {compared.read_count} of them read"
    return (report.passed_row(CHECK, message), *note)


def _row(damage: comparison.Damage) -> Row:
    remedy = _REMOVE if damage.expected == "nothing" else _RESTORE
    remedy = inventory.LINE_ENDS if damage.found == comparison.CRLF else remedy
    message = report.printable(f"{damage.path}: {damage.found}")
    return report.damage_row(CHECK, message, damage.expected, remedy)


def _check_listed(record: HubRecord, listed: Mapping[str, str]) -> list[Row]:
    """Require that the record and the manifest give each collected file the same digest."""
    rows = [
        report.damage_row(CHECK, f"{name}: not in the manifest", "a listed file", _RESTORE)
        for name in _required_files(record)
        if name not in listed
    ]
    rows += [
        report.damage_row(
            CHECK,
            report.printable(f"{artifact.path}: recorded as {artifact.sha256[:12]}…"),
            f"{listed[artifact.path][:12]}… as in the manifest",
            _RESTORE,
        )
        for artifact in record.artifacts
        if not artifact.external and listed.get(artifact.path, "") not in ("", artifact.sha256)
    ]
    return rows


def _required_files(record: HubRecord) -> list[str]:
    names = [layout.RECORD, layout.PLAN, layout.PLAN_TEXT, layout.GUARDS, layout.METRICS]
    names += [inventory.INVENTORY]
    names += [artifact.path for artifact in record.artifacts if not artifact.external]
    names += [stage.log for stage in record.stages if stage.log is not None]
    return [report.printable(name) for name in names]
