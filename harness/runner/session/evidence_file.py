"""Notes of a session in, ``evidence.json`` out: tests, metrics, files, seeds and warnings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.files import real_path, sha256_file, write_text
from harness.runner.session import verdict
from harness.runner.session.notes import SessionNotes, TestNotes

SCHEMA = 1
NAME = "evidence.json"


def write(folder: Path, notes: SessionNotes, frame: dict[str, Any]) -> None:
    """Write the evidence of a session.

    Args:
        folder: Where it goes, beside the files that tests attached.
        notes: What the session noted.
        frame: ``started``, ``duration_s``, ``exit_code``, ``verdict`` and ``reason``.

    Raises:
        OSError: The disk refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tests = sorted(verdict.list_tests(notes), key=lambda test: test.id)
    left_out = [
        {"by": group.by, "declared": group.declared, "tests": list(group.tests)}
        for group in notes.left_out
    ]
    content = {
        "schema": SCHEMA,
        **frame,
        "counts": counts(notes),
        "tests": [_test(test) for test in tests],
        "metrics": [
            {"test": test, "name": one["name"], "value": one["value"]}
            for test, one in _attachments(tests, "metric")
        ],
        "files": list(_files(folder, tests)),
        "seeds": [{"test": t, "value": one["value"]} for t, one in _attachments(tests, "seed")],
        "selection": {"options": notes.options, "keys": notes.keys, "left_out": left_out},
        "hash_seed": notes.start.get("hash_seed", "random"),
        "warnings": notes.warnings,
        "warnings_left_out": (notes.finish or {}).get("warnings_left_out", 0),
    }
    # NaN and ±inf stay what they are: a guard that reads them is red.
    write_text(folder / NAME, json.dumps(content, indent=2, sort_keys=True) + "\n")


def counts(notes: SessionNotes) -> dict[str, int]:
    """Count tests by outcome, in the words of the file."""
    counts_ = verdict.count(notes)
    names = {"failed": "failed", "errors": "error", "skipped": "skipped"}
    summary = {"collected": counts_.get("collected", 0), "passed": counts_.get("passed", 0)}
    summary |= {word: counts_.get(name, 0) for name, word in names.items()}
    return summary | {n: counts_[n] for n in ("quarantined", "unfinished") if n in counts_}


def _test(test: TestNotes) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": test.id,
        "outcome": test.outcome,
        "duration_s": test.duration_s,
    }
    if test.quarantine is not None:
        entry["quarantine"] = test.quarantine
    if test.attempts:
        entry["attempts"] = list(test.attempts)
    if test.changed or test.doubt:
        entry["fault"] = test.changed or test.doubt
    return entry


def _attachments(tests: list[TestNotes], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for test in tests:
        yield from ((test.id, one) for one in test.attached if one["kind"] == kind)


def _files(folder: Path, tests: list[TestNotes]) -> Iterator[dict[str, Any]]:
    for test, one in _attachments(tests, "file"):
        path = folder / one["path"]
        # A test may take back what it attached; what is not there is no evidence.
        if path.is_file() and real_path(path).is_relative_to(real_path(folder)):
            digest, size = sha256_file(path), path.stat().st_size
            yield {
                "test": test,
                "name": one["name"],
                "path": one["path"],
                "sha256": digest,
                "size": size,
            }
