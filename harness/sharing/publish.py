"""A sealed hub in; out, the same hub in the published ledger and in git's index.

What a run leaves is local. Publishing copies its start, its seal, who reproduced it, and what
was accepted of it, into the ledger beside the hubs, with their times, and adds both to the
index: the next commit carries them, and a clone verifies the hub.

Source: design of the harness, section 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.config.project import Project
from harness.errors import ConfigError, IntegrityError, StorageError
from harness.evidence.hub import checkout, layout, ledgers, seal, starts
from harness.evidence.hub.ledgers import Ledgers
from harness.evidence.ledger.log import Entry, Ledger
from harness.files import real_path, write_bytes
from harness.frozen import dataclass
from harness.judgement import acceptance
from harness.judgement.shifts import acknowledgement
from harness.judgement.verify import Outcome, reproductions, verify

_TOMBSTONE = "gc"
_MATRIX = "matrix"
_ATTRIBUTES = ".gitattributes"
_UNSET = b": text: unset\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What publishing a hub did.

    ``is_new`` says that its seal was not published before, ``is_added`` that git has it in its
    index now, ``is_dirty`` that the tree of the run had changes that no commit holds.
    """

    subject: str
    verdict: str
    is_new: bool
    is_added: bool
    is_dirty: bool


def publish_hub(project: Project, hub: Path) -> Published:
    """Copy the seal of a hub into the published ledger and add both to git's index.

    Called again it changes nothing; what was accepted since is added.

    Raises:
        ConfigError: The hub does not lie in the store of this project.
        IntegrityError: It is not as it was sealed, or another one of its name is published.
        LockTimeoutError: The published ledger's lock was not had.
        StorageError: The disk or git refused.
    """
    hub = real_path(hub)
    subject = seal.subject(hub.parent.name, hub.name)
    if not hub.is_relative_to(real_path(project.hubs)):
        raise ConfigError(
            str(hub),
            found="a hub outside this project",
            expected=f"one below {project.hubs.name}/",
            remedy="Publish it in its own project, or fetch it with harness store pull.",
        )
    record = _require_whole(project, hub, subject)
    both = ledgers.of_hub(hub, project)
    known = both.runs()[subject]
    missing = list(_missing_entries(both, subject))
    if missing:
        both.published.append_all(missing)
    changed = [hub, both.published.path, *_note_matrix(project, hub, both)]
    return Published(
        subject=subject,
        verdict=known.verdict,
        is_new=not known.is_published,
        is_added=_add(project, changed),
        is_dirty=record,
    )


def _require_whole(project: Project, hub: Path, subject: str) -> bool:
    """Require that a hub is as it was sealed, and say whether its tree was dirty."""
    verified = verify(project, hub, allow_stale=True)
    for row in verified.rows:
        if row.outcome is Outcome.DAMAGED:
            raise IntegrityError(
                subject,
                found=f"{row.check}: {row.found}",
                expected=row.expected or "the hub as it was sealed",
                remedy=row.remedy or "Restore it from a copy, or run the suite again.",
            )
    return any(row.check == "tree" and row.outcome is Outcome.NOTE for row in verified.rows)


def _missing_entries(
    both: Ledgers, subject: str
) -> Iterator[tuple[str, str, Mapping[str, Any], str]]:
    """Give the entries of a run that only the local ledger holds."""
    kinds = {(kind, subject) for kind in (starts.KIND, seal.KIND, reproductions.KIND)}
    kinds |= {(acceptance.KIND, subject.rpartition("/")[2]), (acknowledgement.KIND, subject)}
    # By what an entry says: its place in the chain is another one in each ledger.
    there = [_describe_entry(entry) for entry in both.published.walk()]
    for entry in both.local.walk():
        if (entry.kind, entry.subject) in kinds and _describe_entry(entry) not in there:
            yield _describe_entry(entry)


def _describe_entry(entry: Entry) -> tuple[str, str, dict[str, Any], str]:
    return entry.kind, entry.subject, entry.body, entry.time


def _note_matrix(project: Project, hub: Path, both: Ledgers) -> list[Path]:
    """Tell the published ledger how far that of a matrix has come; return what changed."""
    if layout.matrix_of(real_path(project.hubs), hub) is None:
        return []
    main, name = Ledger(project.hubs / layout.LEDGER), hub.parents[1].name
    health = both.published.check()
    body = {"size": health.size, "root": health.root}
    bodies = [e.body for e in main.walk() if (e.kind, e.subject) == (_MATRIX, name)]
    if not bodies or bodies[-1] != body:
        main.append(_MATRIX, name, body)
    return [main.path]


def replace_older(project: Project, hub: Path) -> tuple[str, ...]:
    """Take the other published hubs of a suite out of git's index, each with a tombstone.

    Their folders stay here until ``harness gc`` removes them; the history of git keeps them.

    Returns:
        Subjects of the hubs that were taken out.

    Raises:
        LockTimeoutError: The published ledger's lock was not had.
        StorageError: The disk or git refused.
    """
    folder = real_path(hub).parent
    listed = checkout.ask(project.root, "ls-files", "-z", "--", str(folder))
    inside = len(folder.relative_to(real_path(project.root)).parts)
    paths = [
        Path(name.decode(errors="surrogateescape")).parts
        for name in (listed or b"").split(b"\0")
    ]
    names = sorted({parts[inside] for parts in paths if len(parts) > inside} - {hub.name})
    old = [name for name in names if layout.RUN_ID.fullmatch(name)]
    published = ledgers.of_hub(hub, project).published
    body = {"reason": f"replaced by {hub.name}", "why": "published anew"}
    for name in old:
        # The tombstone before the removal, as in gc: a crash in between leaves a reason.
        published.append(_TOMBSTONE, seal.subject(folder.name, name), body)
        _require_git(project, "rm", "-r", "--cached", "--quiet", "--", str(folder / name))
    if old:
        _add(project, [published.path])
    return tuple(seal.subject(folder.name, name) for name in old)


def _add(project: Project, changed: list[Path]) -> bool:
    """Add what was published to git's index, byte for byte; False where there is no git."""
    inside = checkout.ask(project.root, "rev-parse", "--is-inside-work-tree")
    if inside is None or inside.strip() != b"true":
        return False
    ledger = str(project.hubs / layout.LEDGER)
    listing = checkout.ask(project.root, "check-attr", "text", "--", ledger)
    attributes = project.root / _ATTRIBUTES
    # With text conversion a checkout on Windows would change line ends, and with them digests.
    if listing is None or not listing.endswith(_UNSET):
        before = attributes.read_bytes() if attributes.is_file() else b""
        gap = b"" if not before or before.endswith(b"\n") else b"\n"
        line = f"{project.hubs.relative_to(project.root).as_posix()}/** -text\n".encode()
        write_bytes(attributes, before + gap + line)
        changed = [*changed, attributes]
    # By force: a hub holds logs and tables that projects often ignore by name.
    _require_git(project, "add", "--force", "--", *map(str, changed))
    return True


def _require_git(project: Project, *words: str) -> None:
    if checkout.ask(project.root, *words) is None:
        raise StorageError(
            f"git {words[0]}",
            found="git refused",
            expected="an index that can be written",
            remedy="End what else uses git here, then call harness publish again.",
        )
