"""Blockers: the record of a red cause, in the hub and in the register of the store.

In a hub the note is frozen: ``red/blocked_<UTC>_<slug>.md``. The register,
``<hubs>/blockers/<id>.md``, is where a cause lives on: the same signature is the same
blocker, seen once more. It closes after some green runs in a row, or by hand with a reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, IntegrityError
from harness.evidence.hub import layout
from harness.files import read_bounded, sha256_file, write_text
from harness.frozen import dataclass

if TYPE_CHECKING:  # the register is read without what reads logs
    from harness.evidence.hub.causes import Cause

GREEN_RUNS = 3
_HEAD = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """What stands at the head of a blocker note; instants are RFC 3339 in UTC.

    ``greens`` are the green runs in a row of each suite in which the cause was seen, and
    ``green_runs`` the fewest of them. Notes of older releases lack ``greens``.
    """

    id: str
    signature: str
    status: str
    suite: str
    stage: str | None
    guard: str | None
    commit: str
    dirty: bool
    first_seen: str
    last_seen: str
    occurrences: int
    green_runs: int
    policies: tuple[str, ...]
    title: str
    closed_because: str | None = None
    greens: dict[str, int] = field(default_factory=dict)

    @property
    def suites(self) -> tuple[str, ...]:
        """Every suite in which it was seen; ``suite`` is the last of them."""
        return tuple(self.greens) or (self.suite,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where and when a cause was seen."""

    run_id: str
    commit: str
    dirty: bool
    instant: str


class Register:
    """The blockers of a store, one file each."""

    def __init__(self, hubs: Path) -> None:
        """Take the store's folder; it need not exist."""
        self.folder = hubs / layout.BLOCKERS

    def entries(self) -> tuple[Blocker, ...]:
        """Return all blockers, the last seen first.

        Raises:
            IntegrityError: A file of the register is damaged.
        """
        blockers = [read_note(path) for path in sorted(self.folder.glob("B-*.md"))]
        return tuple(sorted(blockers, key=lambda b: b.last_seen, reverse=True))

    def count_sighting(self, cause: Cause, sighting: Sighting) -> Blocker:
        """Return the blocker of a cause with this sighting counted; nothing is written."""
        id_ = identity(cause)
        path = self.folder / f"{id_}.md"
        old = read_note(path) if path.is_file() else None
        return Blocker(
            id=id_,
            signature=cause.signature,
            status="open",
            suite=cause.suite,
            stage=cause.stage,
            guard=cause.guard,
            commit=sighting.commit,
            dirty=sighting.dirty,
            first_seen=old.first_seen if old else sighting.instant,
            last_seen=sighting.instant,
            occurrences=(old.occurrences if old else 0) + 1,
            green_runs=0,
            policies=cause.policies,
            title=cause.title,
            greens=dict.fromkeys([*(old.suites if old else ()), cause.suite], 0),
        )

    def keep(self, blocker: Blocker, body: str) -> None:
        """Write a blocker with its body."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / f"{blocker.id}.md", head(blocker) + body)

    def note_green(
        self,
        suite: str,
        instant: str,
        but: Collection[tuple[str, str]] = (),
        after: int = GREEN_RUNS,
    ) -> tuple[str, ...]:
        """Count a green run for the open blockers of a suite; close those that had enough.

        What was seen in several suites has to be green in each of them.

        Args:
            suite: Name of the suite.
            instant: When it was green.
            but: Kind and id of what failed all the same, in quarantine or until it was run
                again: its blockers are left as they are.
            after: Green runs in a row that close a blocker.

        Returns:
            Ids of the blockers that closed.
        """
        closed = []
        for blocker in self.entries():
            is_red = {("guard", blocker.guard), ("stage", blocker.stage)}.intersection(but)
            if suite not in blocker.suites or blocker.status != "open" or is_red:
                continue
            before = blocker.greens or {blocker.suite: blocker.green_runs}
            greens = {**before, suite: before[suite] + 1}
            runs = min(greens.values())
            changed = replace(blocker, green_runs=runs, greens=greens)
            if runs >= after:
                reason = f"{runs} green runs in a row, the last at {instant}"
                changed = replace(changed, status="closed", closed_because=reason)
                closed.append(blocker.id)
            self._rewrite(changed)
        return tuple(closed)

    def close(self, id_: str, reason: str) -> Blocker:
        """Close a blocker by hand.

        Raises:
            ConfigError: There is no such blocker, or no reason.
        """
        path = self.folder / f"{id_}.md"
        if not re.fullmatch(r"B-[0-9a-f]{8}", id_) or not path.is_file():
            raise ConfigError(
                f"blocker {id_!r}"[:60],
                found="no such blocker",
                expected="an id of the register",
                remedy="See harness blockers list.",
            )
        if not reason.strip():
            raise ConfigError(
                f"blocker {id_}",
                found="no reason",
                expected="why it may be closed",
                remedy="Give --reason TEXT.",
            )
        closed = replace(read_note(path), status="closed", closed_because=reason.strip())
        self._rewrite(closed)
        return closed

    def _rewrite(self, blocker: Blocker) -> None:
        path = self.folder / f"{blocker.id}.md"
        body = _HEAD.sub("", read_text(path), count=1)
        write_text(path, head(blocker) + body)


def identity(cause: Cause) -> str:
    """Return the id of a cause's blocker."""
    return f"B-{cause.signature[:8]}"


def note_name(cause: Cause, run_id: str) -> str:
    """Return the name of the note in a hub."""
    slug = re.sub(r"[^a-z0-9]+", "-", cause.title.lower()).strip("-")[:48]
    return f"blocked_{run_id[:16]}_{slug}.md"


def head(blocker: Blocker) -> str:
    """Write the front matter: one ``key: value`` a line, values as JSON (and so as YAML)."""
    lines = [
        f"{f.name}: {json.dumps(_plain(blocker, f.name), ensure_ascii=False)}"
        for f in fields(Blocker)
    ]
    return "---\n" + "\n".join(lines) + "\n---\n"


def body(cause: Cause, hub: Path, commands: Iterable[str]) -> str:
    """Write the note below its head; evidence is named with its digests."""
    proof = [
        f"- `{path}` SHA-256 {sha256_file(hub / path)}"
        for path in dict.fromkeys(cause.evidence)
        if (hub / path).is_file()
    ]
    fence = "`" * max(3, 1 + max((len(m) for m in re.findall(r"`+", cause.excerpt)), default=0))
    return "\n".join(
        [
            "",
            f"# Blocked: {cause.title.replace('-', ' ', 1)}",
            "",
            "## Issue",
            "",
            cause.issue,
            "",
            "## Root cause",
            "",
            f"{fence}text",
            cause.excerpt,
            fence,
            "",
            "## Evidence",
            "",
            *(proof or ["- none was left"]),
            "",
            "## Required fix",
            "",
            cause.fix,
            "",
            "## Commands for retry",
            "",
            "From the root of the project:",
            "",
            "```sh",
            *commands,
            "```",
            "",
        ]
    )


def read_note(path: Path) -> Blocker:
    """Read the head of a blocker note.

    Raises:
        IntegrityError: It is damaged.
    """
    return split_note(read_text(path), path)[0]


def read_text(path: Path) -> str:
    """Read a blocker note whole.

    Raises:
        IntegrityError: No regular file, too large, or no text.
    """
    try:
        note = read_bounded(path, _LARGEST).decode()
    except (OSError, ValueError) as error:
        raise _damage(path, str(error)[:80]) from error
    return note


def split_note(note: str, path: Path = Path("note.md")) -> tuple[Blocker, str]:
    """Take a blocker note apart into head and body.

    Raises:
        IntegrityError: The head is damaged; ``path`` is named.
    """
    try:
        match = _HEAD.match(note)
        values = dict(_field(line) for line in match[1].splitlines()) if match else {}
    except (ValueError, RecursionError) as error:
        raise _damage(path, str(error)[:80]) from error
    names = {f.name for f in fields(Blocker)}
    values.setdefault("greens", {})
    if set(values) != names or not isinstance(values["policies"], list):
        raise _damage(path, "other fields")
    values["policies"] = tuple(str(item) for item in values["policies"])
    for name, kind in _KINDS.items():
        if type(values[name]) is not kind:
            raise _damage(path, f"{name} = {values[name]!r}"[:80])
    if any(type(count) is not int for count in values["greens"].values()):
        raise _damage(path, f"greens = {values['greens']!r}"[:80])
    return Blocker(**values), _HEAD.sub("", note, count=1)


_KINDS: dict[str, type] = {
    "id": str,
    "signature": str,
    "status": str,
    "suite": str,
    "first_seen": str,
    "last_seen": str,
    "occurrences": int,
    "green_runs": int,
    "dirty": bool,
    "greens": dict,
}


def _field(line: str) -> tuple[str, Any]:
    name, _, value = line.partition(": ")
    return name, json.loads(value)


def _plain(blocker: Blocker, name: str) -> Any:
    value = getattr(blocker, name)
    return list(value) if isinstance(value, tuple) else value


def _damage(path: Path, found: str) -> IntegrityError:
    return IntegrityError(
        f"{layout.BLOCKERS}/{path.name}",
        found=found,
        expected="a blocker note",
        remedy="Restore the file from a copy, or remove it: the hubs hold the evidence.",
    )
