"""The way of a gate: rules of both revisions, the hub proved and judged by both, the answer.

Trust comes from the base or from outside of the repository: signers, trusted keys and leave to
waive are read from the base, a policy from a file that the change cannot reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.config.project import Project, SuiteSpec
from harness.errors import EvidenceMissingError, HarnessError, StorageError
from harness.evidence.hub import layout, plan, store
from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.evidence.ledger.log import Ledger
from harness.frozen import dataclass
from harness.judgement.gate import (
    authority,
    drill_rules,
    hub_checks,
    judging,
    moves,
    policy,
    suite_rules,
    tests_rules,
)
from harness.judgement.gate.compare import HasMetric, compare_rules
from harness.judgement.gate.difference import Change, Difference
from harness.judgement.gate.options import GateOptions
from harness.judgement.gate.report import GateReport, RuleChange
from harness.judgement.gate.rules import DRILLS, Reader, RuleSet
from harness.judgement.golden.store import GoldenSet
from harness.judgement.guards import metrics
from harness.judgement.verify import report, verify
from harness.judgement.verify.report import Outcome, Row
from harness.records import GuardResult, HubRecord
from harness.verdict import Verdict

RULES, BASE, TESTS = "rules", "base", "tests"
_REMEDY = "Take the change of the rule back, or ask for a waiver: harness waive RULE."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedHub:
    """A hub whose files were proved, its record and its evidence."""

    folder: Path
    record: HubRecord
    evidence: HubEvidence

    @property
    def name(self) -> str:
        """Its name in the ledger."""
        return f"{self.record.suite}/{self.record.run_id}"


def judge_change(
    project: Project, base: str, hubs: Sequence[Path], options: GateOptions | None = None
) -> GateReport:
    """Judge a change and its hubs by the base's rules and by its own.

    Args:
        project: The project of the work tree.
        base: Revision whose rules the change does not own.
        hubs: Folders of the hubs that the runs of this change named.
        options: What is given from outside.

    Raises:
        ConfigError: The revision, its declaration or a waiver cannot be used.
        IntegrityError: A golden is damaged.
        NotAProjectError: A folder is no hub.
    """
    gate_options = options or GateOptions()
    reader = Reader(project.root)
    rules = reader.read(base), reader.read("HEAD")
    declared = rules[0].project
    trusted = (*(() if declared is None else declared.trusted_keys), *gate_options.trust)
    proved, rows = prove_hubs(replace(project, trusted_keys=trusted), hubs)
    report_ = judge_proved(project, rules, proved, gate_options)
    return replace(report_, rows=(*rows, *report_.rows))


def judge_proved(
    project: Project,
    rules: tuple[RuleSet, RuleSet],
    proved: Sequence[ProvedHub],
    gate_options: GateOptions,
) -> GateReport:
    """Judge hubs that were proved; the rows are those of the gate alone.

    Args:
        project: The project of the work tree.
        rules: Those of the base and those of HEAD.
        proved: The hubs.
        gate_options: What is given from outside.

    Raises:
        ConfigError: A waiver or a key cannot be used.
        IntegrityError: A golden is damaged.
    """
    was, now = rules
    rows = [
        row for hub in proved for row in hub_checks.check_hub(was, now, hub.folder, hub.record)
    ]
    rows += hub_checks.check_base(project.root, was, now)
    ran = {hub.record.suite for hub in proved}
    rows += [*hub_checks.check_suites(was, ran), *hub_checks.check_other_goldens(was, now, ran)]
    rows += hub_checks.check_pin(ledger_of(project), gate_options.pin)
    differences = list(compare_rules(was, now, _make_lookup(proved)))
    differences += _compare_tests(was, now, proved, gate_options.base_tests)
    differences += _compare_data(was, now, proved)
    if gate_options.policy is not None and now.project is not None:
        names = [name.removesuffix(".patch") for name in now.names(DRILLS, ".patch")]
        differences += policy.compare_policy(gate_options.policy, now.project, names)
    statuses = authority.judge_waivers(now, authority.make_authority(was, gate_options))
    changes = [
        RuleChange(difference=d, waiver=authority.find_waiver(d, statuses)) for d in differences
    ]
    rows += authority.tell_waivers(statuses, changes)
    for hub in proved:
        rows += _judge_by_base(was, now, hub, changes)
        rows += _tell_tests(was, hub, gate_options)
    rows += drill_rules.tell_undrilled(now, [change.difference for change in changes])
    rows.append(_tell_rules(changes))
    return GateReport(
        base=was.revision,
        commit=was.commit,
        head=now.commit,
        hubs=tuple(hub.name for hub in proved),
        rows=tuple(rows),
        changes=tuple(changes),
    )


def prove_hubs(project: Project, hubs: Sequence[Path]) -> tuple[list[ProvedHub], list[Row]]:
    """Prove each hub from its files; what does not hold is a row, and no evidence.

    Raises:
        EvidenceMissingError: No hub was named.
        NotAProjectError: A folder is no hub.
    """
    if not hubs:
        raise EvidenceMissingError(
            "harness gate",
            found="no hub",
            expected="the hub that the run named",
            remedy="Run the suite with --name-hubs FILE, then gate with --hubs FILE.",
        )
    proved: list[ProvedHub] = []
    rows: list[Row] = []
    for folder in hubs:
        verified = verify(project, folder, allow_stale=True)
        hub_rows = tuple(
            replace(r, check=f"{folder.name[-6:]} {r.check}") for r in verified.rows
        )
        rows += hub_rows if len(hubs) > 1 else verified.rows
        if verified.worst is Outcome.DAMAGED:
            continue
        proved.append(open_proved(project, folder))
    return proved, rows


def open_proved(project: Project, folder: Path) -> ProvedHub:
    """Open a hub that was proved.

    Raises:
        IntegrityError: Its record is damaged.
        NotAProjectError: The folder is no hub.
    """
    record = store.read_record(folder)
    # What a change may differ by is the base's to say, never the change's own.
    facts = replace(Facts.from_record(record), expects="")
    evidence = HubEvidence(folder, facts, project=project.root)
    return ProvedHub(folder=folder, record=record, evidence=evidence)


def _make_lookup(proved: Sequence[ProvedHub]) -> HasMetric:
    """Make the answer to whether the evidence of a suite still holds a metric."""

    def has_metric(suite: str, expression: str) -> bool | None:
        hubs = [hub for hub in proved if hub.record.suite == suite]
        if not hubs:
            return None
        return any(_holds(hub.evidence, expression) for hub in hubs)

    return has_metric


def _holds(evidence: HubEvidence, expression: str) -> bool:
    try:
        return bool(metrics.find(evidence, expression))
    except EvidenceMissingError:
        return False


def _compare_tests(
    was: RuleSet,
    now: RuleSet,
    proved: Sequence[ProvedHub],
    known: Mapping[str, tests_rules.Outcomes],
) -> Iterator[Difference]:
    moved = moves.find_moves(was.blobs, now.blobs)
    for hub in proved:
        suite = hub.record.suite
        if suite in known:
            stages = [stage.id for stage in hub.record.stages if stage.kind == "pytest"]
            here = tests_rules.read_hub(hub.folder, stages)
            yield from tests_rules.compare_tests(suite, known[suite], here, moved)


def _compare_data(
    was: RuleSet, now: RuleSet, proved: Sequence[ProvedHub]
) -> Iterator[Difference]:
    """Hold the data that the runs generated against those of the base's goldens."""
    trees = suite_rules.Trees(was=was.blobs, now=now.blobs, moved={})
    differences: dict[str, Difference] = {}
    for hub in proved:
        suite = None if was.project is None else was.project.suites.get(hub.record.suite)
        if suite is not None:
            digests = {one.role: one.sha256 for one in hub.record.datasets if one.generated}
            goldens = was.goldens(suite.name).references
            differences |= {
                d.rule: d for d in suite_rules.compare_data(suite, trees, goldens, digests)
            }
    yield from differences.values()


def _tell_tests(was: RuleSet, hub: ProvedHub, gate_options: GateOptions) -> Iterator[Row]:
    """Say whether the tests of a suite were held against the base's."""
    suite = None if was.project is None else was.project.suites.get(hub.record.suite)
    if suite is None or not any(stage.kind == "pytest" for stage in suite.stages):
        return
    if suite.name in gate_options.base_tests:
        count = len(gate_options.base_tests[suite.name])
        yield report.passed_row(TESTS, f"{suite.name}: held against the base's {count} by id")
    elif gate_options.without_tests:
        yield report.note_row(TESTS, f"{suite.name}: not compared here")
    else:
        yield Row(
            check=TESTS,
            outcome=Outcome.INCONCLUSIVE,
            found=f"{suite.name}: the base's tests are not known",
            expected="a comparison by id",
            remedy="Name a hub of the base with --base-hub, or let them be collected.",
        )


def _find_known(
    suite: SuiteSpec, golden: GoldenSet, now: RuleSet, record: HubRecord
) -> tuple[GuardResult, ...] | None:
    """Return the recorded results where the proof judged by these very guards and goldens."""
    here = None if now.project is None else now.project.suites.get(suite.name)
    if here is None or here.guards != suite.guards or record.expects:
        return None
    is_declared = plan.suite_sha256(here) == record.config_sha256
    digest = None if golden.is_empty else golden.digest
    return record.guards if is_declared and digest == record.golden_sha256 else None


def _judge_by_base(
    was: RuleSet, now: RuleSet, hub: ProvedHub, changes: Sequence[RuleChange]
) -> Iterator[Row]:
    suite = None if was.project is None else was.project.suites.get(hub.record.suite)
    if suite is None:
        yield report.note_row(BASE, f"the base declares no suite {hub.record.suite}")
        return
    try:
        golden = was.goldens(suite.name)
        known = _find_known(suite, golden, now, hub.record)
        failures = judging.judge(suite, golden, hub.record, hub.evidence, known)
    except StorageError as error:
        yield report.of_error(BASE, error)
        return
    except HarnessError as error:
        yield report.of_error(BASE, error, Outcome.INCONCLUSIVE)
        return
    explained = {change.difference.rule for change in changes if _explains(change)}
    bad = 0
    for failure in failures:
        failure_text = report.printable(f"{failure.subject}: {failure.found}")
        if any(_is_below(rule, failure.rules) for rule in explained):
            yield report.note_row(
                BASE, f"{failure_text}; its rule was changed, and somebody answers for it"
            )
            continue
        bad += 1
        yield Row(
            check=BASE,
            outcome=Outcome.RED if failure.verdict is Verdict.RED else Outcome.INCONCLUSIVE,
            found=failure_text,
            expected=report.printable(failure.expected),
            remedy="The base's rules do not let this pass.",
        )
    if not bad:
        total = len(suite.guards)
        yield report.passed_row(BASE, f"{hub.name} passes the base's {total} guards and stages")


def _explains(change: RuleChange) -> bool:
    """Say whether a difference may explain that the base's rules do not hold."""
    is_mentioned = change.difference.rule.endswith((".policies", ".remedy"))
    if change.difference.change is Change.STRICTER or is_mentioned:
        return False
    return not change.is_refused


def _is_below(rule: str, prefixes: Iterable[str]) -> bool:
    return any(
        rule == prefix or rule.startswith((f"{prefix}.", f"{prefix}@")) for prefix in prefixes
    )


def _tell_rules(changes: Sequence[RuleChange]) -> Row:
    """Sum up the differences in one row."""
    refused = [change for change in changes if change.is_refused]
    waived = sum(
        change.difference.change is Change.WEAKER and not change.is_refused
        for change in changes
    )
    if refused:
        first = refused[0].difference
        refusal = f"{len(refused)} weaker: {first.rule}: {first.was} → {first.now}"
        return Row(
            check=RULES,
            outcome=Outcome.RED,
            found=report.printable(refusal),
            expected="rules that are as strict as the base's",
            remedy=_REMEDY,
        )
    summary = (
        f"{waived} weaker and waived, {len(changes) - waived} others" if changes else "the same"
    )
    return report.passed_row(RULES, summary)


def ledger_of(project: Project) -> Ledger:
    """Return the ledger that waivers are written to."""
    return Ledger(project.hubs / layout.LEDGER)
