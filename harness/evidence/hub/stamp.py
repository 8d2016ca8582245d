"""Where the source and the machine stood: the git stamp and the environment record."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from harness.config import interpreters, placeholders, stage_environment
from harness.config.project import SuiteSpec
from harness.evidence.hub import checkout, interpreter
from harness.evidence.numerics import numeric_class
from harness.files import real_path, sha256_file
from harness.frozen import dataclass
from harness.records import Stamp

NONE = interpreter.NONE
_DEVICE_FLAGS = ("--accelerator", "--device")
_GPU = ("cuda", "gpu")
_UNKNOWN = Stamp(commit=NONE, tree=NONE, branch=None, dirty=True, diff_sha256=None)
# Of a submodule git is asked for its commit; what differs within is seen by looking there.
_OWN_COMMITS = "--ignore-submodules=dirty"
_SHA1_DIGITS = 40
# Told for people; freshness compares the rest.
_FOR_PEOPLE = ("implementation", "cpu_count")


def take(root: Path, own: Sequence[Path]) -> Stamp:
    """Stamp commit, tree, branch and difference of the work tree that holds ``root``.

    Folders of the harness's ``own``, such as the hub store, do not count as differences.
    Outside git, and before a first commit, the commit is ``none`` and the tree counts as
    dirty: nothing vouches for it.
    """
    named = checkout.ask(root, "rev-parse", "HEAD", "HEAD^{tree}")
    if named is None:
        return _UNKNOWN
    if not real_path(root).is_relative_to(checkout.top_of(root)):
        return _UNKNOWN  # core.worktree sends git to another folder, of which it would speak
    commit, tree = named.decode().split()[:2]
    branch = checkout.ask(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    changes = difference(root, own)
    return Stamp(
        commit=commit,
        tree=tree,
        branch=branch.decode(errors="replace").strip() if branch else None,
        dirty=changes is not None,
        diff_sha256=changes,
    )


def tell_missing(root: Path) -> str:
    """Say why git names no commit here: what it said itself."""
    try:
        checkout.call(root, "rev-parse", "--verify", "HEAD")
        return f"the work tree of this repository is {checkout.top_of(root)}"
    except checkout.GitError as error:
        return f"{error.found}"


def difference(root: Path, own: Sequence[Path]) -> str | None:
    """Digest what differs from the commit; None when nothing does.

    Untracked files count, and so do files that git was told to take for unchanged and what
    differs in submodules, whatever the settings say of them.
    """
    scope = ("--", ":/", *(f":(exclude){os.path.relpath(folder, root)}" for folder in own))
    seen = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
    status = checkout.ask(root, "status", *seen, _OWN_COMMITS, *scope)
    top = checkout.top_of(root)
    listed = checkout.ask(root, "ls-files", "-v", "-s", "-z", *scope) or b""
    entries = [_IndexEntry.parse(line) for line in listed.split(b"\0") if line]
    hidden = [entry for entry in entries if entry.is_hidden and entry.differs(root)]
    inner = [root / entry.path for entry in entries if entry.is_submodule]
    below = {str(path): difference(path, ()) for path in inner if checkout.is_repository(path)}
    changed = sorted((path, state) for path, state in below.items() if state is not None)
    if status is None:  # git cannot say, so nothing vouches for the tree
        return hashlib.sha256(b"unknown").hexdigest()
    if not (status or hidden or changed):
        return None
    digest = hashlib.sha256(status)
    flags = ("--binary", "--no-renames", _OWN_COMMITS, "HEAD")
    digest.update(checkout.ask(root, "diff", *flags, *scope) or b"")
    untracked = [e[3:] for e in status.split(b"\0") if e.startswith(b"?? ")]
    for path in [top / os.fsdecode(name) for name in untracked] + [
        root / e.path for e in hidden
    ]:
        if path.is_file() and not path.is_symlink():
            # Gone since git named it: another run's temporary hub, or an editor's swap file.
            with contextlib.suppress(FileNotFoundError):
                digest.update(sha256_file(path).encode())
    for inside, state in changed:
        digest.update(
            f"{state}  {os.path.relpath(inside, top)}\n".encode(errors="surrogateescape")
        )
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _IndexEntry:
    """One line of git's index: its flag, mode and object, and its path below the root."""

    flag: str
    mode: str
    object: str
    path: str

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Read a line of ``git ls-files -v -s -z``."""
        head, _, path = os.fsdecode(line).partition("\t")
        flag, mode, name, _ = head.split(" ")
        return cls(flag, mode, name, path)

    @property
    def is_submodule(self) -> bool:
        """Whether a commit stands here in the place of files."""
        return checkout.SUBMODULE.startswith(self.mode)

    @property
    def is_hidden(self) -> bool:
        """Whether git does not look at the file: assumed unchanged, or left out of the tree."""
        return self.flag.islower() or self.flag == "S"

    def differs(self, root: Path) -> bool:
        """Whether the file holds other bytes than the index says; one left out does not."""
        path = root / self.path
        try:
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        except FileNotFoundError:
            return self.flag != "S"
        except OSError:
            return True
        kind = hashlib.sha1 if len(self.object) == _SHA1_DIGITS else hashlib.sha256
        return kind(b"blob %d\0" % len(content) + content).hexdigest() != self.object


def environment_of(suite: SuiteSpec, root: Path, *, may_start: bool) -> dict[str, str]:
    """Return what a run of a suite would depend on here; see ``environment``.

    A stage with an interpreter of its own adds what differs there as ``<name>@<stage>``.

    Args:
        suite: The suite as it is declared.
        root: Folder of its project.
        may_start: Whether interpreters that it names may be started. Only commands that run
            a suite may; what reads a clone of others runs nothing of it.

    Raises:
        ConfigError: A declared interpreter is missing, or may not be asked and was not.
    """
    machine = _machine(placeholders.argvs(suite), suite.parameters)
    variables = stage_environment.select_variables(suite.environment, os.environ)

    def describe(words: Sequence[str]) -> dict[str, str]:
        versions = interpreter.describe(words, root, suite.packages, may_start=may_start)
        command = interpreters.locate(words, root)
        numbers = numeric_class.describe(
            command, versions, machine["device"], variables, may_start=may_start
        )
        return {**numbers, **versions}

    recorded = {**describe(suite.python), **machine}
    for stage in suite.stages:
        if stage.python:
            own = describe(stage.python)
            differing = {k: v for k, v in own.items() if recorded.get(k) != v}
            recorded |= {f"{key}@{stage.id}": value for key, value in differing.items()}
    return recorded


def environment(
    argvs: Sequence[Sequence[str]],
    parameters: Mapping[str, str],
    packages: Sequence[str] = (),
) -> dict[str, str]:
    """Record what results depend on: versions, platform and device class.

    Args:
        argvs: Argument vectors of the stages; the accelerator they ask for is the device.
        parameters: Parameters of the suite; ``device`` says it outright.
        packages: Distributions to record; see ``interpreter.describe``.
    """
    own = interpreter.describe((), Path(), packages, may_start=False)
    return {**own, **_machine(argvs, parameters)}


def _machine(argvs: Sequence[Sequence[str]], parameters: Mapping[str, str]) -> dict[str, str]:
    return {"cpu_count": str(os.cpu_count() or 0), "device": device(argvs, parameters)}


def identity(recorded: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of an environment that freshness compares; the rest is for people."""
    return {
        key: value
        for key, value in recorded.items()
        if key not in _FOR_PEOPLE and not key.startswith("env.")
    }


def differing_parts(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Name the parts that freshness compares and that are not the same; absent is none."""
    left, right = identity(before), identity(after)
    differing = (k for k in {**left, **right} if left.get(k, NONE) != right.get(k, NONE))
    return numeric_class.sort_first(differing)


def device(argvs: Sequence[Sequence[str]], parameters: Mapping[str, str]) -> str:
    """Return the device class of a suite: ``cpu`` or ``cuda``."""
    wanted = [parameters["device"]] if "device" in parameters else []
    for argv in argvs:
        for flag, value in itertools.pairwise(argv):
            if flag in _DEVICE_FLAGS:
                wanted.append(value)
        wanted += [
            item.partition("=")[2]
            for item in argv
            if item.startswith(tuple(f"{flag}=" for flag in _DEVICE_FLAGS))
        ]
    has_gpu = Path("/proc/driver/nvidia/version").exists()
    is_gpu = any(w.startswith(_GPU) or (w == "auto" and has_gpu) for w in wanted)
    return "cuda" if is_gpu else "cpu"
