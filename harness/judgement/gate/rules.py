"""The rules of a revision, read from git's objects: nothing is checked out, nothing runs.

Rules are the declaration, the goldens, the drills and the waivers. A link where a file of rules
should be is refused: it would let the work tree say what the commit does not.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path

from harness.config import config_file
from harness.config.project import Project
from harness.errors import ConfigError, HarnessError
from harness.evidence.hub import checkout
from harness.files import real_path
from harness.frozen import dataclass
from harness.judgement.declaration import load_project
from harness.judgement.golden import fingerprint
from harness.judgement.golden import store as golden_store
from harness.judgement.golden.store import GoldenSet

DRILLS, WAIVERS = "drills", "waivers"
_FILE_MODES = ("100644", "100755")
_NAME_SIZE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """What a revision demands.

    Attributes:
        revision: As it was named.
        commit: Its commit.
        tree: The tree of the commit.
        project: Its declaration, with folders below today's root; None where it has none.
        blobs: Id of each of its files, by path relative to the project.
        elsewhere: Declarations in other folders of the repository, from its top.
    """

    revision: str
    commit: str
    tree: str
    project: Project | None
    blobs: Mapping[str, str]
    elsewhere: tuple[str, ...]
    reader: Reader

    def goldens(self, suite: str) -> GoldenSet:
        """Return the goldens that judge a suite.

        Raises:
            IntegrityError: One is damaged.
        """
        if self.project is None:
            return GoldenSet()
        folder = self.project.goldens(suite).relative_to(self.project.root).as_posix()
        return self.reader.goldens(self.blobs, folder)

    def names(self, folder: str, ending: str) -> dict[str, str]:
        """Return the blobs of the files right in a folder, by name."""
        parted = ((path.rpartition("/"), blob) for path, blob in self.blobs.items())
        return {
            name: blob
            for (parent, _, name), blob in parted
            if parent == folder and name.endswith(ending)
        }

    def files(
        self, folder: str, ending: str, wanted: Collection[str] | None = None
    ) -> dict[str, bytes]:
        """Return the files right in a folder by name, all or those that are wanted.

        Raises:
            ConfigError: One is a link.
        """
        return {
            name: self.reader.content(blob, f"{folder}/{name}")
            for name, blob in self.names(folder, ending).items()
            if wanted is None or name in wanted
        }


@dataclasses.dataclass(slots=True, weakref_slot=True, eq=False)
class Reader:
    """Reads blobs of one repository, each once."""

    root: Path
    _contents: dict[str, bytes] = field(default_factory=dict)
    _goldens: dict[tuple[tuple[str, str], ...], GoldenSet] = field(default_factory=dict)

    def read(self, revision: str) -> RuleSet:
        """Read the rules of a revision.

        Raises:
            ConfigError: There is no such commit here, or its declaration cannot be used.
            IntegrityError: A golden of it is damaged.
        """
        commit = self._resolve(revision)
        tree = self._ask(
            revision, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}"
        )
        blobs = dict(self._list(commit))
        project = None
        if config_file.FILE in blobs:
            project = self._declare(self.content(blobs[config_file.FILE], revision), revision)
        return RuleSet(
            revision=revision,
            commit=commit,
            tree=tree.decode().strip(),
            project=project,
            blobs=blobs,
            elsewhere=tuple(self._elsewhere(commit)),
            reader=self,
        )

    def content(self, blob: str, where: str) -> bytes:
        """Return the bytes of a blob.

        Raises:
            ConfigError: It is a link, or not in this clone.
        """
        if blob.startswith("!"):
            raise ConfigError(
                where,
                found="a link or a submodule",
                expected="a file of rules",
                remedy="Commit the file itself.",
            )
        if blob not in self._contents:
            self._contents[blob] = self._ask(where, "cat-file", "blob", blob)
        return self._contents[blob]

    def goldens(self, blobs: Mapping[str, str], folder: str) -> GoldenSet:
        """Read the goldens in a folder of a tree, fingerprints included."""
        below = {
            path.removeprefix(f"{folder}/"): blob
            for path, blob in blobs.items()
            if path.startswith(f"{folder}/")
        }
        named = {name: blob for name, blob in below.items() if _is_golden(name)}
        key = tuple(sorted(named.items()))
        if key not in self._goldens:
            # Kept while this reader lives: the array of a fingerprint is read when it judges.
            place = Path(tempfile.mkdtemp(prefix="harness-golden-"))
            weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
            for name, blob in named.items():
                (place / name).parent.mkdir(exist_ok=True)
                (place / name).write_bytes(self.content(blob, f"{folder}/{name}"))
            self._goldens[key] = golden_store.load(place)
        return self._goldens[key]

    def _resolve(self, revision: str) -> str:
        if not revision.strip() or revision.startswith("-"):
            raise _no_commit(revision)
        self._require_one(revision)
        wanted = f"{revision}^{{commit}}"
        output = checkout.ask(self.root, "rev-parse", "--verify", "--quiet", wanted)
        if not output:
            raise _no_commit(revision)
        return output.decode().strip()

    def _require_one(self, revision: str) -> None:
        """Refuse a name of two references: a tag would stand before the branch."""
        places = [f"refs/{kind}/{revision}" for kind in ("tags", "heads", "remotes")]
        listed_refs = (
            checkout.ask(self.root, "for-each-ref", "--format=%(refname)", *places) or b""
        )
        names = [name for name in os.fsdecode(listed_refs).splitlines() if name in places]
        if len(names) > 1:
            raise ConfigError(
                f"revision {revision!r}"[:_NAME_SIZE],
                found=f"two references: {', '.join(names)}",
                expected="one commit",
                remedy=f"Name it in full: {names[0]}.",
            )

    def _ask(self, where: str, *arguments: str) -> bytes:
        output = checkout.ask(self.root, *arguments)
        if output is None:
            raise ConfigError(
                where[:_NAME_SIZE],
                found="an object that is not in this clone",
                expected="the whole commit",
                remedy="Fetch it, without a filter: git fetch origin REV.",
            )
        return output

    def _list(self, commit: str) -> Iterator[tuple[str, str]]:
        """Yield path and blob of each file below the project; links are marked."""
        listed = self._ask(commit, "ls-tree", "-r", "-z", commit)
        for entry in listed.split(b"\0"):
            head, _, path = entry.partition(b"\t")
            if path:
                mode, _, blob = head.decode().split()
                yield os.fsdecode(path), blob if mode in _FILE_MODES else f"!{blob}"

    def _elsewhere(self, commit: str) -> Iterator[str]:
        listed = self._ask(commit, "ls-tree", "-r", "-z", "--full-tree", "--name-only", commit)
        prefix = checkout.ask(self.root, "rev-parse", "--show-prefix") or b""
        own = prefix.strip() + config_file.FILE.encode()
        for path in listed.split(b"\0"):
            if path.rpartition(b"/")[2] == config_file.FILE.encode() and path != own:
                yield os.fsdecode(path)

    def _declare(self, content: bytes, revision: str) -> Project:
        """Read a declaration as if it lay here.

        Raises:
            ConfigError: It cannot be used; the message names the revision.
        """
        with tempfile.TemporaryDirectory(prefix="harness-rules-") as folder:
            place = real_path(Path(folder))
            (place / config_file.FILE).write_bytes(content)
            try:
                made = load_project(place)
            except HarnessError as error:
                raise ConfigError(
                    f"{error.where} at {revision}"[:_NAME_SIZE],
                    found=error.found,
                    expected=error.expected,
                    remedy=error.remedy,
                ) from error
            below = {
                name: self.root / getattr(made, name).relative_to(place)
                for name in ("hubs", "golden", "work")
            }
        return replace(made, root=self.root, **below)


def _is_golden(name: str) -> bool:
    """Say whether a file below the folder of a suite's goldens is one of theirs."""
    parent, _, file = name.rpartition("/")
    return (not parent and file.endswith(".json")) or (
        parent == fingerprint.FOLDER and file.endswith((".json", ".npy"))
    )


def _no_commit(revision: str) -> ConfigError:
    return ConfigError(
        f"revision {revision!r}"[:_NAME_SIZE],
        found="no such commit in this clone",
        expected="a commit, branch or tag",
        remedy="Fetch it first, in a shallow clone too: git fetch --depth=1 origin REV.",
    )
