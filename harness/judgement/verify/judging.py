"""Raw artifacts and guard declarations in; out, whether the recorded verdicts are theirs.

Source: design of the harness, section 4 (guards re-evaluated from the raw artifacts, against
the recorded golden and today's).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from harness.config.project import GuardSpec, SuiteSpec
from harness.errors import ConfigError, StorageError
from harness.judgement import causes, quarantine
from harness.judgement.causes import RunResults
from harness.judgement.guards import answers, defaults, reads, registry
from harness.judgement.guards.base import Evidence, Golden
from harness.judgement.guards.readers import catalogue
from harness.judgement.roads import roads_of
from harness.judgement.verify import report
from harness.judgement.verify.report import Outcome, Row
from harness.records import CauseRecord, GuardResult, HubRecord
from harness.verdict import Verdict

CHECK = "guards"
TODAY = "guards today"
_ORDER = (Verdict.GREEN, Verdict.INCONCLUSIVE, Verdict.RED)
_RERUN = "Run the suite again; if the harness was updated, with the release that judged it."


def check(
    suite: SuiteSpec,
    evidence: Evidence,
    golden: Golden | None,
    record: HubRecord,
    absent: frozenset[str],
) -> tuple[Row, ...]:
    """Judge the recorded guards again and compare the verdicts.

    A guard that needs an external artifact of ``absent`` keeps its recorded verdict.
    """
    specs = suite.guards
    absent |= catalogue.list_unreadable(evidence.artifacts)
    try:
        registry.check(specs)  # a plan that was tampered with declares what nobody can judge
        results = registry.judge(specs, evidence, golden, reads.list_makers(suite))
    except ConfigError as error:
        return (report.of_error(CHECK, error, Outcome.INCONCLUSIVE),)
    except StorageError as error:
        return (report.of_error(CHECK, error),)
    recorded = {guard.id: guard for guard in record.guards}
    wanting = {spec.id for spec in specs if _needs(spec, absent)}
    wanting |= {id_ for id_ in recorded if id_.removeprefix(defaults.PREFIX) in absent}
    rows = [*_disagreements(results, recorded, wanting), *_check_answer(results, record)]
    merged = [recorded[r.id] if r.id in wanting and r.id in recorded else r for r in results]
    waived = {(e.kind, e.id) for e in quarantine.waived(record)}
    run_results = RunResults(stages=record.stages, guards=tuple(merged), waived=waived)
    rows += _rows(CHECK, run_results, suite)
    if wanting:
        names = report.printable(", ".join(sorted(wanting)))
        message = f"not judged again, an artifact or what reads it is not here: {names}"
        rows.append(report.note_row(CHECK, message))
    return tuple(rows)


def _needs(spec: GuardSpec, absent: frozenset[str]) -> bool:
    """Say whether a declaration names an absent artifact, alone or before a colon."""
    return any(text.partition(":")[0] in absent for text in reads.list_words(spec))


def _check_answer(results: Sequence[GuardResult], record: HubRecord) -> Iterable[Row]:
    """Name a class of answer that is better than the numbers give."""
    answer = answers.find_answer(results)
    if answer is not None and record.answer and answer != record.answer:
        message = report.printable(f"answer: recorded {record.answer}")
        yield report.damage_row(CHECK, message, f"{answer}, as the evidence gives", _RERUN)


def _disagreements(
    results: Iterable[GuardResult], recorded: Mapping[str, GuardResult], wanting: set[str]
) -> Iterable[Row]:
    """Name every guard whose record is better than its evidence."""
    for result in results:
        before = recorded.get(result.id)
        if before is None or result.id in wanting:
            continue
        now, then = _ORDER.index(result.verdict), _ORDER.index(before.verdict)
        message = report.printable(f"{result.id}: recorded {before.verdict}")
        if now > then:
            expected = report.printable(f"{result.verdict}, as the evidence gives")
            yield report.damage_row(CHECK, message, expected, _RERUN)
        elif now < then:
            yield report.note_row(CHECK, f"{message}, judged {result.verdict} now")


def _rows(check: str, run_results: RunResults, suite: SuiteSpec) -> list[Row]:
    """One row for each cause, and each reason why guards were not judged; one for all green.

    What follows from a cause is counted in its row. A remedy is given only for a cause.
    """
    red = [g for g in run_results.guards if g.verdict is Verdict.RED]
    open_ = {g.id: g for g in run_results.guards if g.verdict is Verdict.INCONCLUSIVE}
    if not red and not open_:
        count = len(run_results.guards)
        return [report.passed_row(check, f"{count} of {count} green")]
    rows, explained = [], set[str]()
    reasons: dict[str, list[str]] = {}
    for cause in causes.find_causes(run_results, roads_of(suite)):
        rows += _of_cause(check, cause, run_results)
        explained.update(cause.guards, cause.follows)
        for id_ in cause.unjudged:
            reasons.setdefault(cause.sentence, []).append(id_)
    rows += [_note(check, guard) for guard in red if guard.id not in explained]
    known = {id_ for ids in reasons.values() for id_ in ids}
    for guard in open_.values():
        if guard.id not in known:
            reasons.setdefault(causes.describe(guard), []).append(guard.id)
    return rows + [
        _not_judged(check, reason, [open_[id_] for id_ in ids], run_results)
        for reason, ids in reasons.items()
    ]


def _of_cause(check: str, cause: CauseRecord, run_results: RunResults) -> list[Row]:
    """Write the row of a cause as far as it is about guards: a stage is no guard's row."""
    guards = {guard.id: guard for guard in run_results.guards}
    if cause.guards:
        lead, also = guards[cause.guards[0]], cause.also
        message = f"{lead.id}: {lead.found}" + _count(also)
        return [_red_row(check, message, lead.expected, cause.remedy)]
    also = tuple(name for name in cause.follows if name in guards)
    message = f"{cause.sentence}{_count(also)}"
    return [_red_row(check, message, "", "")] if also else []


def _count(also: Sequence[str]) -> str:
    return f" (and {len(also)} that follow from it)" if also else ""


def _red_row(check: str, found: str, expected: str, remedy: str) -> Row:
    return Row(
        check=check,
        outcome=Outcome.RED,
        found=report.printable(found),
        expected=report.printable(expected),
        remedy=report.printable(remedy),
    )


def _note(check: str, guard: GuardResult) -> Row:
    """Write the row of a red guard that does not count: it warns, or is in quarantine."""
    return report.note_row(
        check, report.printable(f"{guard.id}: {guard.found}"), report.printable(guard.remedy)
    )


def _not_judged(
    check: str, reason: str, guards: Sequence[GuardResult], run_results: RunResults
) -> Row:
    """Write the one row of all guards that a reason kept from being judged."""
    counts = [
        g for g in guards if g.severity == "fail" and ("guard", g.id) not in run_results.waived
    ]
    names = ", ".join(guard.id for guard in guards[:3]) + (", …" if len(guards) > 3 else "")  # noqa: PLR2004 - as many as a row can hold
    message = f"{len(guards)} not judged ({names}): {reason}"
    return Row(
        check=check,
        outcome=Outcome.INCONCLUSIVE if counts else Outcome.NOTE,
        found=report.printable(message),
    )


def check_today(
    suite: SuiteSpec,
    evidence: Evidence,
    golden: Golden | None,
    record: HubRecord,
    absent: frozenset[str],
    *,
    counts: bool,
    waived_guards: Collection[str] = (),
) -> tuple[tuple[Row, ...], tuple[GuardResult, ...]]:
    """Judge the evidence by what is declared now.

    Args:
        suite: The suite as declared today.
        evidence: The hub.
        golden: Today's golden.
        record: The record of the hub.
        absent: External artifacts that are not here; guards that need one are left out.
        counts: Whether the rows count, or only inform (archives).
        waived_guards: Guards in quarantine today.

    Returns:
        Rows, and the guards that count and are red.
    """
    absent |= catalogue.list_unreadable(evidence.artifacts)
    guards = [spec for spec in suite.guards if not _needs(spec, absent)]
    try:
        results = registry.judge(guards, evidence, golden, reads.list_makers(suite))
    except ConfigError as error:
        return (report.of_error(TODAY, error, Outcome.INCONCLUSIVE),), ()
    except StorageError as error:
        outcome = Outcome.DAMAGED if counts else Outcome.NOTE
        return (report.of_error(TODAY, error, outcome),), ()
    waived = {("guard", id_) for id_ in waived_guards}
    waived |= {(e.kind, e.id) for e in quarantine.waived(record) if e.kind != "guard"}
    run_results = RunResults(stages=record.stages, guards=results, waived=waived)
    rows = _rows(TODAY, run_results, suite)
    if not counts:
        rows = [report.note_row(TODAY, row.found, row.remedy) for row in rows]
    red = tuple(
        result
        for result in results
        if result.verdict is Verdict.RED
        and result.severity != "warn"
        and result.id not in waived_guards
    )
    return tuple(rows), red if counts else ()
