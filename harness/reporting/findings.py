"""A hub in, what is wrong with it out: one finding for each cause and each test that failed.

What follows from a cause is named in its finding; what was not judged is one for each reason.

Each finding has a place in the repository that somebody can open: the line of ``harness.toml``
that declares the guard or the stage, or the line of the test that raised.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from harness.config import config_file, toml_text
from harness.errors import NotAProjectError
from harness.evidence.hub import causes
from harness.files import read_bounded, sha256_bytes
from harness.frozen import dataclass
from harness.judgement import causes as ordering
from harness.judgement import quarantine
from harness.records import GuardResult, HubRecord, QuarantineRecord, StageRecord
from harness.reporting import reasons, text
from harness.reporting.reasons import Reason
from harness.verdict import Verdict

STAGE, TEST, UNJUDGED = "stage", "test", "not-judged"
_LARGEST = 16 << 20
_RAISED = re.compile(r"^(\S+\.py):(\d{1,9}): ", re.MULTILINE)
_NODE = re.compile(r"^(?:FAILED |ERROR )?(\S+\.py)::", re.MULTILINE)
_TABLE = re.compile(r"\s*\[\[\s*suites\.([\w.\"-]+)\.(stages|guards)\s*\]\]")
_ID = re.compile(r"\s*id\s*=\s*[\"']([^\"']+)[\"']")
_HEADER = re.compile(r"\s*\[")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, its path relative to the repository; lines count from 1."""

    path: str
    line: int = 1
    width: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        rule: Id of the guard, ``stage/<id>``, ``test/<stage>`` or ``not-judged``.
        level: ``error`` fails the run, ``warning`` does not, ``note`` was not compared.
        message: What was found and what was expected.
        place: Where to look in the repository.
        fingerprint: The same for the same cause in every run.
        evidence: Path of a log in the hub, when there is one.
        excuse: Why it is in quarantine, when it is and so fails nothing.
    """

    rule: str
    level: str
    message: str
    place: Place
    fingerprint: str
    evidence: str | None = None
    excuse: str | None = None


def read_findings(hub: Path, record: HubRecord) -> tuple[Finding, ...]:
    """Find what is wrong with a hub, the guards first, then stages and tests."""
    declared = _Declaration(hub, record.suite)
    explained = reasons.followers(record)
    by_guard = {r.cause.guards[0]: r for r in reasons.list_reasons(record) if r.cause.guards}
    results = [
        _of_guard(record, guard, declared, by_guard.get(guard.id))
        for guard in record.guards
        if guard.verdict is Verdict.RED and guard.id not in explained
    ]
    results += [
        _of_unjudged(record, ids, why, declared) for why, ids in ordering.unjudged_of(record)
    ]
    also = {r.cause.stage: r.also for r in reasons.list_reasons(record) if not r.cause.guards}
    for stage in record.stages:
        if stage.verdict is not Verdict.GREEN:
            if f"stage {stage.id}" not in explained:
                results.append(_of_stage(record, stage, hub, declared, also.get(stage.id, "")))
            results += _tests(record, stage, hub, declared)
    excuses = {_subject(entry): entry.reason for entry in quarantine.waived(record)}
    return tuple(
        replace(finding, level="note", excuse=excuses[finding.rule])
        if finding.rule in excuses
        else finding
        for finding in results
    )


def _subject(entry: QuarantineRecord) -> str:
    return entry.id if entry.kind == "guard" else f"{entry.kind}/{entry.id}"


def level_of(guard: GuardResult) -> str:
    """Return what a guard that is not green means for the run."""
    if guard.severity == "fail":
        return "error"
    return "warning" if guard.verdict is Verdict.RED else "note"


class _Declaration:
    """Where the project that holds a hub declares the suite's guards and stages now."""

    def __init__(self, hub: Path, suite: str) -> None:
        self._lines: tuple[str, ...] = ()
        self._suites: tuple[str, ...] = ()
        self.prefix = PurePosixPath()
        try:
            root = config_file.find_root(hub)
        except NotAProjectError:
            return
        self.prefix = _below_repository(root)
        written = _read_bounded(root / config_file.FILE).decode(errors="replace")
        try:
            suites = toml_text.parse(written).get("suites", {})
        except ValueError:
            return
        self._lines, self._suites = tuple(written.splitlines()), _lineage(suites, suite)

    def place_in(self, path: str, line: int = 1) -> Place:
        """Return a place in a file of the project."""
        return Place((self.prefix / path).as_posix(), line)

    def place_of(self, key: str, id_: str) -> Place:
        """Return where a suite, or one that it extends, declares a stage or a guard."""
        lines = {
            suite: n for suite, table, name, n in self._ids() if (table, name) == (key, id_)
        }
        number = next((lines[suite] for suite in self._suites if suite in lines), 1)
        width = len(self._lines[number - 1]) if self._lines else 0
        return Place((self.prefix / config_file.FILE).as_posix(), number, width)

    def _ids(self) -> Iterator[tuple[str, str, str, int]]:
        """Yield suite, table, id and line number of each declaration."""
        suite = table = ""
        for number, line in enumerate(self._lines, start=1):
            if opened := _TABLE.match(line):
                suite, table = opened[1].strip('"'), opened[2]
            elif _HEADER.match(line):
                suite = table = ""
            elif suite and (named := _ID.match(line)):
                yield suite, table, named[1], number


def _lineage(suites: Any, name: str) -> tuple[str, ...]:
    """Return a suite and those that it extends, nearest first."""
    line: list[str] = []
    while isinstance(suites, dict) and isinstance(suites.get(name), dict) and name not in line:
        line.append(name)
        name = str(suites[name].get("extends", ""))
    return tuple(line)


def _below_repository(root: Path) -> PurePosixPath:
    """Return the project's folder inside the repository that holds it."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            return PurePosixPath(root.relative_to(folder).as_posix())
    return PurePosixPath()


def _of_guard(
    record: HubRecord, guard: GuardResult, declared: _Declaration, reason: Reason | None
) -> Finding:
    """Describe a red guard; as a cause it has the signature of its blocker."""
    named = {g.id: g for g in record.guards}
    results = [guard] if reason is None else [named[id_] for id_ in reason.cause.guards]
    also = "" if reason is None else reason.also
    words = (f"found {guard.found}; expected {guard.expected}", guard.reason, also)
    return Finding(
        rule=guard.id,
        level=level_of(guard),
        message=text.sentences(*words),
        place=declared.place_of("guards", guard.id),
        fingerprint=causes.of_guards(record.suite, results, ()).signature,
    )


def _of_unjudged(
    record: HubRecord, ids: tuple[str, ...], why: str, declared: _Declaration
) -> Finding:
    """Describe the guards that one reason kept from being judged: one finding for all."""
    explained = reasons.followers(record)
    counts = any(
        guard.severity == "fail" and guard.id not in explained
        for guard in record.guards
        if guard.id in ids
    )
    return Finding(
        rule=UNJUDGED,
        level="error" if counts else "note",
        message=f"not judged: {', '.join(ids)}: {why}",
        place=declared.place_of("guards", ""),
        fingerprint=causes.signature("not judged", why),
    )


def _of_stage(
    record: HubRecord, stage: StageRecord, hub: Path, declared: _Declaration, also: str
) -> Finding:
    said = f"{stage.outcome}: {stage.reason}" if stage.reason else stage.outcome
    return Finding(
        rule=f"{STAGE}/{stage.id}",
        level="error",
        message=text.sentences(said, also) if also else said,
        place=declared.place_of("stages", stage.id),
        fingerprint=causes.of_stage(record.suite, stage, hub).signature,
        evidence=stage.log,
    )


def _tests(
    record: HubRecord, stage: StageRecord, hub: Path, declared: _Declaration
) -> Iterator[Finding]:
    """Yield the tests of a pytest stage that failed, as its JUnit file tells."""
    if stage.kind != "pytest" or stage.log is None:
        return
    log = _read_bounded(hub / stage.log).decode(errors="replace")
    files = dict.fromkeys(_NODE.findall(log))
    for case in _cases(hub, stage.id):
        outcomes = [child for child in case if child.tag in ("failure", "error")]
        if not outcomes:
            continue
        group, name = case.get("classname", ""), case.get("name", "")
        said = (outcomes[0].get("message") or "").strip() or "failed"
        yield Finding(
            rule=f"{TEST}/{stage.id}",
            level="error",
            message=f"{name}: {said}",
            place=_of_test(group, outcomes[0].text or "", tuple(files), declared),
            fingerprint=sha256_bytes(f"{record.suite}\0test\0{group}\0{name}".encode()),
            evidence=stage.log,
        )


def _of_test(group: str, trace: str, files: tuple[str, ...], declared: _Declaration) -> Place:
    """Return where a test raised: in its own file where the trace passes there."""
    own = next((f for f in files if f"{group}.".startswith(f"{_module_name(f)}.")), None)
    steps = [(path, int(line)) for path, line in _RAISED.findall(trace) if _is_inside(path)]
    if own is not None:
        return declared.place_in(own, next((line for path, line in steps if path == own), 1))
    return declared.place_in(*steps[-1]) if steps else declared.place_in(config_file.FILE)


def _module_name(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and "<" not in path


def _cases(hub: Path, stage: str) -> Iterator[ET.Element]:
    for folder in ("red", "green"):
        content = _read_bounded(hub / folder / f"{stage}.junit.xml")
        if not content:
            continue
        try:
            # Written by our own child; expat bounds entity expansion.
            yield from ET.fromstring(content).iter("testcase")  # noqa: S314
        except ET.ParseError:
            continue


def _read_bounded(path: Path) -> bytes:
    """Return the bytes of a regular file; nothing where there is none, or it is too large."""
    try:
        return read_bounded(path, _LARGEST)
    except OSError:
        return b""
