"""Kind ``echo``: every flag of a command line, as the program itself says it understood it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import metrics, options, paths
from harness.judgement.guards.base import Evidence, Golden, result
from harness.judgement.guards.readers.base import parse_cell
from harness.records import GuardResult
from harness.verdict import Verdict

_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoOptions:
    """The parameters of kind ``echo``."""

    stage: str = key("Stage whose command line is held against its settings.")
    artifact: str = key("Id of the artifact in which its program says its settings.")
    fields: dict[str, str] = key("Path within the artifact, by flag.")
    silent: tuple[str, ...] = key("Flags that no setting stands for.", default=())


class EchoGuard:
    """Every flag of a ``stage``'s command line is a setting that its program writes down.

    Numbers equal as numbers, paths by their last part, and a flag without a value is true. A
    flag that is in neither ``fields`` nor ``silent`` is red: nobody looks whether it arrives.
    """

    kind = "echo"
    options = EchoOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require readable paths, and something to compare.

        Raises:
            ConfigError: No field at all.
        """
        wanted = options.read(EchoOptions, spec)
        if not wanted.fields:
            raise options.error(spec, "fields", "no flag", "a path for at least one flag")
        for path in wanted.fields.values():
            metrics.parse(f"{wanted.artifact}:{path}")

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red for a flag whose setting is another, is missing, or that nobody compares.

        Raises:
            MetricError: The stage has no command line.
        """
        wanted = options.read(EchoOptions, spec)
        stage = evidence.stages.get(wanted.stage)
        if stage is None or not stage.argv:
            raise metrics.missing_error(
                f"stage {wanted.stage}", "no command line", "a stage that ran"
            )
        flags = paths.read_flags(stage.argv)
        problems = []
        for flag, value in flags.items():
            if flag in wanted.fields:
                problems += _compare(evidence, wanted, flag, value)
            elif flag not in wanted.silent:
                problems.append(f"{flag} is compared with no setting")
        expected = f"the flags of {wanted.stage} in {wanted.artifact}"
        if not set(flags) & set(wanted.fields):
            problems.append("none of the flags is on the command line")
        if problems:
            reason = "; ".join(problems[:_NAMED])
            return result(spec, Verdict.RED, problems[0], expected, reason)
        return result(spec, Verdict.GREEN, f"{len(flags)} flags", expected)


def _compare(evidence: Evidence, wanted: EchoOptions, flag: str, value: Any) -> list[str]:
    """Say how a setting differs from its flag; nothing where it does not."""
    try:
        echoes = metrics.find(evidence, f"{wanted.artifact}:{wanted.fields[flag]}")
    except metrics.TooManyError:
        raise
    except metrics.MetricError:
        if wanted.artifact not in evidence.artifacts:
            raise
        return [f"{flag} {_write(value)}: no setting {wanted.fields[flag]}"]
    echo = echoes if isinstance(value, list) else echoes[0]
    if _is_same(value, echo):
        return []
    return [f"{flag} {_write(value)} came to {_write(echo)}"]


def _is_same(value: Any, echo: Any) -> bool:
    if isinstance(value, list):
        flat = echo[0] if len(echo) == 1 and isinstance(echo[0], list) else echo
        return len(value) == len(flat) and all(map(_is_same, value, flat))
    if isinstance(value, bool) or isinstance(echo, bool):
        return value is echo
    if isinstance(echo, str):
        echo = parse_cell(echo)
    if isinstance(value, str) and isinstance(echo, str):
        return value == echo or PurePath(value).name == PurePath(echo).name
    return bool(value == echo)


def _write(value: Any) -> str:
    return (f"{value:g}" if isinstance(value, float) else str(value))[:60]
