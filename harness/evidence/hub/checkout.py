"""The one door to git: asked with as little of anybody's settings as can be, and harmless.

A repository may come from anywhere, and its configuration can name programs: a file monitor,
hooks, filters, diff drivers, an ssh command. None of them is run, nothing is fetched, no lock
is taken that another git would wait for, and a bare repository that somebody laid into a folder
of another one is not entered.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.errors import ConfigError
from harness.files import real_path

_TIMEOUT_S = 60.0
_SETTINGS = (
    ("safe.bareRepository", "explicit"),
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("core.quotePath", "false"),
    ("core.pager", "cat"),
    ("core.sshCommand", "false"),
    ("core.askPass", "false"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("log.showSignature", "false"),
    ("diff.submodule", "short"),
    ("status.submoduleSummary", "false"),
    ("submodule.recurse", "false"),
    ("core.checkStat", "default"),
    ("core.trustCtime", "true"),
    ("core.untrackedCache", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "none",  # a list of protocols, of which this is none
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # refs/replace may show another history
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
# Keys that name a program, whatever stands in between; an empty value switches each off.
_PROGRAMS = re.compile(
    r"(?:filter\..+\.(?:clean|smudge|process)|diff\..+\.(?:command|textconv)|hook\..+\.command)",
    re.DOTALL | re.IGNORECASE,
)
_REQUIRED = re.compile(r"filter\..+\.required", re.DOTALL | re.IGNORECASE)
# Only what reads or writes files of a work tree can come to a filter or a driver.
_WITH_CONTENT = frozenset({"apply", "checkout", "diff", "show", "status", "worktree"})
# Options without which a driver or a converter that a setting names would be run.
_PLAIN = {
    "diff": ("--no-ext-diff", "--no-textconv"),
    "show": ("--no-ext-diff", "--no-textconv"),
}
SUBMODULE = "160000 "  # the mode of an entry that is a commit
_OWN_SCOPES = (b"system", b"global")
# What git takes for a repository, wherever it lies.
_BARE = ("HEAD", "objects", "refs")


class GitError(ConfigError):
    """Git refused, or there is none."""


def ask(root: Path, *arguments: str) -> bytes | None:
    """Return what git prints, or None where it fails or there is no git."""
    try:
        return call(root, *arguments)
    except GitError:
        return None


def call(
    root: Path,
    command: str,
    *arguments: str,
    keeps_own_filters: bool = False,
    timeout_s: float = _TIMEOUT_S,
) -> bytes:
    """Return what git prints.

    Args:
        root: Folder of a work tree; no repository above it but that of the work tree is asked.
        command: Command of git.
        arguments: Its options and words; what a stranger wrote never begins with a dash.
        keeps_own_filters: Whether filters that the user or the system has set up, such as
            those of large files, may run; those that a repository names never do.
        timeout_s: Bound on its time [s].

    Raises:
        GitError: Git failed, took too long, is not installed, or ``root`` lies in a bare
            repository inside of another one.
    """
    if embedded := embedded_repository(root):
        raise _refusal(command, f"a bare repository at {embedded}")
    settings = list(_SETTINGS)
    if command in _WITH_CONTENT:
        settings += _switched_off(root, keeps_own_filters=keeps_own_filters)
    words = (command, *_PLAIN.get(command, ()), *arguments)
    return _run(root, words, settings, timeout_s)


def top_of(root: Path) -> Path:
    """Return the top of the work tree that holds a folder, links resolved.

    Raises:
        GitError: There is none.
    """
    said = call(root, "rev-parse", "--show-toplevel")
    return real_path(Path(os.fsdecode(said.removesuffix(b"\n"))))


def is_repository(folder: Path) -> bool:
    """Whether a folder is the top of a work tree of its own."""
    return os.path.lexists(folder / ".git")


def submodules_at(root: Path, revision: str) -> list[tuple[str, str]]:
    """Return path below the top and commit of each submodule that a revision names.

    Raises:
        GitError: There is no such revision.
    """
    listed = call(root, "ls-tree", "-r", "-z", "--full-tree", revision).split(b"\0")
    entries = (os.fsdecode(entry).partition("\t")[::2] for entry in listed if entry)
    return [(path, head.split()[2]) for head, path in entries if head.startswith(SUBMODULE)]


def embedded_repository(root: Path) -> Path | None:
    """Return the bare repository that a folder lies in, below any work tree; None if in none.

    Git before 2.38 does not know the setting that forbids to enter one.
    """
    here = root.absolute()
    for folder in (here, *here.parents):
        if os.path.lexists(folder / ".git"):
            return None
        if all(os.path.lexists(folder / name) for name in _BARE):
            return folder
    return None


def _switched_off(root: Path, *, keeps_own_filters: bool) -> Iterator[tuple[str, str]]:
    """Yield settings that switch off each program which the configuration names."""
    listed = ("config", "--list", "-z", "--show-scope", "--name-only")
    words = _run(root, listed, _SETTINGS).split(b"\0")
    for scope, name in zip(words[::2], words[1::2], strict=False):
        if keeps_own_filters and scope in _OWN_SCOPES:
            continue
        key = os.fsdecode(name)
        if _PROGRAMS.fullmatch(key):
            yield key, ""
        elif _REQUIRED.fullmatch(key):
            yield key, "false"


def _run(
    root: Path,
    words: tuple[str, ...],
    settings: Iterable[tuple[str, str]],
    timeout_s: float = _TIMEOUT_S,
) -> bytes:
    argv = ["git", "--no-optional-locks", "--no-pager", "-C", str(root), *words]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with our own arguments
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=timeout_s,
            env=_environment(settings),
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise _refusal(words[0], str(error)) from error
    if done.returncode:
        raise _refusal(words[0], os.fsdecode(done.stderr))
    return done.stdout


def _environment(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the environment of a call; settings stand in it, where a key may hold a '='."""
    # A hook that calls the harness sets GIT_DIR and the like for its own purposes.
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    said = list(settings)
    numbered = {f"GIT_CONFIG_KEY_{i}": key for i, (key, _) in enumerate(said)}
    numbered |= {f"GIT_CONFIG_VALUE_{i}": value for i, (_, value) in enumerate(said)}
    return {**clean, **_ENVIRONMENT, "GIT_CONFIG_COUNT": str(len(said)), **numbered}


def _refusal(command: str, said: str) -> GitError:
    return GitError(
        f"git {command}",
        found=" ".join(said.split())[:300] or "a refusal without a word",
        expected="an answer",
        remedy="Try the command by hand; harness doctor tells what git lacks here.",
    )
