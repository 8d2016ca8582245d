"""What is claimed of models that travel, the tests that try it, and the table of a page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNTED = Path(__file__).with_name("counted.json")
HEAD = """\
## Models that travel

What is sent with a model, held against programs of others and against lies; each test counts
what it tries. `make models` runs them, without network where the system lets its user cut it.

"""
_EXPORT = "tests/harness/sharing/export"
_REPRODUCE = "tests/harness/experiments/reproduce"
_HONEST = "test_an_honest_run_is_reproduced_on_two_numeric_classes"
_KILLED = "test_killed_between_start_and_seal_no_run_is_lost_or_doubled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One row: what is tried, what is promised, and the tests that count it.

    ``environment`` is the one of a program that is not beside the locked packages.
    """

    tried: str
    promised: str
    tests: tuple[str, ...]
    environment: str = ".venv"


CLAIMS: dict[str, Claim] = {
    "mails": Claim(
        tried="bundle or attestations with a byte, a statement, a signature, a run or a commit"
        " that is another",
        promised="refused by `harness sign --check`, exit 4",
        tests=(f"{_EXPORT}/test_signed_model.py::test_whatever_was_tampered_with_is_refused",),
    ),
    "statements": Claim(
        tried="attestations read by in-toto-attestation and securesystemslib",
        promised="accepted; by another key refused",
        tests=(
            f"{_EXPORT}/test_export.py::test_statements_are_valid_for_the_public_library",
            f"{_EXPORT}/test_export.py::test_a_signature_holds_for_the_public_library",
        ),
    ),
    "summaries": Claim(
        tried="verification summaries, read after the text of SLSA v1.0 by code of its own",
        promised="accepted as written; each bent field refused by its rule",
        tests=(f"{_EXPORT}/test_summary.py",),
    ),
    "model-signing": Claim(
        tried="a bundle signed for OpenSSF model signing, verified by its program",
        promised="accepted; with a byte changed refused",
        tests=(f"{_EXPORT}/test_model_signature.py",),
        environment=".venv-signing",
    ),
    "notes": Claim(
        tried="checkpoints, cosignatures and proofs, bent, judged by Go's `note` and `tlog`",
        promised="accepted as written; each bent one refused",
        tests=("tests/harness/evidence/ledger/test_go_judge.py",),
    ),
    "ml-boms": Claim(
        tried="ML-BOMs, as written and bent, judged by the validator of cyclonedx-python-lib",
        promised="accepted as written; each bent one refused",
        tests=(f"{_EXPORT}/test_cyclonedx.py::test_the_public_validator_accepts_it",),
    ),
    "crates": Claim(
        tried="RO-Crates of a model with its hub, as written and bent, judged by roc-validator",
        promised="accepted as written; each bent one refused",
        tests=(f"{_EXPORT}/test_crate.py",),
    ),
    "lies": Claim(
        tried="forged hubs that are sealed well: numbers typed in, artifacts of another commit,"
        " tests never run and others",
        promised="`verify` finds nothing, `reproduce` names what was forged",
        tests=(f"{_REPRODUCE}/test_reproduce.py::test_a_lie_that_is_sealed_well_is_found",),
    ),
    "honest": Claim(
        tried="honest hubs, run again in the same and in another numeric class",
        promised="reproduced: bit for bit, or but for rounding",
        tests=(f"{_REPRODUCE}/test_reproduce.py::{_HONEST}",),
    ),
    "locks": Claim(
        tried="reruns in a scratch environment of the recorded lock, and locks not to be had",
        promised="the packages of the run, or a refusal in one line",
        tests=(f"{_REPRODUCE}/test_locked.py",),
    ),
    "kills": Claim(
        tried="SIGKILL between the start that is logged and the seal",
        promised="every start is sealed once or told, none lost or doubled",
        tests=(f"tests/harness/evidence/hub/test_starts.py::{_KILLED}[200 kills]",),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a row tried and what held, with what its tests noted."""

    tried: int
    held: int
    notes: tuple[str, ...] = ()


def read() -> dict[str, Count]:
    """Return what was counted when the rows were last run."""
    if not COUNTED.is_file():
        return {}
    listed = json.loads(COUNTED.read_text("utf-8"))
    return {
        name: Count(**{**row, "notes": tuple(row["notes"])}) for name, row in listed.items()
    }


def write(counts: dict[str, Count]) -> None:
    """Keep what was counted, in the order of the table."""
    listed = {name: asdict(counts[name]) for name in CLAIMS if name in counts}
    COUNTED.write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n", "utf-8")


def rows() -> str:
    """Write the table: each row, what it tried and what held."""
    counts = read()
    lines = ["| row | what is tried | promised | tried | held |", "|---|---|---|---:|---:|"]
    for name, claim in CLAIMS.items():
        if name not in counts:
            continue
        count = counts[name]
        notes = f" ({'; '.join(count.notes)})" if count.notes else ""
        words = (name, claim.tried + notes, claim.promised, str(count.tried), str(count.held))
        lines.append(f"| {' | '.join(words)} |")
    return "\n".join(lines)
