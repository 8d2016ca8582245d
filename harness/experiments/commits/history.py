"""The commits between two revisions, and what a suite would depend on at each of them.

Everything is read from git's objects; nothing is checked out. Two commits at which a suite has
the same inputs, declaration and golden have the same digest, and so the same verdict.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import git

from harness.config import config_file
from harness.config.project import Project, SuiteSpec
from harness.errors import ConfigError, HarnessError
from harness.evidence.hub import inputs, plan, stamp
from harness.experiments.commits import scratch
from harness.files import json_bytes, sha256_bytes
from harness.judgement import freshness
from harness.judgement.declaration import load_project

_SKIPPED = frozenset({"__pycache__", ".venv", ".harness", "node_modules"})


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A commit and the digest of what the suite depends on there; None where it has none.

    ``declaration`` is the digest of the suite's declaration alone.
    """

    commit: str
    subject: str
    digest: str | None
    declaration: str | None


def states(
    project: Project, suite: str, good: str, bad: str, settings: Mapping[str, str]
) -> tuple[State, ...]:
    """Return the commits from ``good`` to ``bad``, both included, along first parents.

    Args:
        project: The project.
        suite: Name of the suite.
        good: Revision that is an ancestor of ``bad``.
        bad: Revision.
        settings: What else a verdict depends on, such as parameters that are set.

    Raises:
        ConfigError: A revision is unknown, or ``good`` is no ancestor of ``bad``.
    """
    repository = _repository(project)
    first, last = _commit(repository, good), _commit(repository, bad)
    if first == last or not repository.is_ancestor(first, last):
        raise ConfigError(
            f"--good {good} --bad {bad}",
            found="no way from the first to the second",
            expected="a good commit that is an ancestor of the bad one",
            remedy="Swap them, or name an older good commit.",
        )
    between = list(repository.iter_commits(f"{first}..{last}", first_parent=True, reverse=True))
    reader = _Reader(project, repository, suite, settings)
    return tuple(reader.state(commit) for commit in (first, *between))


def head(project: Project) -> str:
    """Return the commit that a project's work tree stands on.

    Raises:
        ConfigError: There is no repository, or nothing is committed.
    """
    return _commit(_repository(project), "HEAD").hexsha


def declared_at(project: Project, commit: str) -> Project:
    """Return the project as a commit declares it, with the folders below today's root.

    Raises:
        ConfigError: The commit holds no declaration, or one that cannot be used.
    """
    name = f"{commit}:./{config_file.FILE}"
    try:
        content = git.Git(str(project.root)).show(name, strip_newline_in_stdout=False)
    except git.GitCommandError as error:
        raise ConfigError(
            f"{config_file.FILE} at {commit[:12]}",
            found="no such file in the commit",
            expected="a declaration that is committed",
            remedy=f"Commit {config_file.FILE} first.",
        ) from error
    with tempfile.TemporaryDirectory(prefix="harness-toml-") as folder:
        root = Path(folder).resolve()
        (root / config_file.FILE).write_text(content, "utf-8")
        made = load_project(root)
    return replace(
        made,
        root=project.root,
        hubs=project.root / made.hubs.relative_to(root),
        golden=project.root / made.golden.relative_to(root),
        work=project.root / made.work.relative_to(root),
    )


def _repository(project: Project) -> git.Repo:
    try:
        return scratch.repository(project)
    except git.GitError as error:
        raise ConfigError(
            str(project.root),
            found="no git repository",
            expected="commits to search",
            remedy="Run this in a git work tree.",
        ) from error


def _commit(repository: git.Repo, revision: str) -> git.Commit:
    try:
        return repository.commit(revision)
    except (git.GitError, git.ODBError, ValueError) as error:
        raise ConfigError(
            f"revision {revision!r}"[:80],
            found="no such commit",
            expected="a commit, tag or branch",
            remedy="See git log --oneline.",
        ) from error


class _Reader:
    """Reads the state of a suite at commits; equal declarations are parsed once."""

    def __init__(
        self,
        project: Project,
        repository: git.Repo,
        suite: str,
        settings: Mapping[str, str],
    ) -> None:
        self._project, self._repository, self._suite = project, repository, suite
        self._settings = dict(settings)
        top = Path(str(repository.working_tree_dir)).resolve()
        prefix = project.root.relative_to(top).as_posix()
        self._prefix = "" if prefix == "." else f"{prefix}/"
        self._declared: dict[str, SuiteSpec | None] = {}

    def state(self, commit: git.Commit) -> State:
        """Digest what the suite depends on at a commit."""
        subject = str(commit.summary)
        blobs = dict(self._blobs(commit))
        suite = self._declaration(blobs.get(config_file.FILE), commit)
        digest = None if suite is None else self._digest(suite, blobs)
        declared = None if suite is None else plan.suite_sha256(suite)
        return State(commit=commit.hexsha, subject=subject, digest=digest, declaration=declared)

    def _blobs(self, commit: git.Commit) -> Iterator[tuple[str, str]]:
        """Yield path relative to the project and blob id of every file of a commit."""
        listed = self._repository.git.ls_tree("-r", "-z", "--full-tree", commit.hexsha)
        for entry in listed.split("\0"):
            head, _, path = entry.partition("\t")
            if path and path.startswith(self._prefix):
                yield path.removeprefix(self._prefix), head.split()[2]

    def _declaration(self, blob: str | None, commit: git.Commit) -> SuiteSpec | None:
        if blob is None:
            return None
        if blob not in self._declared:
            self._declared[blob] = self._parse_commit(commit)
        return self._declared[blob]

    def _parse_commit(self, commit: git.Commit) -> SuiteSpec | None:
        try:
            return declared_at(self._project, commit.hexsha).suites.get(self._suite)
        except HarnessError:
            return None

    def _digest(self, suite: SuiteSpec, blobs: Mapping[str, str]) -> str:
        globs = freshness.globs_of(suite)
        patterns = [inputs.pattern(glob) for glob in globs]
        golden = f"{self._project.golden.relative_to(self._project.root)}/{suite.judged_by}/"
        used = {
            path: blob
            for path, blob in blobs.items()
            if path.startswith(golden)
            or path in globs
            or (
                not _SKIPPED.intersection(path.split("/"))
                and any(found.fullmatch(path) for found in patterns)
            )
        }
        environment = stamp.environment_of(suite)
        depends = {
            "declaration": plan.suite_sha256(suite),
            "files": used,
            "environment": {key: environment[key] for key in stamp.IDENTITY},
            "settings": self._settings,
        }
        return sha256_bytes(json_bytes(depends))
