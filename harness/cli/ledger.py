"""``harness ledger``: look at the log of all seals, prove it, and take it along."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

import click

from harness import files, records
from harness.cli import ledger_witness, options, resolve, signer
from harness.cli.options import Session
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError, IntegrityError
from harness.evidence.hub import checkout, digest, layout, ledgers, starts
from harness.evidence.hub.ledgers import LOCAL, Ledgers
from harness.evidence.ledger import checkpoint, keys, merge, merkle, search, witness
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
  harness ledger witness ../theirs/hubs/ledger.jsonl --sign KEYFILE
"""


@click.group(name="ledger", epilog=_EXAMPLES, context_settings=options.CONTEXT)
@options.common
def command() -> None:
    """Inspect and check the append-only log of all seals."""


_LOCAL = click.option("--local", "is_local", is_flag=True, help="The local ledger alone.")


def _both(project: Project) -> Ledgers:
    return ledgers.of_store(project.hubs, project.work)


def _choose_ledgers(project: Project, *, is_local: bool) -> list[tuple[str, Ledger]]:
    """Return the ledgers that exist, or the local one alone; an absent one is empty."""
    both = _both(project)
    named = [(word, one) for word, one in both.by_name if word == LOCAL or not is_local]
    return named or [(LOCAL, both.local)]


@command.command("log")
@click.option("-n", "count", default=20, show_default=True, help="How many, newest first.")
@click.option("--kind", help="Only entries of this kind, for example seal.")
@_LOCAL
@options.common
@options.pass_session
def log(session: Session, count: int, kind: str | None, *, is_local: bool) -> None:
    """List the entries of both ledgers, newest first."""
    entries = _both(resolve.project(session)).walk()
    wanted = (
        (word, entry)
        for word, entry in entries
        if kind in (None, entry.kind) and (word == LOCAL or not is_local)
    )
    chosen = list(deque(wanted, maxlen=max(0, count)))[::-1]
    lines = [
        f"{entry.sequence:>6}  {word:<9}  {text.visible(entry.time)}"
        f"  {text.visible(entry.kind):<8}"
        f"  {text.visible(entry.subject)}  {text.visible(str(entry.body.get('verdict', '')))}"
        for word, entry in chosen
    ]
    rows = [_plain(word, entry) for word, entry in chosen]
    session.answer(rows, "\n".join(lines) or "no entries")


def _plain(word: str, entry: Entry) -> dict[str, Any]:
    return {
        "ledger": word,
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
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="KEY",
    help="Require that this witness cosigned the checkpoint.",
)
@options.common
@options.pass_session
def verify(session: Session, pinned: Path | None, witnesses: tuple[str, ...]) -> None:
    """Prove the chain and the tree of both ledgers, each against the checkpoint beside it.

    Every run that began and was never sealed is named: what it would have shown is not known.
    """
    project = resolve.project(session)
    answer: dict[str, Any] = {}
    lines = []
    for word, ledger in _choose_ledgers(project, is_local=False):
        health = ledger.check()
        beside = ledger.path.with_name(layout.CHECKPOINT)
        if beside.is_file():
            _require(beside, ledger)
        answer[word] = {
            "size": health.size,
            "root": health.root,
            "torn_bytes": health.torn_bytes,
        }
        torn = f"; a torn tail of {health.torn_bytes} bytes, cut by the next append"
        line = f"{word}: {health.size} entries hold, root {health.root[:16]}…"
        lines.append(line + (torn if health.torn_bytes else ""))
    left = starts.list_unsealed(_both(project).read_unsealed(), project.work)
    answer["unsealed"] = [records.encode(run) for run in left]
    lines += [_tell_unsealed(run) for run in left]
    if pinned is not None:
        is_local = _origin_of(pinned) == _origin(project, LOCAL)
        _require(pinned, _both(project).local if is_local else _both(project).published)
        lines += [_tell_witness(pinned, word) for word in witnesses]
    elif witnesses:
        raise ConfigError(
            "--witness",
            found="no checkpoint",
            expected="the one that was cosigned",
            remedy="Name it: --checkpoint FILE.",
        )
    session.answer(answer, "\n".join(lines))


def _tell_unsealed(run: starts.UnsealedRun) -> str:
    return f"{text.visible(run.subject)} began {text.visible(run.time)} and {run.state}"


def _tell_witness(pinned: Path, word: str) -> str:
    """Say when a witness cosigned a checkpoint.

    Raises:
        IntegrityError: It did not.
    """
    key = keys.read_public(word, keys.WITNESS)
    note = checkpoint.read_checkpoint(digest.read_bytes(pinned, checkpoint.LIMIT), pinned.name)
    seconds = witness.time_cosigned(note, key)
    if seconds is None:
        raise IntegrityError(
            pinned.name,
            found=f"no cosignature of {key.name}",
            expected="one",
            remedy="Ask the witness: harness ledger witness LEDGER --sign KEYFILE.",
        )
    at = dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{note.checkpoint.size} entries cosigned by {text.visible(key.name)} at {at}"


def _require(pinned: Path, ledger: Ledger) -> None:
    note = checkpoint.read_checkpoint(digest.read_bytes(pinned, checkpoint.LIMIT), pinned.name)
    signing.covered_by(note.checkpoint, ledger, ledger.leaves())


def _origin_of(pinned: Path) -> str:
    content = digest.read_bytes(pinned, checkpoint.LIMIT)
    return checkpoint.read_checkpoint(content, pinned.name).checkpoint.origin


def _origin(project: Project, word: str) -> str:
    """Name a ledger in its checkpoints."""
    return f"{project.name}/{LOCAL}" if word == LOCAL else project.name


@command.command("checkpoint")
@signer.sign_option("Sign with the secret key in this file.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it.  [default: checkpoint.txt beside the ledger]",
)
@_LOCAL
@options.common
@options.pass_session
def take(
    session: Session, key_file: Path | None, output: Path | None, *, is_local: bool
) -> None:
    """Pin the ledgers as they are, so that a later rollback is found.

    Each gets its checkpoint beside it. With --output only one is pinned: the published one
    where there is one, or the local one.
    """
    project = resolve.project(session)
    key = signer.read_signer(key_file)
    signers = [] if key is None else [key]
    chosen = _choose_ledgers(project, is_local=is_local)
    answers, lines = [], []
    for word, ledger in chosen if output is None else chosen[-1:]:
        taken = checkpoint.take(ledger.leaves(), _origin(project, word))
        target = output or ledger.path.with_name(layout.CHECKPOINT)
        files.write_text(target, checkpoint.write(taken, signers))
        value = {"origin": taken.origin, "size": taken.size, "root": taken.root.hex()}
        answers.append({"ledger": word, **value, "path": str(target)})
        lines.append(f"{word}: {taken.size} entries pinned in {target}")
    session.answer({"checkpoints": answers}, "\n".join(lines))


@command.command("proof")
@click.argument("subject")
@_LOCAL
@options.common
@options.pass_session
def proof(session: Session, subject: str, *, is_local: bool) -> None:
    """Print the inclusion proof of one entry: a subject such as SUITE/RUN-ID, or a number.

    It is looked for in the published ledger first, which others can hold it against.
    """
    project = resolve.project(session)
    word, tree, entry = _find(project, subject, is_local=is_local)
    size = tree.size
    path, root = tree.inclusion_proof(entry.sequence), tree.root()
    merkle.check_inclusion(bytes.fromhex(entry.leaf), entry.sequence, size, path, root)
    value = {
        "entry": _plain(word, entry),
        "index": entry.sequence,
        "size": size,
        "root": root.hex(),
        "proof": [step.hex() for step in path],
    }
    lines = [
        f"{word} entry {entry.sequence} of {size}, root {root.hex()}",
        f"leaf {entry.leaf}",
    ]
    session.answer(value, "\n".join([*lines, *(step.hex() for step in path)]))


def _find(project: Project, subject: str, *, is_local: bool) -> tuple[str, Tiles, Entry]:
    """Find an entry and the tree of the ledger that holds it.

    Raises:
        EvidenceMissingError: No ledger holds it.
    """
    is_number = subject.isascii() and subject.isdigit() and len(subject) <= _DIGITS
    for word, ledger in reversed(_choose_ledgers(project, is_local=is_local)):
        tree = Tiles(ledger, project.work / f"ledger-tree-{word}")
        tree.bring_up_to_date()
        index = int(subject) if is_number else tree.find(subject)
        if index is not None and index < tree.size:
            return word, tree, tree.entry(index)
    raise EvidenceMissingError(
        f"ledger entry {text.visible(subject)}"[:120],
        found="no such entry",
        expected="SUITE/RUN-ID or a number",
        remedy="Look for it with harness ledger log.",
    )


command.add_command(ledger_witness.command)


@command.command("merge")
@click.argument("theirs")
@options.common
@options.pass_session
def merge_command(session: Session, theirs: str) -> None:
    """Add to the published ledger what only THEIRS holds: a file, or a git revision.

    In the middle of a git merge THEIRS is MERGE_HEAD, and a ledger with conflict marks is taken
    from HEAD first.
    """
    project = resolve.project(session)
    ours = _both(project).published
    relative = ours.path.relative_to(project.root).as_posix()
    if search.mentions(ours, b"<<<<<<< ", at_start=True):
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
