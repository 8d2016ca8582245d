"""Datasets by role: given files, or generated ones cached by what makes them.

The cache key is the digest of the command and of the files that it runs. A generated file
gets its place by one rename, so that a killed run leaves no half of it; that it was generated,
which digest it had and what was read without being declared stands in the local ledger.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.config.placeholders import fill
from harness.config.project import DatasetSpec, StageSpec
from harness.config.toml_table import nearest
from harness.errors import ConfigError
from harness.files import json_bytes, real_path, sha256_bytes, sha256_file
from harness.frozen import dataclass
from harness.records import DatasetRecord
from harness.runner.stages import dataset_log, watch
from harness.runner.stages.base import StageContext, StageResult
from harness.runner.stages.command import CommandStage
from harness.runner.stages.dataset_log import Logged
from harness.verdict import Verdict

FOLDER = "datasets"
_TIMEOUT_S = 1800.0
_MOST_READ, _NAMED = 10_000, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One dataset as found: its record, and where it lies (absolute)."""

    record: DatasetRecord
    path: Path


class GenerationFailedError(Exception):
    """A dataset could not be generated: ``result`` tells how its command went."""

    def __init__(self, stage: StageSpec, result: StageResult) -> None:
        """Keep the stage that stands for the generation, and how its command went."""
        super().__init__(result.reason)
        self.stage, self.result = stage, result


def check_given(specs: tuple[DatasetSpec, ...], files: Mapping[str, Path]) -> None:
    """Refuse given datasets that the suite cannot use.

    Raises:
        ConfigError: An unknown role, no such file, or a role that is neither given nor
            generated.
    """
    roles = [spec.role for spec in specs]
    for role, path in files.items():
        if role not in roles:
            raise ConfigError(
                f"dataset {role!r}",
                found="a role that the suite does not use",
                expected="a role of the suite",
                remedy=nearest(role, roles),
            )
        if not path.is_file():
            raise ConfigError(
                f"dataset {role}: {path}",
                found="a folder" if path.is_dir() else "no such file",
                expected="a file",
                remedy="Correct the path.",
            )
    for spec in specs:
        if spec.role not in files and not spec.generate:
            raise ConfigError(
                f"dataset {spec.role!r}",
                found="nothing",
                expected="a file, for it has no generate command",
                remedy=f"Give --with {spec.role}=PATH.",
            )


def record_given(role: str, path: Path, digest: Callable[[Path], str]) -> Dataset:
    """Record a dataset that was given.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        sha256, size = digest(path), path.stat().st_size
    except OSError as error:
        raise ConfigError(
            f"dataset {role}: {path}",
            found=error.strerror or str(error),
            expected="a readable file",
            remedy="Fix the file.",
        ) from error
    record = DatasetRecord(role=role, name=path.name, sha256=sha256, size=size, generated=False)
    return Dataset(record=record, path=real_path(path))


def key(spec: DatasetSpec, inputs: Mapping[str, str]) -> str:
    """Return the cache key of a generated dataset: its command and what makes it."""
    recipe = {"generate": list(spec.generate), "file": spec.file, "inputs": dict(inputs)}
    return sha256_bytes(json_bytes(recipe))


def digest_of(root: Path, digest: Callable[[Path], str]) -> Callable[[str], str]:
    """Make the digest of files by name below a root; of one that is not there it is empty."""

    def digest_name(name: str) -> str:
        try:
            return digest(root / name)
        except OSError:
            return ""

    return digest_name


def find_cached(
    shared: Path,
    spec: DatasetSpec,
    inputs: Mapping[str, str],
    proven: Mapping[str, Sequence[Logged]],
    digest: Callable[[str], str],
) -> Dataset | None:
    """Return a dataset from the cache, or None where it is not there or not as it was made.

    Where what makes it read files that no input names, these must be the same now.

    Args:
        shared: Folder of what all runs share.
        spec: The dataset.
        inputs: Digests of the files that make it.
        proven: What was generated, by key; see ``dataset_log``.
        digest: Of a file by its name below the project; empty where it is not there.
    """
    known = key(spec, inputs)
    for logged in proven.get(known, ()):
        if any(not sha256 or digest(name) != sha256 for name, sha256 in logged.read.items()):
            continue
        path = shared / FOLDER / dataset_log.folder_name(known, logged.read) / spec.file
        try:
            sha256, size = sha256_file(path), path.stat().st_size
        except OSError:
            continue
        if logged.sha256 == sha256 and not path.is_symlink():
            return Dataset(record=_record(spec, sha256, size, tuple(logged.read)), path=path)
    return None


def _record(
    spec: DatasetSpec, sha256: str, size: int, undeclared: tuple[str, ...]
) -> DatasetRecord:
    return DatasetRecord(
        role=spec.role,
        name=spec.file,
        sha256=sha256,
        size=size,
        generated=True,
        undeclared=undeclared[: watch.MOST_NAMES],
    )


def stage_id(role: str) -> str:
    """Name the stage that generates a dataset."""
    return f"dataset-{role}"


def generate(
    shared: Path, spec: DatasetSpec, inputs: Mapping[str, str], context: StageContext
) -> Dataset:
    """Generate a dataset into its cache folder, and log it with what it was read from.

    Args:
        shared: Folder of what all runs share.
        spec: The dataset.
        inputs: Digests of the files that make it.
        context: Of the run; ``own`` is what is known by other means.

    Raises:
        GenerationFailedError: The command failed, wrote no file, or read, where inputs are
            strict, what no input names.
    """
    making = context.work / stage_id(spec.role)
    making.mkdir(parents=True)
    output = making / spec.file
    values = {**context.values, "output": str(output)}
    stage = StageSpec(
        id=stage_id(spec.role),
        kind="command",
        argv=tuple(fill(item, values) for item in spec.generate),
        timeout_s=_TIMEOUT_S,
    )
    result = CommandStage().run(stage, context)
    if result.verdict is Verdict.GREEN and not (output.is_file() and output.stat().st_size):
        reason = f"{spec.file} was not written"
        result = replace(result, outcome="failed", verdict=Verdict.RED, reason=reason)
    undeclared = watch.find_undeclared(
        context.root, context.work, stage.id, inputs, context.own, most=_MOST_READ
    )
    if undeclared and context.is_strict and result.verdict is Verdict.GREEN:
        reason = f"read, not declared: {', '.join(undeclared[:_NAMED])}"
        result = replace(result, outcome="failed", verdict=Verdict.RED, reason=reason)
    if result.verdict is not Verdict.GREEN:
        raise GenerationFailedError(stage, result)
    digest = digest_of(context.root, sha256_file)
    # Of "a.pyc (compiled, hides a.py)" the file; what is no file of that name fits no tree.
    names = dict.fromkeys(text.partition(" (")[0] for text in undeclared)
    read = {name: digest(name) for name in names}
    sha256, size = sha256_file(output), output.stat().st_size
    folder = shared / FOLDER / dataset_log.folder_name(key(spec, inputs), read)
    _publish(making, folder)
    dataset_log.log_dataset(shared, key(spec, inputs), Logged(sha256=sha256, read=read), size)
    return Dataset(record=_record(spec, sha256, size, undeclared), path=folder / spec.file)


def _publish(making: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():  # a damaged one: ``cached`` refused it
        shutil.rmtree(folder)
    try:
        making.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        shutil.rmtree(making)  # another run was first
