"""A stage that runs pytest selectors in a child and counts the tests from its JUnit file.

exit 0, 1  judged by the counts       exit 4     red: a selector names nothing
exit 2, 3  red: pytest broke off      exit 5     inconclusive: no test was collected
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from harness.config.placeholders import fill
from harness.config.project import StageSpec
from harness.files import write_bytes
from harness.runner.stages import base, test_outcomes
from harness.verdict import Verdict

_LARGEST_JUNIT = 64 << 20
_NO_TESTS = 5
_BROKEN = {
    2: "pytest was interrupted",
    3: "pytest had an internal error",
    4: "pytest refused its arguments",
}
_NOT_FOUND = re.compile(
    r"^ERROR: (?:not found|file or directory not found): (.+)$", re.MULTILINE
)
_COUNTED = {"failure": "failed", "error": "errors", "skipped": "skipped"}


class PytestStage:
    """Runs ``python -m pytest`` on selectors; evidence goes to ``green/`` or ``red/``.

    A stage that declares artifacts, retries or a bound of its tests, or that has tests in
    quarantine, is given the harness's plugin, which writes what tests attach to
    ``{work}/<stage>/``: ``evidence.json`` and ``files/``.
    """

    kind = "pytest"

    def argv(self, spec: StageSpec, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the argument vector with its placeholders filled."""
        return (
            values["python"],
            "-m",
            "pytest",
            *(fill(item, dict(values)) for item in spec.selectors),
            f"--junit-xml={_junit(spec, Path(values['work']))}",
            "--verbose",
            "--color=no",
            "-p",
            "no:cacheprovider",
            *test_outcomes.options(spec, values),
        )

    def run(self, spec: StageSpec, context: base.StageContext) -> base.StageResult:
        """Run the tests to their end."""
        argv = self.argv(spec, context.values)
        log = context.hub / f".streaming-{spec.id}.log"
        noted, junit = context.work / spec.id / test_outcomes.NAME, _junit(spec, context.work)
        for left in (noted, junit):  # by an earlier attempt
            left.unlink(missing_ok=True)
        exit_ = base.start(spec, argv, context, log)
        declared = context.values.get(test_outcomes.key(spec.id), "")
        notes = test_outcomes.only(declared, test_outcomes.read_notes(noted))
        tests = test_outcomes.count_outcomes(count(junit), notes)
        early = base.describe_ending(exit_, spec)
        if early is not None:
            outcome, verdict, reason = early[0], base.verdict_of(early[0]), early[1]
        else:
            outcome, verdict, reason = judge(exit_.exit_code or 0, tests, spec, log)
        kept = {".junit.xml": (junit, context.clean_xml)} if tests else {}
        if notes and test_outcomes.patience(spec, context.values):
            kept[f".{test_outcomes.NAME}"] = (noted, context.clean)
        attachments = {}
        for ending, (source, clean) in kept.items():
            attachments[ending] = context.hub / f".streaming-{spec.id}{ending}"
            write_bytes(attachments[ending], clean(source.read_bytes()))
        return base.StageResult(
            argv=argv,
            outcome=outcome,
            verdict=verdict,
            reason=reason,
            exit=exit_,
            log=log,
            tests=tests,
            attachments=attachments,
            flaky=test_outcomes.flaky(notes),
            quarantined=test_outcomes.outcomes(notes),
        )


def judge(
    exit_code: int, tests: Mapping[str, int], spec: StageSpec, log: Path
) -> tuple[str, Verdict, str]:
    """Return outcome, verdict and reason of a pytest run that came to its own end."""
    if exit_code in _BROKEN:
        found = _NOT_FOUND.findall(log.read_text(errors="replace"))
        what = f": not found: {', '.join(found)}"[:300] if found else ""
        return "failed", Verdict.RED, _BROKEN[exit_code] + what
    if exit_code == _NO_TESTS or not tests.get("collected"):
        return "no-tests", Verdict.INCONCLUSIVE, "no test was collected"
    bad = tests["failed"] + tests["errors"]
    if exit_code != 0 or bad:
        return "failed", Verdict.RED, f"{bad} of {tests['collected']} tests did not pass"
    promised = max(spec.min_collected, spec.min_tests)
    if tests["collected"] < promised:
        few = f"{tests['collected']} tests collected; at least {promised} were promised"
        return "failed", Verdict.RED, few
    if tests["skipped"] == tests["collected"]:
        return "no-tests", Verdict.INCONCLUSIVE, f"all {tests['collected']} tests were skipped"
    excused = tests.get("quarantined", 0)
    if not tests["passed"]:
        none = f"no test passed: {tests['skipped']} skipped, {excused} failed in quarantine"
        return "no-tests", Verdict.INCONCLUSIVE, none
    if tests["passed"] + excused < spec.min_tests:
        few = f"{tests['passed']} tests passed; at least {spec.min_tests} were promised"
        return "failed", Verdict.RED, few
    told = f"{tests['passed']} of {tests['collected']} tests passed"
    told += f", {excused} failed in quarantine" if excused else ""
    return "passed", Verdict.GREEN, told


def count(junit: Path) -> dict[str, int]:
    """Count the tests of a JUnit file by outcome; empty where there is no readable file."""
    try:
        if junit.stat().st_size > _LARGEST_JUNIT:
            return {}
        # Written by our own child; expat bounds entity expansion.
        root = ET.parse(junit).getroot()  # noqa: S314
    except (OSError, ET.ParseError):
        return {}
    counts = {"collected": 0, "passed": 0, "failed": 0, "errors": 0, "skipped": 0}
    seen: dict[tuple[str | None, str | None], str] = {}
    for case in root.iter("testcase"):
        kinds = {_COUNTED[child.tag] for child in case if child.tag in _COUNTED}
        # A test that fails and whose teardown fails too is written twice.
        kind = next((k for k in ("errors", "failed", "skipped") if k in kinds), "passed")
        key = (case.get("classname"), case.get("name"))
        if seen.get(key, "passed") == "passed":
            seen[key] = kind
    for kind in seen.values():
        counts[kind] += 1
    counts["collected"] = len(seen)
    return counts


def _junit(spec: StageSpec, work: Path) -> Path:
    return work / f".{spec.id}.junit.xml"
