"""A stage that runs pytest selectors in a child and judges what its session noted.

exit 0, 1  judged by the notes        exit 4     red: a selector names nothing
exit 2, 3  red: pytest broke off      exit 5     inconclusive: no test was collected

The notes are kept by a plugin that the child is handed (see ``plugin_copy``): only a test whose
call was seen to pass counts, and the end of the session is held against what was collected.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.config.placeholders import fill
from harness.config.project import StageSpec
from harness.files import write_bytes
from harness.runner.session import evidence_file, notes, verdict
from harness.runner.stages import base, plugin_copy, test_outcomes
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

    What tests attach is written to ``{work}/<stage>/``: ``evidence.json`` and ``files/``.
    """

    kind = "pytest"

    def argv(self, spec: StageSpec, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the argument vector with its placeholders filled.

        It is what a person pastes; the child is handed the plugin of its session besides.
        """
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
        )

    def run(self, spec: StageSpec, context: base.StageContext) -> base.StageResult:
        """Run the tests to their end."""
        argv = self.argv(spec, context.values)
        log = context.hub / f".streaming-{spec.id}.log"
        folder, junit = context.work / spec.id, _junit(spec, context.work)
        for left in (folder / evidence_file.NAME, junit):  # by an earlier attempt
            left.unlink(missing_ok=True)
        declared = test_outcomes.read_listed(spec, context.values)
        started = datetime.now(UTC).isoformat(timespec="milliseconds")
        wishes = _wishes(spec, folder, declared)
        with plugin_copy.hand_over(context.work, context.environment, wishes) as handed:
            at = argv.index("pytest") + 1
            command = (*argv[:at], "-p", handed.name, *argv[at:])
            inside = replace(context, environment=handed.environment)
            exit_ = base.start(spec, command, inside, log)
            handed.journal.seek(0)
            session_notes = notes.read(handed.journal, handed.key)
        test_outcomes.drop_undeclared(session_notes.tests.values(), declared)
        early = base.describe_ending(exit_, spec)
        if early is not None:
            outcome, verdict_, reason = early[0], base.verdict_of(early[0]), early[1]
        else:
            outcome, verdict_, reason = judge_session(
                exit_.exit_code or 0, session_notes, spec, log, list(declared)
            )
            outcome, verdict_, reason = _hold_junit(
                (outcome, verdict_, reason), junit, session_notes
            )
        is_patient = test_outcomes.is_patient(spec, context.values)
        if session_notes.start and (spec.artifacts or is_patient):
            frame = {"started": started, "duration_s": round(exit_.duration_s, 4)}
            frame |= {"exit_code": exit_.exit_code, "verdict": str(verdict_), "reason": reason}
            evidence_file.write(folder, session_notes, frame)
        return base.StageResult(
            argv=argv,
            outcome=outcome,
            verdict=verdict_,
            reason=reason,
            exit=exit_,
            log=log,
            tests=verdict.count(session_notes),
            attachments=_attachments(spec, context, is_patient=is_patient),
            flaky=test_outcomes.flaky(session_notes.tests.values()),
            quarantined=test_outcomes.outcomes(session_notes.tests.values()),
            selection=verdict.describe_selection(session_notes),
        )


def _wishes(spec: StageSpec, folder: Path, declared: Mapping[str, str]) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "retries": spec.test_retries,
        "timeout_s": spec.test_timeout_s,
        "quarantine": list(declared.items()),
    }


def _attachments(
    spec: StageSpec, context: base.StageContext, *, is_patient: bool
) -> dict[str, Path]:
    """Clean what is kept beside the log: the JUnit file, and how attempts of tests went."""
    junit = _junit(spec, context.work)
    evidence = context.work / spec.id / evidence_file.NAME
    sources = {".junit.xml": (junit, context.clean_xml)} if count(junit) else {}
    if is_patient and evidence.is_file():
        sources[f".{evidence_file.NAME}"] = (evidence, context.clean)
    attachments = {}
    for ending, (source, clean) in sources.items():
        attachments[ending] = context.hub / f".streaming-{spec.id}{ending}"
        write_bytes(attachments[ending], clean(source.read_bytes()))
    return attachments


def judge_session(
    exit_code: int,
    session_notes: notes.SessionNotes,
    spec: StageSpec,
    log: Path,
    quarantined: Sequence[str] = (),
) -> tuple[str, Verdict, str]:
    """Return outcome, verdict and reason of a session by its notes and its exit code."""
    plain = judge(exit_code, verdict.count(session_notes), spec, log)
    if exit_code not in (0, 1, _NO_TESTS):
        return plain
    is_whole = session_notes.finish is not None and not session_notes.finish["stopped"]
    unknown = verdict.find_unknown(quarantined, session_notes) if is_whole else []
    if unknown:
        message = f"a quarantine names no test that ran: not found: {', '.join(unknown)}"
        return "failed", Verdict.RED, message
    against = verdict.judge(session_notes, exit_code)
    if against is None:
        return plain
    if against[0] is Verdict.RED:
        return "failed", *against
    if plain[1] is Verdict.RED:
        return plain[0], plain[1], f"{plain[2]}; {against[1]}"
    return "unfinished", *against


def _hold_junit(
    judged: tuple[str, Verdict, str], junit: Path, session_notes: notes.SessionNotes
) -> tuple[str, Verdict, str]:
    """Hold pytest's own report against the notes: it may know of failures that they lack."""
    outcome, verdict_, reason = judged
    counted, tests = count(junit), verdict.count(session_notes)
    failures, known = (one.get("failed", 0) + one.get("errors", 0) for one in (counted, tests))
    if failures > known and verdict_ is not Verdict.RED:
        return (
            "failed",
            Verdict.RED,
            f"the JUnit file tells of {failures} failed tests; noted: {known}",
        )
    if not counted and junit.is_file() and junit.stat().st_size > _LARGEST_JUNIT:
        size = junit.stat().st_size >> 20
        reason += f"; its JUnit file of {size} MiB is too large to be kept"
    return outcome, verdict_, reason


def judge(
    exit_code: int, tests: Mapping[str, int], spec: StageSpec, log: Path
) -> tuple[str, Verdict, str]:
    """Return outcome, verdict and reason of a pytest run that came to its own end."""
    if exit_code in _BROKEN:
        names = _NOT_FOUND.findall(log.read_text(errors="replace"))
        what = f": not found: {', '.join(names)}"[:300] if names else ""
        return "failed", Verdict.RED, _BROKEN[exit_code] + what
    bad = tests.get("failed", 0) + tests.get("errors", 0)
    if bad:
        return "failed", Verdict.RED, f"{bad} of {tests['collected']} tests did not pass"
    if exit_code not in (0, _NO_TESTS):
        message = (
            f"pytest ended with exit code {exit_code}, though no test is known to have failed"
        )
        return "failed", Verdict.RED, message
    if exit_code == _NO_TESTS or not tests.get("collected"):
        return "no-tests", Verdict.INCONCLUSIVE, "no test was collected"
    few = _promise_broken(tests, spec)
    if few:
        return "failed", Verdict.RED, few
    quarantined = tests.get("quarantined", 0)
    if not tests["passed"]:
        none = f"no test passed: {tests['skipped']} skipped, {quarantined} failed in quarantine"
        if tests["skipped"] == tests["collected"]:
            none = f"all {tests['collected']} tests were skipped"
        return "no-tests", Verdict.INCONCLUSIVE, none
    message = f"{tests['passed']} of {tests['collected']} tests passed"
    message += f", {quarantined} failed in quarantine" if quarantined else ""
    return "passed", Verdict.GREEN, message


def _promise_broken(tests: Mapping[str, int], spec: StageSpec) -> str:
    """Say which promise of a stage is not kept; a session that only skipped has none."""
    promised = max(spec.min_collected, spec.min_tests)
    if tests["collected"] < promised:
        return f"{tests['collected']} tests collected; at least {promised} were promised"
    counted = tests["passed"] + tests.get("quarantined", 0)
    if tests["passed"] and counted < spec.min_tests:
        return f"{tests['passed']} tests passed; at least {spec.min_tests} were promised"
    return ""


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
