"""Outcomes of drills by what they depend on, so that a rerun does only what changed.

An outcome is kept under the digest of the committed inputs of its suite, of the suite's
declaration and goldens, of the code that judges, of the patch (or the seed) and of the
environment. The folder may be deleted at any time.
"""

from __future__ import annotations

import json
from dataclasses import field
from pathlib import Path

from harness.config.project import Project, SuiteSpec
from harness.errors import HarnessError
from harness.evidence.hub import checkout, inputs, plan, stamp
from harness.files import json_bytes, read_bounded, sha256_bytes, write_bytes
from harness.frozen import dataclass
from harness.judgement import freshness
from harness.records import decode, encode

SCHEMA = 2
_FOLDER = "drills"
_JUDGES = ("config", "evidence", "judgement", "runner")
_SIZE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCache:
    """What is kept of a drill; ``red`` lists guards and ``stage:<id>`` that were red.

    ``sides`` says of a guard on which side of what is allowed its number lay, ``values`` has
    the numbers, ``part`` how far that of guard ``part_by`` lay, as a part of its limit;
    ``tests`` are the ids of tests that failed.
    """

    schema: int
    name: str
    outcome: str
    red: tuple[str, ...]
    duration_s: float
    reason: str
    sides: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    part: float | None = None
    part_by: str = ""
    tests: tuple[str, ...] = ()


def digest_of_commit(project: Project, suite: SuiteSpec, listing: str) -> str:
    """Digest what a run of a suite at a commit depends on.

    Args:
        project: The project.
        suite: One of its suites.
        listing: What ``git ls-tree -r`` prints of the commit, paths relative to the project.
    """
    golden = project.golden.relative_to(project.root).as_posix()
    globs = (
        *freshness.globs_of(suite),
        f"{golden}/{suite.judged_by}/**/*.json",
        *(f"harness/{name}/**/*.py" for name in _JUDGES),
    )
    patterns = [inputs.pattern(glob) for glob in globs]
    lines = sorted(
        line
        for line in listing.splitlines()
        if any(pattern.fullmatch(line.partition("\t")[2]) for pattern in patterns)
        or (
            line.startswith(checkout.SUBMODULE)
            and any(inputs.may_name_below(glob, line.partition("\t")[2]) for glob in globs)
        )
    )
    environment = stamp.environment_of(suite, project.root, may_start=True)
    facts = {
        "files": lines,
        "suite": plan.suite_sha256(suite),
        "environment": stamp.identity(environment),
    }
    return sha256_bytes(json_bytes(facts))


def key(committed_sha256: str, name: str, guard: str, defect: bytes) -> str:
    """Name an outcome: where it stood, what was planted and which guard was to see it."""
    facts = [SCHEMA, committed_sha256, name, guard, sha256_bytes(defect)]
    return sha256_bytes(json.dumps(facts).encode())


def read(project: Project, name: str) -> OutcomeCache | None:
    """Return the outcome kept under a key; None where there is none that can be read."""
    path = _path(project, name)
    try:
        cache = decode(OutcomeCache, json.loads(read_bounded(path, _SIZE_LIMIT)), path.name)
    except (OSError, ValueError, RecursionError, HarnessError):
        return None
    return cache if cache.schema == SCHEMA else None


def keep(project: Project, name: str, cache: OutcomeCache) -> None:
    """Write an outcome.

    Raises:
        StorageError: The disk refused.
    """
    path = _path(project, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, json_bytes(encode(cache)))


def _path(project: Project, name: str) -> Path:
    return project.work / _FOLDER / f"{name}.json"
