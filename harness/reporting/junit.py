"""A run as JUnit XML: one case per guard and per stage, for the test tab of a CI system.

What failed in quarantine is skipped, with its reason; what passed only when it was run again
is said in the properties and the output of its suite.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from harness.judgement import quarantine
from harness.records import GuardResult, HubRecord, QuarantineRecord, StageRecord
from harness.reporting import reasons, text
from harness.verdict import Verdict

_LONGEST = 64 << 10


def render(record: HubRecord) -> str:
    """Write stages and guards as two test suites; inconclusive is an error, never a pass.

    Only what both the schema of Ant's reports and that of Jenkins know is written, in their
    order: properties, cases, system-out, system-err.

    Times are UTC without an offset and durations are seconds, as the common schema wants them.
    """
    root = Element("testsuites")
    waived = {(e.kind, e.id): e for e in quarantine.waived(record)}
    of_stages = [waived.get(("stage", s.id)) for s in record.stages]
    verdicts = [s.verdict for s in record.stages]
    stages = _suite(root, record, "stages", verdicts, of_stages)
    explained = reasons.followers(record)
    for stage, entry in zip(record.stages, of_stages, strict=True):
        _stage(stages, record.suite, stage, entry, explained.get(f"stage {stage.id}", ""))
    of_guards = [waived.get(("guard", g.id)) for g in record.guards]
    verdicts = [_counted_verdict(g) for g in record.guards]
    guards = _suite(root, record, "guards", verdicts, of_guards)
    for guard, entry in zip(record.guards, of_guards, strict=True):
        _guard(guards, record.suite, guard, entry, explained.get(guard.id, ""))
    flaky = "\n".join(text.visible(f"flaky: {name}") for name in quarantine.flaky(record))
    for suite, output in ((stages, flaky), (guards, "")):
        SubElement(suite, "system-out").text = output
        SubElement(suite, "system-err")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"
    )


def _suite(
    root: Element,
    record: HubRecord,
    name: str,
    verdicts: list[Verdict],
    waived: list[QuarantineRecord | None],
) -> Element:
    counts = [v for v, entry in zip(verdicts, waived, strict=True) if entry is None]
    seconds = record.duration_s if name == "stages" else 0.0
    suite = SubElement(
        root,
        "testsuite",
        id=str(len(root)),
        package=text.visible(record.suite),
        name=f"{text.visible(record.suite)}.{name}",
        # Without offset and fractions: the schema of Ant's reports knows neither.
        timestamp=text.moment(record.started).replace(tzinfo=None, microsecond=0).isoformat(),
        # The schema asks for one, and the machine's own name is nobody's business.
        hostname="localhost",
        tests=str(len(verdicts)),
        failures=str(counts.count(Verdict.RED)),
        errors=str(counts.count(Verdict.INCONCLUSIVE)),
        skipped=str(len(verdicts) - len(counts)),
        time=f"{seconds:.3f}",
    )
    properties = SubElement(suite, "properties")
    attributes = {
        "verdict": record.verdict.value,
        "run": record.run_id,
        "commit": record.stamp.commit,
        "quarantined": ", ".join(quarantine.describe(e) for e in quarantine.waived(record)),
        "flaky": ", ".join(quarantine.flaky(record)),
        "cause": reasons.write_verdict(record) if record.verdict is not Verdict.GREEN else "",
    }
    for key, value in attributes.items():
        if value:
            SubElement(properties, "property", name=key, value=text.visible(value))
    return suite


def _stage(
    parent: Element,
    suite: str,
    stage: StageRecord,
    entry: QuarantineRecord | None,
    cause: str,
) -> None:
    case = SubElement(
        parent,
        "testcase",
        classname=f"{text.visible(suite)}.stages",
        name=text.visible(stage.id),
        time=f"{stage.duration_s:.3f}",
    )
    message = f"{stage.outcome}. {stage.reason}".strip()
    if entry is not None:
        _skip(case, entry, message)
    else:
        _outcome(case, stage.verdict, _follows_from(cause) + message, stage.log or "")


def _guard(
    parent: Element,
    suite: str,
    guard: GuardResult,
    entry: QuarantineRecord | None,
    cause: str,
) -> None:
    case = SubElement(
        parent,
        "testcase",
        classname=f"{text.visible(suite)}.guards",
        name=text.visible(guard.id),
        time="0.000",
    )
    message = f"found {guard.found}; expected {guard.expected}. {guard.reason}".strip()
    if entry is not None:
        _skip(case, entry, message)
    else:
        # What follows from a cause has no remedy of its own, nor has what was not judged.
        is_cause = not cause and guard.verdict is Verdict.RED
        remedy = guard.remedy if is_cause else ""
        _outcome(case, _counted_verdict(guard), _follows_from(cause) + message, remedy)


def _follows_from(cause: str) -> str:
    return f"follows from {cause.rstrip('.')}. " if cause else ""


def _skip(case: Element, entry: QuarantineRecord, detail: str) -> None:
    message = f"quarantined: {quarantine.describe(entry)}: {entry.reason}. {detail}"
    SubElement(case, "skipped", message=_printable(message), type="quarantined")


def _counted_verdict(guard: GuardResult) -> Verdict:
    """Return the verdict as it counts: a guard that only warns fails nothing."""
    return guard.verdict if guard.severity == "fail" else Verdict.GREEN


def _outcome(case: Element, verdict: Verdict, message: str, body: str) -> None:
    if verdict is Verdict.GREEN:
        return
    kind = "failure" if verdict is Verdict.RED else "error"
    element = SubElement(case, kind, message=_printable(message), type=verdict.value)
    element.text = _printable(body)


def _printable(words: str) -> str:
    """Make foreign text safe and bounded; the whole of it is in the hub."""
    clipped = words if len(words) <= _LONGEST else f"{words[:_LONGEST]}… cut here"
    return text.visible(clipped)
