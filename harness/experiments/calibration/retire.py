"""Goldens that newer ones have replaced: taken out of ``golden/``, and told in the ledger.

A machine of another numeric class adds goldens beside those of the first, so that old ones stay
when the model or the suite has changed, and still judge whoever has no newer. A file that is
merely deleted is damage: the ledger knows what stood in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.config import config_file
from harness.config.project import Project
from harness.errors import EvidenceMissingError
from harness.evidence.hub import layout
from harness.evidence.ledger.log import Ledger
from harness.experiments.calibration.runs import require_decision
from harness.judgement.golden import store
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.store import GoldenSet, GoldenValue

Reference = GoldenValue | GoldenCurve
_WHERE = "golden retire"


def retire(
    project: Project, suite_name: str, before: str, reason: str, environ: Mapping[str, str]
) -> tuple[Reference, ...]:
    """Take out what was calibrated before a day and has a newer golden in its place.

    The ledger is written first: what a crash leaves undone, the same call does again.

    Args:
        project: The project.
        suite_name: Suite whose goldens they are.
        before: Day, ``2026-01-31``; goldens of this day stay.
        reason: Why; goes into the ledger.
        environ: Environment of the process.

    Returns:
        What was taken out.

    Raises:
        ConfigError: ``CI`` is set, no reason is given, or another suite's goldens judge it.
        EvidenceMissingError: Nothing is older, or something older has no newer in its place.
        IntegrityError: The goldens are damaged.
        StorageError: The disk refused.
    """
    suite = config_file.find_suite(project, suite_name)
    require_decision(suite, _WHERE, "Retire", reason, environ)
    folder = project.golden / suite.name
    golden = store.load(folder)
    old = tuple(one for one in golden.references if one.date < before)
    rest = _leave(golden, old)
    _require_successors(old, rest.references, before)
    project.hubs.mkdir(parents=True, exist_ok=True)
    body = {
        "golden_sha256": rest.digest,
        "previous_sha256": golden.digest,
        "reason": reason.strip(),
        "retired": len(old),
        "values": len(rest.references),
    }
    Ledger(project.hubs / layout.LEDGER).append(store.LOGGED, suite.name, body)
    written = {path.name for path in store.save(folder, rest)}
    for name in {store.file_name(one) for one in old} - written:
        (folder / name).unlink(missing_ok=True)
    return old


def _leave(golden: GoldenSet, old: Sequence[Reference]) -> GoldenSet:
    identities = {store.identity(one) for one in old}
    return GoldenSet(
        values=tuple(v for v in golden.values if store.identity(v) not in identities),
        curves=tuple(c for c in golden.curves if store.identity(c) not in identities),
        fingerprints=golden.fingerprints,
    )


def _require_successors(
    old: Sequence[Reference], rest: Sequence[Reference], before: str
) -> None:
    """Refuse to leave a metric without a golden of its data and kind of machine.

    Raises:
        EvidenceMissingError: Nothing is old, or one of them is the last.
    """
    if not old:
        raise EvidenceMissingError(
            _WHERE,
            found=f"no golden of before {before}",
            expected="one that is older",
            remedy="List them with their days: harness golden show.",
        )
    places = {_place_of(one) for one in rest}
    if last := [one for one in old if _place_of(one) not in places]:
        raise EvidenceMissingError(
            _WHERE,
            found=f"{last[0].metric} has no newer golden of these data and kind of machine",
            expected="a newer one in the place of each",
            remedy="Calibrate first: harness golden calibrate, then harness golden update.",
        )


def _place_of(one: Reference) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    device = one.environment.get("device", "")
    return one.metric, device, tuple(sorted(one.datasets.items()))
