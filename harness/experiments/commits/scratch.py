"""A scratch worktree: a commit outside of the user's tree, and the run of a suite there."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.config import config_file, interpreters, stage_environment
from harness.config.project import Project
from harness.errors import ConfigError, HarnessError
from harness.evidence.hub import checkout, inputs
from harness.evidence.hub.store import HubStore
from harness.files import real_path
from harness.judgement import freshness
from harness.records import HubRecord
from harness.runner.stages import child, dataset_log
from harness.runner.stages.child import ChildSpec, Stop
from harness.runner.stages.log_stream import LogStream

_TIMEOUT_S = 3600.0
_LEFT_OVER = "3.hours.ago"
_GRACE_S = 30.0
_NAMED = 5
JUDGED_HERE = "-P"  # flag of Python: the working folder is no place of modules
_PASSED_ON = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", interpreters.INSTEAD)


def top_of(root: Path) -> Path:
    """Return the top of the work tree that holds a project.

    Raises:
        ConfigError: There is none.
    """
    try:
        return checkout.top_of(root)
    except checkout.GitError as error:
        raise ConfigError(
            str(root),
            found=f"no git repository: {error.found}",
            expected="commits to search",
            remedy="Run this in a git work tree.",
        ) from error


@contextlib.contextmanager
def worktree(project: Project, revision: str, name: str) -> Iterator[Path]:
    """Check a commit out in a temporary folder and yield the project's place there.

    Generated datasets are shared in both directions: they are found by the digest of what
    makes them. The worktree is gone afterwards, and so are those that killed runs left.
    Submodules are checked out at the commits that the revision names, from the repositories
    that they have in the user's tree; nothing is fetched. Hooks do not run, nor filters but
    those that the user or the system has set up.

    Raises:
        ConfigError: The commit cannot be checked out.
    """
    top = top_of(project.root)
    inside = real_path(project.root).relative_to(top)
    folder = real_path(Path(tempfile.mkdtemp(prefix=f"harness-{name}-")))
    tree = folder / "tree"
    root = tree / inside
    added: list[tuple[Path, Path]] = []
    try:
        # Those of other machines that share the repository look as if they were gone.
        checkout.call(top, "worktree", "prune", f"--expire={_LEFT_OVER}")
        _check_out(top, tree, revision, added)
        theirs = root / project.work.relative_to(project.root)
        if (project.work / "datasets").is_dir():
            shutil.copytree(project.work / "datasets", theirs / "datasets")
            dataset_log.copy_log(project.work, theirs, os.listdir(theirs / "datasets"))  # noqa: PTH208 - names only
        yield root
        _keep_new(theirs, project.work)
    finally:
        for owner, made in reversed(added):
            checkout.ask(owner, "worktree", "remove", "--force", "--force", str(made))
        shutil.rmtree(folder, ignore_errors=True)


def _check_out(top: Path, tree: Path, revision: str, added: list[tuple[Path, Path]]) -> None:
    """Check a commit out, and the submodules it names; note repository and tree of each."""
    words = ("add", "--quiet", "--detach", str(tree), revision)
    checkout.call(top, "worktree", *words, keeps_own_filters=True, timeout_s=_TIMEOUT_S)
    added.append((top, tree))
    for path, commit in checkout.submodules_at(tree, "HEAD"):
        inner = top / path
        if checkout.is_repository(inner):
            checkout.ask(inner, "worktree", "prune", f"--expire={_LEFT_OVER}")
            _check_out(inner, tree / path, commit, added)


def tell_missing(project: Project, suite: str) -> str:
    """Say which inputs of a suite no commit holds, so that a scratch checkout lacks them."""
    globs = freshness.globs_of(config_file.find_suite(project, suite))
    try:
        named = set(inputs.resolve(project.root, globs, (project.hubs, project.work)))
    except ConfigError as error:
        return f"{error.where} names {error.found}. {error.remedy}"
    output = checkout.ask(project.root, "ls-files", "-z", "--recurse-submodules") or b""
    committed = set(os.fsdecode(output).split("\0"))
    lacking = sorted(named - committed)
    if not lacking:
        return "Run the suite on that commit by hand, in a clone of its own."
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    first = ", ".join(lacking[:_NAMED])
    return f"Commit what no checkout holds, or let a stage make it: {first}{more}."


def _keep_new(theirs: Path, ours: Path) -> None:
    """Take over what was generated there and is not here yet, with its entries."""
    made, ours_, new = theirs / "datasets", ours / "datasets", []
    for folder in made.iterdir() if made.is_dir() else ():
        if (ours_ / folder.name).exists():
            continue
        ours_.mkdir(parents=True, exist_ok=True)
        part = ours_ / f".{folder.name}.{os.getpid()}"
        shutil.copytree(folder, part)
        try:
            part.rename(ours_ / folder.name)
        except OSError:  # another run was first
            shutil.rmtree(part, ignore_errors=True)
        else:
            new.append(folder.name)
    dataset_log.copy_log(theirs, ours, new)


def run_suite(
    project: Project,
    suite: str,
    root: Path,
    stop: Stop,
    words: Sequence[str] = (),
    *,
    program: Sequence[str] = (sys.executable,),
    environ: Mapping[str, str] = os.environ,
) -> tuple[Path, HubRecord]:
    """Run a suite in a worktree and return its sealed hub with the record.

    Args:
        project: The project as it is declared in the user's tree.
        suite: Name of the suite.
        root: The project's place in the worktree.
        stop: The wish to end early.
        words: Further words of the command line.
        program: The interpreter of harness and stages; with ``JUDGED_HERE`` behind it, a
            harness that lies in the worktree is not the one that judges.
        environ: Variables of which the run is given those that a run may see.

    Raises:
        HarnessError: The run left no hub.
    """
    hubs = root / project.hubs.relative_to(project.root)
    store = HubStore(hubs, root / project.work.relative_to(project.root))
    before = set(store.hubs(suite))
    spec = ChildSpec(
        argv=(*program, "-m", "harness", "-C", str(root), "run", suite, "--quiet", *words),
        cwd=root,
        environment={
            **stage_environment.select_variables(_PASSED_ON, environ),
            interpreters.HOME: str(project.root),
        },
        timeout_s=_TIMEOUT_S,
        mark=f"scratch-{root}",
        grace_s=_GRACE_S,
    )
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="harness-log-") as folder:
        log = LogStream(Path(folder) / "run.log", bytes, lines.append, overlap=0)
        ended = child.run_child(spec, log, stop)
        log.close()
    made = [hub for hub in store.hubs(suite) if hub not in before]
    if not made:
        raise HarnessError(
            f"suite {suite} in a scratch worktree",
            found=f"no hub ({ended.ended}, exit {ended.exit_code}): {' '.join(lines[-2:])}",
            expected="a sealed run",
            remedy="Run the suite on that state by hand.",
        )
    return made[-1], store.read(made[-1])
