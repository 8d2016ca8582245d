"""The way of a gate: rules of both revisions, the hub proved and judged by both, the answer.

Trust comes from the base or from outside of the repository: signers, trusted keys and leave to
waive are read from the base, a policy from a file that the change cannot reach.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.config.project import Project
from harness.errors import EvidenceMissingError, HarnessError, StorageError
from harness.evidence.hub import layout, store
from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.evidence.ledger import keys
from harness.evidence.ledger.checkpoint import Checkpoint
from harness.evidence.ledger.log import Ledger
from harness.judgement import waivers
from harness.judgement.gate import drill_rules, hub_checks, judging, moves, policy, tests_rules
from harness.judgement.gate.compare import HasMetric, compare_rules
from harness.judgement.gate.difference import Change, Difference
from harness.judgement.gate.policy import Policy
from harness.judgement.gate.report import GateReport, RuleChange
from harness.judgement.gate.rules import DRILLS, WAIVERS, Reader, RuleSet
from harness.judgement.guards import metrics
from harness.judgement.verify import report, verify
from harness.judgement.verify.report import Outcome, Row
from harness.judgement.waivers import Authority, Standing
from harness.records import HubRecord
from harness.verdict import Verdict

RULES, BASE, WAIVED, TESTS = "rules", "base", "waivers", "tests"
_REMEDY = "Take the change of the rule back, or ask for a waiver: harness waive RULE."


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """What a gate is given beside the base and the hubs.

    Attributes:
        trust: Public keys from outside, as text: whose waivers and checkpoints count.
        pin: A checkpoint from outside that the ledger must still begin with.
        policy: What an organisation asks for.
        base_tests: Outcomes of the base's tests by suite, where they are known.
        without_tests: Leave to compare no tests; it is told, and counts for nothing.
    """

    trust: tuple[str, ...] = ()
    pin: Checkpoint | None = None
    policy: Policy | None = None
    base_tests: Mapping[str, tests_rules.Outcomes] = field(default_factory=dict)
    without_tests: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedHub:
    """A hub whose record could be read, the rows of its proof, and its evidence."""

    folder: Path
    record: HubRecord
    evidence: HubEvidence
    rows: tuple[Row, ...]

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
    given = options or GateOptions()
    reader = Reader(project.root)
    was, now = reader.read(base), reader.read("HEAD")
    trusted = (*(() if was.project is None else was.project.trusted_keys), *given.trust)
    proved, rows = prove_hubs(replace(project, trusted_keys=trusted), hubs)
    rows += [
        row for hub in proved for row in hub_checks.check_hub(was, now, hub.folder, hub.record)
    ]
    rows += hub_checks.check_pin(ledger_of(project), given.pin)
    found = list(compare_rules(was, now, _make_lookup(proved)))
    found += _compare_tests(was, now, proved, given.base_tests)
    if given.policy is not None and now.project is not None:
        names = [name.removesuffix(".patch") for name in now.names(DRILLS, ".patch")]
        found += policy.compare_policy(given.policy, now.project, names)
    standings = judge_waivers(now, make_authority(was, given))
    changes = [RuleChange(difference=d, waiver=_find_waiver(d, standings)) for d in found]
    rows += _tell_waivers(standings, changes)
    for hub in proved:
        rows += _judge_by_base(was, hub, changes)
        rows += _tell_tests(was, hub, given)
    rows += drill_rules.tell_undrilled(now, [change.difference for change in changes])
    rows.append(_tell_rules(changes))
    return GateReport(
        base=base,
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
        kept = tuple(replace(r, check=f"{folder.name[-6:]} {r.check}") for r in verified.rows)
        rows += kept if len(hubs) > 1 else verified.rows
        if verified.worst is Outcome.DAMAGED:
            continue
        record = store.read_record(folder)
        evidence = HubEvidence(folder, Facts.of(record), project=project.root)
        proved.append(
            ProvedHub(folder=folder, record=record, evidence=evidence, rows=verified.rows)
        )
    return proved, rows


def make_authority(was: RuleSet, given: GateOptions) -> Authority:
    """Take from the base and from outside who may waive.

    Raises:
        ConfigError: A key cannot be read.
    """
    names = list(given.trust)
    unsigned = False
    if was.project is not None:
        names += was.project.gate.signers or was.project.trusted_keys
        unsigned = was.project.gate.unsigned_waivers
    if given.policy is not None:
        names += given.policy.signers
        unsigned = unsigned and given.policy.unsigned_waivers
    return Authority(
        signers=tuple(keys.read_public(name) for name in dict.fromkeys(names)),
        unsigned=unsigned,
        today=dt.datetime.now(dt.UTC).date(),
    )


def judge_waivers(now: RuleSet, authority: Authority) -> tuple[Standing, ...]:
    """Read the waivers that a change brings, and say which count.

    Raises:
        ConfigError: One cannot be read.
    """
    written = now.files(WAIVERS, waivers.ENDING)
    read = {name: waivers.read(content, name) for name, content in sorted(written.items())}
    return waivers.judge(read, authority)


def _find_waiver(found: Difference, standings: Sequence[Standing]) -> Standing | None:
    if found.change is not Change.WEAKER:
        return None
    return waivers.find((found.rule, found.was, found.now), standings)


def _tell_waivers(
    standings: Sequence[Standing], changes: Sequence[RuleChange]
) -> Iterator[Row]:
    """Tell each waiver that does not count or is not used: it only looks like an answer."""
    used = {change.waiver.file for change in changes if change.waiver is not None}
    for standing in standings:
        if not standing.counts:
            found = f"{waivers.FOLDER}/{standing.file}: {standing.told}"
            yield report.noted(WAIVED, report.printable(found), "Renew or remove it.")
        elif standing.file not in used:
            found = f"{waivers.FOLDER}/{standing.file}: not used, its rule is not so changed"
            yield report.noted(WAIVED, report.printable(found), "Remove it.")


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


def _tell_tests(was: RuleSet, hub: ProvedHub, given: GateOptions) -> Iterator[Row]:
    """Say whether the tests of a suite were held against the base's."""
    suite = None if was.project is None else was.project.suites.get(hub.record.suite)
    if suite is None or not any(stage.kind == "pytest" for stage in suite.stages):
        return
    if suite.name in given.base_tests:
        count = len(given.base_tests[suite.name])
        yield report.passed(TESTS, f"{suite.name}: held against the base's {count} by id")
    elif given.without_tests:
        yield report.noted(TESTS, f"{suite.name}: not compared, as was asked")
    else:
        yield Row(
            check=TESTS,
            outcome=Outcome.INCONCLUSIVE,
            found=f"{suite.name}: the base's tests are not known",
            expected="a comparison by id",
            remedy="Name a hub of the base with --base-hub, or let them be collected.",
        )


def _judge_by_base(
    was: RuleSet, hub: ProvedHub, changes: Sequence[RuleChange]
) -> Iterator[Row]:
    suite = None if was.project is None else was.project.suites.get(hub.record.suite)
    if suite is None:
        yield report.noted(BASE, f"the base declares no suite {hub.record.suite}")
        return
    try:
        failures = judging.judge(suite, was.goldens(suite.name), hub.record, hub.evidence)
    except StorageError as error:
        yield report.of_error(BASE, error)
        return
    except HarnessError as error:
        yield report.of_error(BASE, error, Outcome.INCONCLUSIVE)
        return
    explained = {change.difference.rule for change in changes if _explains(change)}
    bad = 0
    for failure in failures:
        told = report.printable(f"{failure.subject}: {failure.found}")
        if any(_is_below(rule, failure.rules) for rule in explained):
            yield report.noted(
                BASE, f"{told}; its rule was changed, and somebody answers for it"
            )
            continue
        bad += 1
        yield Row(
            check=BASE,
            outcome=Outcome.RED if failure.verdict is Verdict.RED else Outcome.INCONCLUSIVE,
            found=told,
            expected=report.printable(failure.expected),
            remedy="The base's rules do not let this pass.",
        )
    if not bad:
        total = len(suite.guards)
        yield report.passed(BASE, f"{hub.name} passes the base's {total} guards and stages")


def _explains(change: RuleChange) -> bool:
    """Say whether a difference may explain that the base's rules do not hold."""
    is_told = change.difference.rule.endswith((".policies", ".remedy"))
    if change.difference.change is Change.STRICTER or is_told:
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
        found = f"{len(refused)} weaker: {first.rule}: {first.was} → {first.now}"
        return Row(
            check=RULES,
            outcome=Outcome.RED,
            found=report.printable(found),
            expected="rules that are as strict as the base's",
            remedy=_REMEDY,
        )
    told = (
        f"{waived} weaker and waived, {len(changes) - waived} others" if changes else "the same"
    )
    return report.passed(RULES, told)


def ledger_of(project: Project) -> Ledger:
    """Return the ledger that waivers are written to."""
    return Ledger(project.hubs / layout.LEDGER)
