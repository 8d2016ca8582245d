"""A run as JUnit XML: one case per guard and per stage, for the test tab of a CI system."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from harness.records import GuardResult, HubRecord, StageRecord
from harness.report import text
from harness.verdict import Verdict


def render(record: HubRecord) -> str:
    """Write stages and guards as two test suites; inconclusive is an error, never a pass.

    Only what both the schema of Ant's reports and that of Jenkins know is written, in their
    order: properties, cases, system-out, system-err.

    Times are UTC without an offset and durations are seconds, as the common schema wants them.
    """
    root = Element("testsuites")
    stages = _suite(root, record, "stages", [s.verdict for s in record.stages])
    for stage in record.stages:
        _stage(stages, record.suite, stage)
    guards = _suite(root, record, "guards", [_counted(g) for g in record.guards])
    for guard in record.guards:
        _guard(guards, record.suite, guard)
    for suite in (stages, guards):
        SubElement(suite, "system-out")
        SubElement(suite, "system-err")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"
    )


def _suite(root: Element, record: HubRecord, name: str, verdicts: list[Verdict]) -> Element:
    seconds = record.duration_s if name == "stages" else 0.0
    suite = SubElement(
        root,
        "testsuite",
        id=str(len(root)),
        package=text.visible(record.suite),
        name=f"{text.visible(record.suite)}.{name}",
        timestamp=text.moment(record.started).replace(tzinfo=None, microsecond=0).isoformat(),
        hostname="localhost",
        tests=str(len(verdicts)),
        failures=str(verdicts.count(Verdict.RED)),
        errors=str(verdicts.count(Verdict.INCONCLUSIVE)),
        time=f"{seconds:.3f}",
    )
    properties = SubElement(suite, "properties")
    told = {
        "verdict": record.verdict.value,
        "run": record.run_id,
        "commit": record.stamp.commit,
    }
    for key, value in told.items():
        SubElement(properties, "property", name=key, value=text.visible(value))
    return suite


def _stage(parent: Element, suite: str, stage: StageRecord) -> None:
    case = SubElement(
        parent,
        "testcase",
        classname=f"{text.visible(suite)}.stages",
        name=text.visible(stage.id),
        time=f"{stage.duration_s:.3f}",
    )
    _outcome(case, stage.verdict, f"{stage.outcome}. {stage.reason}".strip(), stage.log or "")


def _guard(parent: Element, suite: str, guard: GuardResult) -> None:
    case = SubElement(
        parent,
        "testcase",
        classname=f"{text.visible(suite)}.guards",
        name=text.visible(guard.id),
        time="0.000",
    )
    told = f"found {guard.found}; expected {guard.expected}. {guard.reason}".strip()
    _outcome(case, _counted(guard), told, guard.remedy)


def _counted(guard: GuardResult) -> Verdict:
    """Return the verdict as it counts: a guard that only warns fails nothing."""
    return guard.verdict if guard.severity == "fail" else Verdict.GREEN


def _outcome(case: Element, verdict: Verdict, message: str, body: str) -> None:
    if verdict is Verdict.GREEN:
        return
    kind = "failure" if verdict is Verdict.RED else "error"
    noted = SubElement(case, kind, message=text.visible(message), type=verdict.value)
    noted.text = text.visible(body)
