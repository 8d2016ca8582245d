"""Raw artifacts and guard declarations in; out, whether the recorded verdicts are theirs.

Source: design of the harness, section 4 (guards re-evaluated from the raw artifacts, against
the recorded golden and today's).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from harness.config.project import GuardSpec
from harness.errors import ConfigError, StorageError
from harness.judgement import quarantine
from harness.judgement.guards import registry
from harness.judgement.guards.base import Evidence, Golden
from harness.judgement.verify import report
from harness.judgement.verify.report import Outcome, Row
from harness.records import GuardResult, HubRecord
from harness.verdict import Verdict

CHECK = "guards"
TODAY = "guards today"
_ORDER = (Verdict.GREEN, Verdict.INCONCLUSIVE, Verdict.RED)
_RERUN = "Run the suite again; if the harness was updated, with the release that judged it."


def check(
    specs: Sequence[GuardSpec],
    evidence: Evidence,
    golden: Golden | None,
    record: HubRecord,
    absent: frozenset[str],
) -> tuple[Row, ...]:
    """Judge the recorded guards again and compare the verdicts.

    A guard that needs an external artifact of ``absent`` keeps its recorded verdict.
    """
    try:
        registry.check(specs)  # a plan that was tampered with declares what nobody can judge
        results = registry.judge(specs, evidence, golden)
    except ConfigError as error:
        return (report.of_error(CHECK, error, Outcome.INCONCLUSIVE),)
    except StorageError as error:
        return (report.of_error(CHECK, error),)
    recorded = {guard.id: guard for guard in record.guards}
    wanting = {spec.id for spec in specs if _needs(spec, absent)}
    rows = list(_disagreements(results, recorded, wanting))
    kept = [recorded[r.id] if r.id in wanting and r.id in recorded else r for r in results]
    excused = {e.id for e in quarantine.waived(record) if e.kind == "guard"}
    rows += _rows(CHECK, kept, excused)
    if wanting:
        names = report.printable(", ".join(sorted(wanting)))
        found = f"not judged again, an artifact is not here: {names}"
        rows.append(report.note_row(CHECK, found))
    return tuple(rows)


def _needs(spec: GuardSpec, absent: frozenset[str]) -> bool:
    """Say whether a declaration names an absent artifact, alone or before a colon."""
    texts = (value for value in spec.options.values() if isinstance(value, str))
    return any(text.partition(":")[0] in absent for text in texts)


def _disagreements(
    results: Iterable[GuardResult], recorded: Mapping[str, GuardResult], wanting: set[str]
) -> Iterable[Row]:
    """Name every guard whose record is better than its evidence."""
    for result in results:
        before = recorded.get(result.id)
        if before is None or result.id in wanting:
            continue
        now, then = _ORDER.index(result.verdict), _ORDER.index(before.verdict)
        found = report.printable(f"{result.id}: recorded {before.verdict}")
        if now > then:
            expected = report.printable(f"{result.verdict}, as the evidence gives")
            yield report.damage_row(CHECK, found, expected, _RERUN)
        elif now < then:
            yield report.note_row(CHECK, f"{found}, judged {result.verdict} now")


def _rows(
    check: str, results: Sequence[GuardResult], excused: Collection[str] = ()
) -> list[Row]:
    """One row for each guard that is not green, and one for all that are."""
    rows = [
        _row(check, result, counts=result.severity != "warn" and result.id not in excused)
        for result in results
        if result.verdict is not Verdict.GREEN
    ]
    green = sum(result.verdict is Verdict.GREEN for result in results)
    if not rows:
        return [report.passed_row(check, f"{green} of {len(results)} green")]
    return rows


def _row(check: str, result: GuardResult, *, counts: bool) -> Row:
    outcome = report.outcome_of(result.verdict) if counts else Outcome.NOTED
    return Row(
        check=check,
        outcome=outcome,
        found=report.printable(f"{result.id}: {result.found}"),
        expected=report.printable(result.expected),
        remedy=report.printable(result.remedy),
    )


def check_today(
    specs: Sequence[GuardSpec],
    evidence: Evidence,
    golden: Golden | None,
    absent: frozenset[str],
    *,
    counts: bool,
    excused: Collection[str] = (),
) -> tuple[tuple[Row, ...], tuple[GuardResult, ...]]:
    """Judge the evidence by what is declared now.

    Args:
        specs: Today's guards.
        evidence: The hub.
        golden: Today's golden.
        absent: External artifacts that are not here; guards that need one are left out.
        counts: Whether the rows count, or only inform (archives).
        excused: Guards in quarantine today.

    Returns:
        Rows, and the guards that count and are red.
    """
    kept = [spec for spec in specs if not _needs(spec, absent)]
    try:
        results = registry.judge(kept, evidence, golden)
    except ConfigError as error:
        return (report.of_error(TODAY, error, Outcome.INCONCLUSIVE),), ()
    except StorageError as error:
        outcome = Outcome.DAMAGED if counts else Outcome.NOTED
        return (report.of_error(TODAY, error, outcome),), ()
    rows = _rows(TODAY, results, excused)
    if not counts:
        rows = [report.note_row(TODAY, row.found, row.remedy) for row in rows]
    red = tuple(
        result
        for result in results
        if result.verdict is Verdict.RED
        and result.severity != "warn"
        and result.id not in excused
    )
    return tuple(rows), red if counts else ()
