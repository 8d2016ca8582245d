"""The fields of stored records, from the classes that read them strictly."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from harness.judgement.golden.curve import Component, GoldenCurve
from harness.judgement.golden.store import GoldenValue
from harness.records import (
    ArtifactRecord,
    AttemptRecord,
    CauseRecord,
    DatasetRecord,
    GuardResult,
    HubRecord,
    MemberRecord,
    QuarantineRecord,
    StageRecord,
    Stamp,
)
from proofs.docs import regions
from ptycho_torch.data import catalogue

MEANING: dict[type, dict[str, str]] = {
    HubRecord: {
        "schema": "Layout of this file, 1.",
        "suite": "Name of the suite.",
        "run_id": "`YYYYMMDDTHHMMSSZ-` and six hexadecimal digits; also the folder's name.",
        "started": "RFC 3339, UTC.",
        "finished": "RFC 3339, UTC.",
        "duration_s": "Seconds, from a monotonic clock.",
        "verdict": "`green`, `red` or `inconclusive`.",
        "reason": "One line: what decided.",
        "stamp": "Where the source stood.",
        "environment": "Versions, device class, platform, and the suite's variables.",
        "parameters": "Values that were filled into arguments.",
        "datasets": "Datasets by role.",
        "stages": "Stages as they went.",
        "artifacts": "Artifacts as collected.",
        "guards": "What each guard found.",
        "metrics": "Number by metric name, for trends and diffs.",
        "config_sha256": "Digest of `harness.toml`.",
        "golden_sha256": "Digest of the goldens, null without any.",
        "inputs_sha256": "Digest over the suite's inputs.",
        "previous": "Run id of the hub before, null for the first.",
        "quarantine": "What was in quarantine, and how it stood.",
        "inputs_meaning": "What the digests of the inputs stand for: `code-1`, or `bytes`.",
        "default_rules": "Edition of the default rules that judged it; 1 where absent.",
        "causes": "What explains a run that is not green, first things first.",
        "answer": "Class of its numbers beside the fingerprint; empty where none judged it.",
        "expects": "The most that was declared of it; empty where only its suite says.",
        "expected_by": "Who declared that: `--expect`, or the commit.",
        "runs": "How many runs the verdict is to stand on, this one included.",
        "members": "Those that it stands on besides this one.",
    },
    MemberRecord: {
        "seed": "Its seed, which follows from the run id of this hub and its place.",
        "run_id": "Its run id.",
        "hub": "Its folder, relative to the project.",
        "manifest_sha256": "Digest of its manifest, and so of every file of it.",
        "values": "What goldens judge, by metric name.",
        "failed": "Stages and guards that were red in it, goldens aside.",
        "unfinished": "Stages that proved nothing: stopped, or on a machine that failed.",
        "reason": "Sentence of the first cause of either.",
    },
    Stamp: {
        "commit": "Commit that was checked out.",
        "tree": "Its tree.",
        "branch": "Its branch, null when detached.",
        "dirty": "Whether tracked or untracked files differed from it.",
        "diff_sha256": "Digest of that difference, null when clean.",
    },
    DatasetRecord: {
        "role": "Role in the suite.",
        "name": "File name, for people.",
        "sha256": "Digest: the identity.",
        "size": "Bytes.",
        "generated": "Whether the suite's own command made it.",
        "undeclared": "Files of the project that it was made from and no input names.",
    },
    StageRecord: {
        "id": "Name of the stage.",
        "kind": "`pytest` or `command`.",
        "argv": "Arguments as run, places of the machine replaced.",
        "outcome": "`passed`, `failed`, `timeout`, `interrupted`, `no-tests`, `unfinished` "
        "(something that was collected did not run) or `skipped`.",
        "verdict": "What the outcome counts as.",
        "exit_code": "Of the child process, null when it had none.",
        "started": "RFC 3339, UTC.",
        "duration_s": "Seconds.",
        "peak_memory_bytes": "Largest resident memory, null when not measured.",
        "log": "Path of the log in the hub.",
        "reason": "One line.",
        "tests": "Number of tests by outcome, for `pytest`.",
        "attempts": "Attempts before the last, which the other fields are about.",
        "flaky": "Tests that passed only when run again, and how often that was.",
        "quarantined": "How each test in quarantine went, by its declared id.",
        "selection": "What decided which tests ran, beside the selectors.",
        "undeclared": "Files of the project that it read and no input names.",
    },
    AttemptRecord: {
        "outcome": "As of a stage.",
        "exit_code": "Of the child process, null when it had none.",
        "duration_s": "Seconds.",
        "log": "Path of its log in the hub.",
        "reason": "One line.",
    },
    CauseRecord: {
        "verdict": "`red`, or `inconclusive` for what proves nothing.",
        "stage": "Stage where it stands.",
        "guards": "Red guards that it consists of; empty for a stage that did not pass.",
        "sentence": "The cause in one sentence.",
        "remedy": "What to look at.",
        "follows": "Stages and red guards that it explains.",
        "unjudged": "Guards that could not be judged because of it.",
    },
    QuarantineRecord: {
        "kind": "`test`, `stage` or `guard`.",
        "id": "What is in quarantine.",
        "owner": "Who repairs it.",
        "reason": "Why it is not counted.",
        "expires": "Last day on which it holds.",
        "clean_runs": "Clean runs in a row that lift it.",
        "state": "`active`, `expired` or `lifted`; only an active one excuses.",
        "outcome": "`clean`, `flaky`, `failed` or `not judged`.",
        "clean": "Clean runs in a row, this one included.",
    },
    ArtifactRecord: {
        "id": "Name that guards use.",
        "stage": "Stage that promised it.",
        "path": "In the hub, or in the project for an external one.",
        "sha256": "Digest.",
        "size": "Bytes.",
        "external": "Whether it stays outside the hub.",
        "fresh": "Whether the stage wrote it during this run.",
    },
    GuardResult: {
        "id": "Name of the guard.",
        "kind": "Its kind.",
        "verdict": "`green`, `red` or `inconclusive`.",
        "severity": "`fail` or `warn`.",
        "found": "What was found, as text.",
        "expected": "What was expected, as text.",
        "reason": "Why it is not green, empty when it is.",
        "remedy": "What to look at.",
        "policies": "Policy ids.",
        "metric": "Name of the metric, null for a rule that is not about one number.",
        "value": "The number, null when there is none or it is not finite.",
        "low": "Lower bound, null on an open side.",
        "high": "Upper bound, null on an open side.",
    },
    GoldenValue: {
        "metric": "Name of the metric with its aggregate.",
        "mean": "Mean of the calibrated values, on `scale`.",
        "sd": "Their sample standard deviation, on `scale`.",
        "n": "Number of seeds.",
        "scale": "`linear` or `log10`.",
        "sides": "`two`, `low` or `high`.",
        "coverage": "Share of runs that the interval shall hold.",
        "confidence": "Confidence in that share.",
        "low": "Lower bound in the metric's unit; recomputed when read.",
        "high": "Upper bound in the metric's unit; recomputed when read.",
        "environment": "Environment key of the runs.",
        "datasets": "Digest by role.",
        "hubs": "Subjects of the hubs it rests on.",
        "seeds": "Seed of each of them.",
        "reason": "Why it was changed.",
        "author": "Who changed it.",
        "date": "When, RFC 3339, UTC.",
        "commit": "Commit of the runs.",
    },
    GoldenCurve: {
        "metric": "Name of the metric, `all(…)`.",
        "names_sha256": "Digest of the places of its values below the path, in their order.",
        "centre": "Mean of each value, on `scale`.",
        "sd": "Sample standard deviation of each value, on `scale`.",
        "n": "Number of seeds.",
        "scale": "`linear` or `log10`.",
        "sides": "`two`, `low` or `high`.",
        "coverage": "Share of runs that the whole band shall hold.",
        "confidence": "Confidence in that share.",
        "farthest": "Distance of each run's farthest value from the other runs, in their sd.",
        "independent": "How many values at most move by themselves; recomputed when read.",
        "factor": "Half width of the band in sd; recomputed when read.",
        "low": "Lower edge in the metric's unit; recomputed when read.",
        "high": "Upper edge in the metric's unit; recomputed when read.",
        "components": "Directions in which the values move together, the largest first.",
        "parameters": "Parameters of the runs, without the seed.",
        "environment": "Environment key of the runs.",
        "datasets": "Digest by role.",
        "hubs": "Subjects of the hubs it rests on.",
        "seeds": "Seed of each of them.",
        "reason": "Why it was changed.",
        "author": "Who changed it.",
        "date": "When, RFC 3339, UTC.",
        "commit": "Commit of the runs.",
    },
    Component: {
        "variance": "Variance of the runs along it.",
        "loading": "Share of each value, in its own sd; the squares sum to 1.",
    },
}
TITLES = {
    HubRecord: "`hub.json`",
    Stamp: "`stamp`",
    DatasetRecord: "One of `datasets`",
    StageRecord: "One of `stages`",
    AttemptRecord: "One of `attempts` of a stage",
    ArtifactRecord: "One of `artifacts`",
    GuardResult: "One of `guards`",
    QuarantineRecord: "One of `quarantine`",
    CauseRecord: "One of `causes`",
    MemberRecord: "One of `members`",
}


def hub() -> str:
    """Write a table per record of ``hub.json``."""
    return "\n".join(f"#### {title}\n\n{fields(cls)}" for cls, title in TITLES.items())


def golden() -> str:
    """Write the table of a golden value."""
    return fields(GoldenValue)


def curves() -> str:
    """Write the tables of the golden of a curve."""
    return f"{fields(GoldenCurve)}\n#### One of `components`\n\n{fields(Component)}"


def scans() -> str:
    """Write the table of the formats of scan files, from their readers."""
    rows = ((regions.code(name), line) for name, line in catalogue.list_formats().items())
    return regions.table(("format", "what it is"), rows)


def fields(cls: Any) -> str:
    """Write one record's fields: name, type, meaning.

    Raises:
        KeyError: A field has no meaning here.
    """
    hints = typing.get_type_hints(cls)
    rows = [
        (f"`{field.name}`", type_name(hints[field.name]), MEANING[cls][field.name])
        for field in dataclasses.fields(cls)
    ]
    return regions.table(("field", "type", "meaning"), rows)


def type_name(hint: Any) -> str:
    """Name a type as JSON knows it."""
    args = typing.get_args(hint)
    if type(None) in args:
        return f"{type_name(args[0])} or null"
    origin = typing.get_origin(hint)
    if origin is tuple:
        return f"list of {type_name(args[0])}s"
    if origin is dict:
        return f"object of {type_name(args[1])}s"
    plain = {str: "string", int: "integer", float: "number", bool: "boolean"}
    if hint in plain:
        return plain[hint]
    return "string" if hint.__name__ == "Verdict" else "object"
