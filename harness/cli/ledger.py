"""``harness ledger``: look at the log of all seals, prove it, and take it along."""

from __future__ import annotations

import tempfile
from collections import deque
from pathlib import Path
from typing import Any

import click

from harness import files
from harness.cli import options, resolve
from harness.cli.options import Session
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError
from harness.evidence.hub import checkout, digest, layout
from harness.evidence.ledger import checkpoint, keys, merge, merkle
from harness.evidence.ledger.log import Entry, Ledger
from harness.evidence.ledger.tiles import Tiles
from harness.judgement.verify import signing
from harness.reporting import text

_DIGITS = 15
_EXAMPLES = """\b
Examples:
  harness ledger log -n 5
  harness ledger verify
  harness ledger checkpoint --sign KEYFILE
  harness ledger proof quick/20260102T030405Z-a1b2c3
  harness ledger merge MERGE_HEAD
"""


@click.group(name="ledger", epilog=_EXAMPLES, context_settings=options.CONTEXT)
@options.common
def command() -> None:
    """Inspect and check the append-only log of all seals."""


def _ledger(project: Project) -> Ledger:
    return Ledger(project.hubs / layout.LEDGER)


@command.command("log")
@click.option("-n", "count", default=20, show_default=True, help="How many, newest first.")
@click.option("--kind", help="Only entries of this kind, for example seal.")
@options.common
@options.pass_session
def log(session: Session, count: int, kind: str | None) -> None:
    """List the entries, newest first."""
    entries = _ledger(resolve.project(session)).walk()
    wanted = (entry for entry in entries if kind in (None, entry.kind))
    chosen = list(deque(wanted, maxlen=max(0, count)))[::-1]
    lines = [
        f"{entry.sequence:>6}  {text.visible(entry.time)}  {text.visible(entry.kind):<8}"
        f"  {text.visible(entry.subject)}  {text.visible(str(entry.body.get('verdict', '')))}"
        for entry in chosen
    ]
    session.answer([_plain(entry) for entry in chosen], "\n".join(lines) or "no entries")


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "time": entry.time,
        "kind": entry.kind,
        "subject": entry.subject,
        "body": entry.body,
        "leaf": entry.leaf,
    }


@command.command("verify")
@click.option(
    "--checkpoint",
    "pinned",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Require that the ledger still begins as this checkpoint says.",
)
@options.common
@options.pass_session
def verify(session: Session, pinned: Path | None) -> None:
    """Prove the chain and the tree of the whole ledger."""
    project = resolve.project(session)
    ledger = _ledger(project)
    health = ledger.check()
    beside = project.hubs / layout.CHECKPOINT
    for path in (pinned, beside if beside.is_file() else None):
        if path is not None:
            note = checkpoint.read_checkpoint(
                digest.read_bytes(path, checkpoint.LIMIT), path.name
            )
            signing.covered_by(note.checkpoint, ledger, ledger.leaves())
    torn = f"; a torn tail of {health.torn_bytes} bytes, cut by the next append"
    words = f"{health.size} entries hold, root {health.root[:16]}…"
    value = {"size": health.size, "root": health.root, "torn_bytes": health.torn_bytes}
    session.answer(value, words + (torn if health.torn_bytes else ""))


@command.command("checkpoint")
@click.option(
    "--sign",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Sign with the secret key in this file.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it.  [default: checkpoint.txt beside the ledger]",
)
@options.common
@options.pass_session
def take(session: Session, key_file: Path | None, output: Path | None) -> None:
    """Pin the ledger as it is, so that a later rollback is found."""
    project = resolve.project(session)
    taken = checkpoint.take(_ledger(project).leaves(), project.name)
    signers = [] if key_file is None else [keys.read_secret(_text_of(key_file))]
    note = checkpoint.write(taken, signers)
    target = output or project.hubs / layout.CHECKPOINT
    files.write_text(target, note)
    value = {"origin": taken.origin, "size": taken.size, "root": taken.root.hex()}
    session.answer(value | {"path": str(target)}, f"{taken.size} entries pinned in {target}")


def _text_of(path: Path) -> str:
    return digest.read_bytes(path, 4096).decode(errors="replace").strip()


@command.command("proof")
@click.argument("subject")
@options.common
@options.pass_session
def proof(session: Session, subject: str) -> None:
    """Print the inclusion proof of one entry: a subject such as SUITE/RUN-ID, or a number."""
    project = resolve.project(session)
    tree = Tiles(_ledger(project), project.work / "ledger-tree")
    size = tree.bring_up_to_date()
    entry = _find(tree, subject)
    path, root = tree.inclusion_proof(entry.sequence), tree.root()
    merkle.check_inclusion(bytes.fromhex(entry.leaf), entry.sequence, size, path, root)
    value = {
        "entry": _plain(entry),
        "index": entry.sequence,
        "size": size,
        "root": root.hex(),
        "proof": [step.hex() for step in path],
    }
    lines = [
        f"entry {entry.sequence} of {size}, root {root.hex()}",
        f"leaf {entry.leaf}",
    ]
    session.answer(value, "\n".join([*lines, *(step.hex() for step in path)]))


def _find(tree: Tiles, subject: str) -> Entry:
    is_number = subject.isascii() and subject.isdigit() and len(subject) <= _DIGITS
    index = int(subject) if is_number else tree.find(subject)
    if index is not None and index < tree.size:
        return tree.entry(index)
    raise EvidenceMissingError(
        f"ledger entry {text.visible(subject)}"[:120],
        found="no such entry",
        expected="SUITE/RUN-ID or a number",
        remedy="Look for it with harness ledger log.",
    )


@command.command("merge")
@click.argument("theirs")
@options.common
@options.pass_session
def merge_command(session: Session, theirs: str) -> None:
    """Add what only THEIRS holds: another ledger file, or a git revision such as MERGE_HEAD.

    In the middle of a git merge, a ledger with conflict marks is taken from HEAD first.
    """
    project = resolve.project(session)
    ours = _ledger(project)
    relative = ours.path.relative_to(project.root).as_posix()
    if ours.path.is_file() and b"\n<<<<<<< " in b"\n" + ours.path.read_bytes():
        files.write_bytes(ours.path, _from_git(project.root, "HEAD", relative))
    if (session.start / theirs).is_file():
        merged = merge.merge(ours, Ledger(session.start / theirs))
    else:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "theirs.jsonl"
            copy.write_bytes(_from_git(project.root, theirs, relative))
            merged = merge.merge(ours, Ledger(copy))
    value = {"common": merged.common, "added": merged.added, "size": merged.size}
    session.answer(value, f"{merged.added} entries added; the ledger has {merged.size}")


def _from_git(root: Path, revision: str, relative: str) -> bytes:
    content = checkout.ask(root, "show", "--end-of-options", f"{revision}:./{relative}")
    if content is None:
        raise _no_revision(revision, f"no {relative} in it")
    return content


def _no_revision(revision: str, found: str) -> ConfigError:
    return ConfigError(
        f"revision {text.visible(revision)}"[:120],
        found=found,
        expected="a ledger file, or a git revision that holds one",
        remedy="During a git merge, type harness ledger merge MERGE_HEAD.",
    )


@command.group("key")
@options.common
def key() -> None:
    """Make the keys that sign checkpoints."""


@key.command("new")
@click.argument("name")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Where to keep the secret key; outside the repository.",
)
@options.common
@options.pass_session
def new(session: Session, name: str, output: Path) -> None:
    """Make an Ed25519 key and print its public half for harness.toml."""
    if output.exists():
        raise ConfigError(
            str(output),
            found="a file",
            expected="a new file",
            remedy="Choose another name: a key is never overwritten.",
        )
    made = keys.new(name)
    files.write_text(output, made.encode() + "\n", mode=0o600)
    public = made.public.encode()
    words = f'secret key in {output}; trust it in harness.toml:\ntrusted_keys = ["{public}"]'
    session.answer({"public": public, "secret_file": str(output)}, words)
