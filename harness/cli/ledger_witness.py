"""``harness ledger witness``: cosign another store's checkpoint; rollback needs two liars."""

from __future__ import annotations

import time
from pathlib import Path

import click

from harness import files
from harness.cli import options, resolve, signer
from harness.cli.options import Session
from harness.errors import IntegrityError
from harness.evidence.hub import digest, layout
from harness.evidence.ledger import checkpoint, keys, witness
from harness.evidence.ledger.checkpoint import Checkpoint, Note
from harness.evidence.ledger.keys import PublicKey
from harness.evidence.ledger.log import Ledger

EXAMPLES = """\b
Examples:
  harness ledger witness ../theirs/hubs/ledger.jsonl --sign KEYFILE
  harness ledger witness ledger.jsonl --sign KEYFILE --trust ada+1c2d3e4f+AUx…
"""
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command("witness", epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("theirs", type=_FILE)
@signer.sign_option("The secret key of the witness.", required=True)
@click.option("--checkpoint", "pinned", type=_FILE, help="Theirs; the one beside the ledger.")
@click.option(
    "--trust", multiple=True, metavar="KEY", help="Public key that must have signed it."
)
@options.common
@options.pass_session
def command(
    session: Session, theirs: Path, key_file: Path, pinned: Path | None, trust: tuple[str, ...]
) -> None:
    """Cosign the checkpoint of another store, once it continues what was seen of it before.

    THEIRS is their ledger. Its chain is proved, the checkpoint held against it, and a
    consistency proof made from the last checkpoint that was cosigned here, which this project
    keeps. The cosignature is added to their checkpoint, in the form of C2SP tlog-cosignature:
    a ledger that was rolled back or rewritten since is refused with exit code 4, and so is a
    second past under the same origin.
    """
    project = resolve.project(session)
    secret = signer.read_signer(key_file)
    path = pinned or theirs.with_name(layout.CHECKPOINT)
    note = _read(path)
    trusted = [keys.read_public(word) for word in trust]
    if trusted and note.signer(trusted) is None:
        raise IntegrityError(
            path.name,
            found="no signature of a key that is trusted",
            expected="one of those",
            remedy="Ask whoever keeps the ledger to sign its checkpoint.",
        )
    name = files.sha256_bytes(note.checkpoint.origin.encode())[:16]
    memory = project.work / "witness" / f"{name}.txt"
    seen = _read(memory).checkpoint if memory.is_file() else None
    witness.require_continuation(seen, note.checkpoint, Ledger(theirs).leaves())
    if secret is None:
        return
    key, seconds = secret.witness, int(time.time())
    memory.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(memory, checkpoint.write(note.checkpoint))  # what is signed is known first
    files.write_text(
        path, _add_line(path, key, witness.cosign(note.checkpoint, secret, seconds))
    )
    session.answer(
        {
            "origin": note.checkpoint.origin,
            "size": note.checkpoint.size,
            "since": 0 if seen is None else seen.size,
            "witness": key.encode(),
            "path": str(path),
        },
        "\n".join(_lines(note.checkpoint, seen, key, path)),
    )


def _lines(new: Checkpoint, seen: Checkpoint | None, key: PublicKey, path: Path) -> list[str]:
    since = "seen for the first time" if seen is None else f"continuing {seen.size} seen before"
    return [
        f"{new.size} entries of {new.origin}, {since}, cosigned in {path}",
        f"witness {key.encode()}",
    ]


def _read(path: Path) -> Note:
    return checkpoint.read_checkpoint(digest.read_bytes(path, checkpoint.LIMIT), path.name)


def _add_line(path: Path, key: PublicKey, line: str) -> str:
    """Return a checkpoint with a cosignature in the place of the witness's earlier one."""
    head, _, foot = path.read_text("utf-8").partition("\n\n")
    note = _read(path)
    mine = [keys.is_named(key, name, raw) for name, raw in note.signatures]
    others = [
        text
        for text, is_mine in zip(foot.splitlines(keepends=True), mine, strict=True)
        if not is_mine
    ]
    return f"{head}\n\n{''.join(others)}{line}"
