"""A hub as guards see it: the same while a run is judged and when the hub is verified."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any, Self

from harness import files
from harness.errors import EvidenceMissingError, IntegrityError, StorageError
from harness.evidence.hub import inventory, store
from harness.files import real_path, sha256_bytes
from harness.frozen import dataclass
from harness.records import (
    ArtifactRecord,
    DatasetRecord,
    HubRecord,
    MemberRecord,
    StageRecord,
)

_READ_LIMIT = 64 << 20
# A value takes up to 100 bytes of memory: below 300 MB whatever a file of this size says.
_JSON_LIMIT, _VALUES_LIMIT = 16 << 20, 1_000_000
# Of the rules that hold for every artifact: a hub is judged by those that judged it first.
EDITION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a run recorded so far."""

    stages: tuple[StageRecord, ...]
    artifacts: tuple[ArtifactRecord, ...]
    datasets: tuple[DatasetRecord, ...]
    environment: dict[str, str]
    edition: int = EDITION
    parameters: dict[str, str] = field(default_factory=dict)
    expects: str = ""
    runs: int = 1
    members: tuple[MemberRecord, ...] = ()

    @classmethod
    def from_record(cls, record: HubRecord) -> Self:
        """Take what a record tells."""
        return cls(
            stages=record.stages,
            artifacts=record.artifacts,
            datasets=record.datasets,
            environment=record.environment,
            edition=record.default_rules,
            parameters=record.parameters,
            expects=record.expects,
            runs=record.runs,
            members=record.members,
        )


class HubEvidence:
    """Reads artifacts and logs of one hub; nothing outside its root but external artifacts.

    An external artifact is looked for relative to the project, and only its recorded
    bytes count.
    """

    def __init__(
        self, root: Path, facts: Facts | None = None, *, project: Path | None = None
    ) -> None:
        """Open a hub.

        Args:
            root: Folder of the hub.
            facts: What was recorded; read from ``hub.json`` when left out.
            project: Root of the project; found above the hub when left out.

        Raises:
            NotAProjectError: The folder is no hub.
            IntegrityError: Its record is damaged.
        """
        if facts is None:
            facts = Facts.from_record(store.read_record(root))
        self._root = root
        self._facts = facts
        self._project = project
        # Many guards look at one artifact after the other; only the last one is held.
        self._parsed: tuple[str, Callable[[bytes], Any] | None, Any] | None = None
        self._read_paths: set[str] = set()

    @property
    def read_paths(self) -> frozenset[str]:
        """Files of the hub that were read so far, by path relative to it."""
        return frozenset(self._read_paths)

    @property
    def root(self) -> Path:
        """Folder of the hub."""
        return self._root

    @property
    def stages(self) -> dict[str, StageRecord]:
        """Stages by id."""
        return {stage.id: stage for stage in self._facts.stages}

    @property
    def artifacts(self) -> dict[str, ArtifactRecord]:
        """Collected artifacts by id."""
        return {artifact.id: artifact for artifact in self._facts.artifacts}

    @property
    def datasets(self) -> dict[str, DatasetRecord]:
        """Datasets by role."""
        return {dataset.role: dataset for dataset in self._facts.datasets}

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the run."""
        return self._facts.environment

    @property
    def runs(self) -> int:
        """How many runs the verdict is to stand on, this one included."""
        return self._facts.runs

    @property
    def members(self) -> tuple[MemberRecord, ...]:
        """The runs that it stands on besides this one."""
        return self._facts.members

    @property
    def edition(self) -> int:
        """Edition of the default rules by which the run is judged."""
        return self._facts.edition

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters of the run."""
        return self._facts.parameters

    @property
    def expects(self) -> str:
        """Class of answer that was declared for this run; empty where nobody did."""
        return self._facts.expects

    def read(self, artifact: str, limit: int = _READ_LIMIT) -> bytes:
        """Return the bytes of an artifact.

        Raises:
            EvidenceMissingError: It was not collected, is not there, or is too large.
            IntegrityError: Its bytes or its path are not what was recorded.
            StorageError: The disk refused to read it, which says nothing about it.
        """
        record = self.artifacts.get(artifact)
        if record is None:
            raise _missing_error(
                f"artifact {artifact}", "nothing collected", "Run the suite again."
            )
        base = self._root if not record.external else self._project_root()
        content = _read_bytes(base, record.path, limit)
        if not record.external:
            self._read_paths.add(record.path)
        if record.external and sha256_bytes(content) != record.sha256:
            raise _damage(record.path, "other bytes", f"SHA-256 {record.sha256}")
        return content

    def json(self, artifact: str) -> Any:
        """Return the parsed JSON of an artifact.

        Raises:
            EvidenceMissingError: It is not there, is no JSON, has a name twice in one object,
                or is too large to be held in memory.
            IntegrityError: Its path is not what a hub may hold.
            StorageError: The disk refused to read it.
        """
        if self._parsed is None or self._parsed[:2] != (artifact, None):
            self._parsed = artifact, None, self._parse_json(artifact)
        return self._parsed[2]

    def parse(self, artifact: str, read: Callable[[bytes], Any], limit: int) -> Any:
        """Return what a reader of a format makes of an artifact of at most ``limit`` bytes.

        Raises:
            EvidenceMissingError: It is not there or too large.
            Exception: Whatever ``read`` raises.
        """
        if self._parsed is None or self._parsed[:2] != (artifact, read):
            self._parsed = artifact, read, read(self.read(artifact, limit))
        return self._parsed[2]

    def _parse_json(self, artifact: str) -> Any:
        content = self.read(artifact, _JSON_LIMIT)
        values = sum(content.count(mark) for mark in b",[{")
        if values > _VALUES_LIMIT:
            actual, remedy = f"over {values:,} values", f"At most {_VALUES_LIMIT:,} are read."
            raise _missing_error(f"artifact {artifact}", actual, remedy)
        try:
            return json.loads(content, object_pairs_hook=store.refuse_twice)
        except (ValueError, RecursionError) as error:
            raise _missing_error(
                f"artifact {artifact}", f"no JSON: {error}"[:120], "Repair the stage."
            ) from error

    def log(self, stage: str) -> str:
        """Return the complete log of a stage.

        Raises:
            EvidenceMissingError: The stage did not run or left no log.
            IntegrityError: Its path is not what a hub may hold.
            StorageError: The disk refused to read it.
        """
        record = self.stages.get(stage)
        if record is None or record.log is None:
            raise _missing_error(f"log of stage {stage}", "nothing", "Run the suite again.")
        self._read_paths.add(record.log)
        return _read_bytes(self._root, record.log, _READ_LIMIT).decode(errors="replace")

    def _project_root(self) -> Path:
        if self._project is not None:
            return self._project
        for folder in real_path(self._root).parents:
            if (folder / "harness.toml").is_file():
                return folder
        return self._root


def _read_bytes(base: Path, relative: str, limit: int) -> bytes:
    if problem := files.path_fault(relative):
        raise _damage(inventory.printable_path(relative), problem, "a path inside its root")
    full = base
    for part in Path(relative).parts:
        full = full / part
        if full.is_symlink():
            raise _damage(relative, "a symbolic link", "a file")
    try:
        status = full.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _damage(relative, "no regular file", "a file")
        if status.st_size > limit:
            raise _missing_error(
                relative, f"{status.st_size:,} bytes", f"At most {limit:,} are read."
            )
        return full.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing_error(
            relative, error.strerror or "nothing", "Run the suite again."
        ) from error
    except OSError as error:
        raise _refused_error(relative, error) from error


def _missing_error(where: str, found: str, remedy: str) -> EvidenceMissingError:
    return EvidenceMissingError(where, found=found, expected="evidence", remedy=remedy)


def _refused_error(where: str, error: OSError) -> StorageError:
    return StorageError(
        where,
        found=error.strerror or str(error),
        expected="a readable file",
        remedy="Look at the disk and the permissions, then run again.",
    )


def _damage(where: str, found: str, expected: str) -> IntegrityError:
    return IntegrityError(
        where,
        found=found,
        expected=expected,
        remedy="Restore the file from a copy, or run the suite again.",
    )
