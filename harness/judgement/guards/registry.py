"""Guard kinds by name, and the judging of a run by all of its guards.

Other packages add a kind through the entry-point group ``harness.guards``: the entry's
name is the kind, its value a class as ``guards.base.Guard`` describes. Entry points are
looked up only when a declaration names a kind that is not built in.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from harness.config import keys
from harness.config.project import GuardSpec
from harness.errors import ConfigError, HarnessError, StorageError, near
from harness.judgement.guards import reads
from harness.judgement.guards.base import BuiltInGuard, Evidence, Golden, Guard, result
from harness.records import GuardResult, StageRecord
from harness.verdict import Verdict

GROUP = "harness.guards"
# Module and class of each kind. Loaded when a declaration names it: `status` and the hooks
# check a declaration at each call, and the readers of ten kinds would be a third of their time.
_BUILT_IN: Mapping[str, tuple[str, str]] = {
    "bound": ("bounds", "BoundGuard"),
    "golden": ("golden", "GoldenGuard"),
    "fingerprint": ("fingerprint", "FingerprintGuard"),
    "ratio": ("ratio", "RatioGuard"),
    "equal": ("equal", "EqualGuard"),
    "statistic": ("statistic", "StatisticGuard"),
    "rendering": ("rendering", "RenderingGuard"),
    "disjoint": ("disjoint", "DisjointGuard"),
    "echo": ("echo", "EchoGuard"),
    "artifact": ("artifact", "ArtifactGuard"),
    "image": ("images", "ImageGuard"),
    "log": ("logs", "LogGuard"),
    "count": ("count", "CountGuard"),
    "resource": ("resources", "ResourceGuard"),
    "default": ("defaults", "DefaultGuard"),
}
_INTERRUPTED, _SKIPPED = "interrupted", "skipped"
_FILLED = "{"  # in a remedy that says what was found
_SEVERITIES = keys.find_key(GuardSpec, "severity").about.choices


def built_in() -> Mapping[str, BuiltInGuard]:
    """Return the kinds of the harness itself, each with the record of its parameters."""
    return {kind: _load(kind) for kind in _BUILT_IN}


@functools.cache
def _load(kind: str) -> BuiltInGuard:
    module, name = _BUILT_IN[kind]
    loaded = importlib.import_module(f"harness.judgement.guards.{module}")
    return cast("BuiltInGuard", getattr(loaded, name)())


def kinds() -> dict[str, Guard]:
    """Return every guard kind, the built-in ones first.

    Raises:
        ConfigError: An installed kind cannot be loaded or takes a built-in name.
    """
    from importlib import metadata  # noqa: PLC0415 (20 ms that only foreign kinds need)

    guards: dict[str, Guard] = dict(built_in())
    for entry in metadata.entry_points(group=GROUP):
        if entry.name in guards:
            raise _declaration_error(
                f"guard kind {entry.name}", f"a second one in {entry.value}", "one"
            )
        try:
            guards[entry.name] = entry.load()()
        except (ImportError, AttributeError, TypeError) as error:
            raise _declaration_error(
                f"guard kind {entry.name}", str(error), "a guard class"
            ) from error
    return guards


def check(specs: Sequence[GuardSpec]) -> None:
    """Check declarations before anything runs.

    Raises:
        ConfigError: An unknown kind or severity, a repeated id, or a wrong parameter.
    """
    seen: set[str] = set()
    for spec in specs:
        if spec.id in seen:
            raise _declaration_error(
                f"guard {spec.id}.id", "a repeated id", "one guard of this id"
            )
        seen.add(spec.id)
        if spec.severity not in _SEVERITIES:
            raise _declaration_error(
                f"guard {spec.id}.severity",
                repr(spec.severity),
                " or ".join(map(str, _SEVERITIES)),
            )
        _kind(spec).check_spec(spec)
        if _FILLED in spec.remedy:
            from harness.judgement.guards import remedies  # noqa: PLC0415 - of few guards

            remedies.check(spec)


def judge(
    specs: Sequence[GuardSpec],
    evidence: Evidence,
    golden: Golden | None,
    makers: Mapping[str, str] | None = None,
) -> tuple[GuardResult, ...]:
    """Judge the evidence by the declared guards, then by the default ones.

    A comparison that cannot be made is inconclusive and says why; it is never a pass and
    never an exception. That the disk refused says nothing about the evidence: no verdict.

    Args:
        specs: The declared guards.
        evidence: What the run left.
        golden: The goldens, where there are any.
        makers: Stage that promises each artifact (``reads.list_makers``). Without it, an
            artifact that an interrupted stage never wrote is missing, not "not judged".

    Raises:
        ConfigError: A declaration that ``check`` would have refused.
        StorageError: The disk refused to read what is there.
    """
    from harness.judgement.guards import defaults  # noqa: PLC0415 - only who judges needs it

    every = (*specs, *defaults.default_specs(tuple(specs), evidence))
    written = {name: artifact.stage for name, artifact in evidence.artifacts.items()}
    known = {**(makers or {}), **written}
    results = tuple(
        _with_remedy(spec, _judge_one(spec, evidence, golden, known), evidence)
        for spec in every
    )
    if any(spec.kind == "fingerprint" for spec in specs):
        from harness.judgement.guards import answers  # noqa: PLC0415 - of such suites only

        results = answers.settle(results, every, evidence)
    if evidence.runs > 1 or evidence.members:
        from harness.judgement.guards import members  # noqa: PLC0415 - of several runs only

        results = members.settle(results, specs, evidence)
        results = (*results, *members.judge_members(evidence))
    return results


def _with_remedy(spec: GuardSpec, judged: GuardResult, evidence: Evidence) -> GuardResult:
    """Fill the remedy of a red guard from the evidence; nobody reads one of a green guard."""
    if judged.verdict is not Verdict.RED or _FILLED not in spec.remedy:
        return judged
    from harness.judgement.guards import remedies  # noqa: PLC0415 - of few guards

    return replace(judged, remedy=remedies.fill(spec, evidence))


def _judge_one(
    spec: GuardSpec, evidence: Evidence, golden: Golden | None, makers: Mapping[str, str]
) -> GuardResult:
    guard = _kind(spec)
    for stage in sorted(reads.stages_read(spec, makers, evidence.stages)):
        if ended := _say_unfinished(evidence.stages.get(stage)):
            reason = f"stage {stage} was {ended}"
            return result(spec, Verdict.INCONCLUSIVE, "not judged", "a whole stage", reason)
    try:
        return guard.judge(spec, evidence, golden)
    except (ConfigError, StorageError):
        raise
    except HarnessError as error:
        reason = f"{error.where}: found {error.found}; expected {error.expected}"
        return result(spec, Verdict.INCONCLUSIVE, error.found, error.expected, reason)
    except ArithmeticError as error:  # numbers of a run that diverged lose no run
        size, expected = "numbers beyond what floats can tell", "numbers of a usual size"
        return result(spec, Verdict.INCONCLUSIVE, size, expected, f"{size}: {error}")


def _say_unfinished(stage: StageRecord | None) -> str:
    """Say that a stage owes its files to nobody: it was stopped, or not run at all.

    Older releases called an interrupted stage red, and judged.
    """
    if stage is None or stage.verdict is Verdict.RED:
        return ""
    return {_INTERRUPTED: "interrupted", _SKIPPED: "not run"}.get(stage.outcome, "")


def _kind(spec: GuardSpec) -> Guard:
    if spec.kind in _BUILT_IN:
        return _load(spec.kind)
    known = kinds()
    if spec.kind not in known:
        close, listed = near(spec.kind, known), ", ".join(known)
        expected = f"{close} (of {listed})" if close else f"one of {listed}"
        raise _declaration_error(f"guard {spec.id}.kind", repr(spec.kind), expected)
    return known[spec.kind]


def _declaration_error(where: str, found: str, expected: str) -> ConfigError:
    remedy = "Correct harness.toml, or the package that adds the guard."
    return ConfigError(where, found=found, expected=expected, remedy=remedy)
