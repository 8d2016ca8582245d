"""Kind ``artifact``: a declared file is there, was written by this run, and says something."""

from __future__ import annotations

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import options
from harness.judgement.guards.base import Evidence, Golden, result
from harness.records import ArtifactRecord, GuardResult
from harness.verdict import Verdict

_EMPTY_FORMS = (b"", b"[]", b"{}", b"null", b'""')
_LOOK = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactOptions:
    """The parameters of kind ``artifact``."""

    artifact: str = key("Id of the artifact.")
    min_size: int = key("Least size.", default=1, unit="bytes")


class ArtifactGuard:
    """An artifact that is present, new and of at least ``min_size`` bytes."""

    kind = "artifact"
    options = ArtifactOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require an artifact."""
        options.read(ArtifactOptions, spec)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red when the artifact is missing, left over from an earlier run, or trivial."""
        expected = "a new file with content"
        wanted = options.read(ArtifactOptions, spec)
        record = evidence.artifacts.get(wanted.artifact)
        if record is None:
            return result(spec, Verdict.RED, "no file", expected, "it was not written")
        problem = _find_problem(record, wanted.min_size, evidence)
        verdict = Verdict.RED if problem else Verdict.GREEN
        return result(spec, verdict, f"{record.size} bytes", expected, problem)


def _find_problem(record: ArtifactRecord, least: int, evidence: Evidence) -> str:
    if not record.fresh:
        return "it is left over from an earlier run"
    if record.size < least:
        return f"it has {record.size} bytes, fewer than {least}"
    is_short = record.size <= _LOOK and not record.external
    if is_short and evidence.read(record.id).strip() in _EMPTY_FORMS:
        return "it holds nothing"
    return ""
