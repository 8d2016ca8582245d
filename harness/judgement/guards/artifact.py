"""Kind ``artifact``: a declared file is there, was written by this run, and says something."""

from __future__ import annotations

from harness.config.project import GuardSpec
from harness.judgement.guards import options
from harness.judgement.guards.base import Evidence, Golden, result
from harness.judgement.guards.options import Option
from harness.records import ArtifactRecord, GuardResult
from harness.verdict import Verdict

_EMPTY_FORMS = (b"", b"[]", b"{}", b"null", b'""')
_LOOK = 64


class ArtifactGuard:
    """An artifact that is present, new and of at least ``min_size`` bytes (1)."""

    kind = "artifact"
    options = (Option("artifact", required=True), Option("min_size", "integer"))

    def check_spec(self, spec: GuardSpec) -> None:
        """Require an artifact."""
        options.check(spec, self.options)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red when the artifact is missing, left over from an earlier run, or trivial."""
        expected = "a new file with content"
        record = evidence.artifacts.get(spec.options["artifact"])
        if record is None:
            return result(spec, Verdict.RED, "no file", expected, "it was not written")
        trouble = _trouble(record, spec.options.get("min_size", 1), evidence)
        verdict = Verdict.RED if trouble else Verdict.GREEN
        return result(spec, verdict, f"{record.size} bytes", expected, trouble)


def _trouble(record: ArtifactRecord, least: int, evidence: Evidence) -> str:
    if not record.fresh:
        return "it is left over from an earlier run"
    if record.size < least:
        return f"it has {record.size} bytes, fewer than {least}"
    is_short = record.size <= _LOOK and not record.external
    if is_short and evidence.read(record.id).strip() in _EMPTY_FORMS:
        return "it holds nothing"
    return ""
