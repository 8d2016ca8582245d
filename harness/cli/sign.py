"""``harness sign``: what was proved of a model, signed, to travel with it; and its check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from harness.cli import builder_options, options, resolve, signer
from harness.cli.options import Session
from harness.config import config_file
from harness.errors import ConfigError, EvidenceMissingError, IntegrityError
from harness.evidence.hub import digest
from harness.evidence.ledger import keys
from harness.evidence.ledger.keys import PublicKey
from harness.files import real_path
from harness.judgement.verify import Outcome
from harness.reporting import text
from harness.sharing import find
from harness.sharing.export import check, in_toto
from harness.sharing.export.check import Proof
from harness.sharing.find import Trace
from harness.verdict import Verdict

EXAMPLES = """\b
Examples:
  harness sign wts.h5.zip --sign KEYFILE
  harness sign wts.h5.zip --sign KEYFILE --model-signing model.pem -o mail/
  harness sign wts.h5.zip --check wts.h5.zip.intoto.jsonl --trust ada+1c2d3e4f+AUx…
"""
SUFFIX = ".intoto.jsonl"
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_LISTED = 6


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("bundle", type=_FILE)
@signer.sign_option("Sign the attestations with the secret key in this file.")
@click.option(
    "--model-signing",
    "pem",
    type=_FILE,
    help="Sign the bundle also as OpenSSF model signing does, with this key in PEM (an extra).",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write into; that of the bundle without it.",
)
@builder_options.builder_options
@click.option("--check", "attestations", type=_FILE, help="Check these attestations instead.")
@click.option(
    "--trust",
    multiple=True,
    metavar="KEY",
    help="Public key that may have signed; those of the project without it.",
)
@options.common
@options.pass_session
def command(session: Session, /, bundle: Path, **flags: Any) -> int:
    """Sign a model with what its run proved, or check such a signature.

    The run that made BUNDLE is found by its digest and proved again. Its test result, its
    provenance, the summary of that proof and the judged numbers are written as attestations
    whose subject is the bundle, into BUNDLE.intoto.jsonl. A red run is attested as red, a
    guard that only warns as a warning, and a tree with changes never as its commit.

    With --check nothing else is needed, no project and no network: attestations of another
    bundle, of several runs, changed or not signed by a trusted key are refused with exit code
    4. The exit code is otherwise 0 where all passed, 1 where something failed, 3 between.
    """
    if flags["attestations"] is not None:
        return _check(session, bundle, flags)
    return _sign(session, bundle, flags)


def _check(session: Session, bundle: Path, flags: dict[str, Any]) -> int:
    if flags["key_file"] is not None or flags["pem"] is not None:
        raise ConfigError(
            "--check",
            found="a key to sign with",
            expected="one or the other",
            remedy="Leave --sign and --model-signing out.",
        )
    proof = check.check_bundle(
        bundle, flags["attestations"], _list_trusted(session, flags["trust"])
    )
    session.answer(_json(proof), "\n".join(_describe(bundle, proof)))
    if proof.holds:
        return 0
    is_red = "FAILED" in (proof.result, proof.verification)
    return (Verdict.RED if is_red else Verdict.INCONCLUSIVE).exit_code


def _list_trusted(session: Session, words: tuple[str, ...]) -> list[PublicKey]:
    """Read the keys that are trusted.

    Raises:
        ConfigError: None is named, or one cannot be read.
        NotAProjectError: None is named, and there is no project that has some.
    """
    if not words:
        config_file.find_root(session.start)  # raises: names what is missing
        words = resolve.project(session).trusted_keys
    if not words:
        raise ConfigError(
            "--trust",
            found="no key",
            expected="the public key of who signs",
            remedy="Get it from them by another way than the mail: --trust NAME+ID+BASE64.",
        )
    return [keys.read_public(word) for word in words]


def _sign(session: Session, bundle: Path, flags: dict[str, Any]) -> int:
    project = resolve.project(session)
    secret = signer.read_signer(flags["key_file"])
    if secret is None and flags["pem"] is None:
        raise ConfigError(
            "harness sign",
            found="no key",
            expected="--sign KEYFILE, --model-signing PEM or both",
            remedy="Make a key with harness ledger key new NAME --output KEYFILE.",
        )
    trace = _maker(session, bundle)
    verified = trace.judge()
    if verified.worst is Outcome.DAMAGED:
        row = next(row for row in verified.rows if row.outcome is Outcome.DAMAGED)
        raise IntegrityError(
            trace.subject, found=row.found, expected=row.expected, remedy=row.remedy
        )
    folder = flags["output"] or bundle.parent
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    if secret is not None:
        target = folder / f"{bundle.name}{SUFFIX}"
        by = builder_options.builder(flags)
        in_toto.write(trace.hub, trace.record, target, secret, project=project, builder=by)
        written.append(target)
    if flags["pem"] is not None:
        from harness.sharing.export import model_signature  # an extra is behind it

        written.append(
            model_signature.write(bundle, flags["pem"], folder / f"{bundle.name}.sig")
        )
    lines = [f"signed  {path}" for path in written]
    lines.append(f"run     {trace.subject}, {text.describe_verdict(trace.record)}")
    if secret is not None:
        lines.append(f"trust   {secret.public.encode()}")
    answer = {
        "hub": resolve.relative_place(trace.hub, trace.project),
        "written": [str(path) for path in written],
        "verdict": trace.record.verdict.value,
        "exit_code": verified.exit_code,
    }
    session.answer(answer, "\n".join(lines))
    return verified.exit_code


def _maker(session: Session, bundle: Path) -> Trace:
    """Find the newest run that made a bundle.

    Raises:
        EvidenceMissingError: No run here made it.
    """
    sha256 = digest.sha256(real_path(bundle))
    search = find.find_runs(resolve.stores(resolve.project(session)), sha256)
    for trace in search.traces:
        if trace.made:
            return trace
    raise EvidenceMissingError(
        str(bundle),
        found=f"no run that made {sha256[:12]}…",
        expected="a file that a stage of a run here left",
        remedy="Sign the file as the run left it; harness find says more.",
    )


def _describe(bundle: Path, proof: Proof) -> Iterator[str]:
    yield f"{text.visible(bundle.name)}  {proof.result}, verified {proof.verification}"
    source = f"commit {proof.commit}" if proof.commit else "a tree with changes, no commit"
    lines = {
        "signed": f"by {proof.signer.name}, built by {proof.builder}",
        "tested": f"suite {proof.suite}, run {proof.run_id}, {proof.finished}",
        "source": source,
        "rules": ", ".join(f"{name} {sha[:12]}…" for name, sha in proof.rules.items()),
        "data": ", ".join(f"{role} {sha[:12]}…" for role, sha in proof.data.items()) or "none",
        "hub": f"manifest {proof.manifest_sha256}",
    }
    yield from (f"  {word:7} {text.visible(line)}" for word, line in lines.items())
    for claim in proof.claims[:_LISTED]:
        yield f"  {text.visible(_claim(claim))}"
    if len(proof.claims) > _LISTED:
        yield f"  and {len(proof.claims) - _LISTED} more numbers: --json"
    yield "next: in a clone of the source, harness reproduce --hub " + text.visible(
        proof.run_id
    )


def _claim(claim: dict[str, Any]) -> str:
    low, high = claim.get("low"), claim.get("high")
    bounds = f"{'−∞' if low is None else low} … {'∞' if high is None else high}"
    return f"{claim.get('verdict')}  {claim.get('guard')} {claim.get('value')} in {bounds}"


def _json(proof: Proof) -> dict[str, Any]:
    return {
        "result": proof.result,
        "verification": proof.verification,
        "signer": proof.signer.encode(),
        "sha256": proof.sha256,
        "manifest_sha256": proof.manifest_sha256,
        "suite": proof.suite,
        "run_id": proof.run_id,
        "finished": proof.finished,
        "commit": proof.commit,
        "builder": proof.builder,
        "rules": proof.rules,
        "datasets": proof.data,
        "claims": list(proof.claims),
    }
