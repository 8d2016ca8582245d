"""What was judged of a suite at commits: kept by the digest of what the suite depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from harness import files
from harness.config.project import Project
from harness.errors import HarnessError
from harness.evidence.hub import blockers, plan, stamp
from harness.evidence.hub.store import HubStore
from harness.experiments.commits import history
from harness.frozen import dataclass
from harness.judgement.proof_cache import ProofCache
from harness.records import HubRecord, decode, encode
from harness.verdict import Verdict

STAGE = "stage:"
_SCHEMA = 1
HUB = "hub"  # seen in the work tree, by a sealed run


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenVerdict:
    """How a state was judged: verdict of the suite, and of guards and stages by name.

    ``notes`` are the blocker notes of a red run, as text. ``how`` is ``run``, ``kept`` (from
    an earlier search) or ``hub`` (a sealed run of this project).
    """

    commit: str
    verdict: Verdict
    parts: dict[str, str]
    reason: str
    notes: tuple[str, ...] = ()
    how: str = "run"

    def verdict_of(self, guard: str | None) -> Verdict:
        """Return the verdict that is searched for; what was not judged is inconclusive."""
        if guard is None:
            return self.verdict
        return Verdict(self.parts.get(guard, Verdict.INCONCLUSIVE.value))


def of_hub(hub: Path, record: HubRecord, how: str) -> SeenVerdict:
    """Take from a hub what a search asks for."""
    parts = {f"{STAGE}{stage.id}": stage.verdict.value for stage in record.stages}
    parts |= {guard.id: guard.verdict.value for guard in record.guards}
    paths = sorted((hub / "red").glob("blocked_*.md"))
    return SeenVerdict(
        commit=record.stamp.commit,
        verdict=record.verdict,
        parts=parts,
        reason=record.reason,
        notes=tuple(blockers.read_text(path) for path in paths),
        how=how,
    )


def of_hubs(
    project: Project,
    suite: str,
    listed: Sequence[history.State],
    datasets: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, SeenVerdict]:
    """Take the verdicts of sealed runs of the listed commits, by digest.

    Only runs of a clean commit as declared, with generated data but those ``datasets`` (SHA-256
    by role), in this environment, that came to their end; a later run of the same state
    counts before an earlier one.
    """
    states = {state.commit: state for state in listed if state.digest is not None}
    store, proved = HubStore(project.hubs, project.work), ProofCache(project)
    verdicts = {}
    for hub in store.hubs(suite):
        if proved.damage_of(hub, store.runs()):
            continue
        try:
            record = store.read(hub)
            state = states.get(record.stamp.commit)
            if (
                state is not None
                and state.digest
                and _counts(project, hub, record, state, datasets)
            ):
                verdicts[state.digest] = of_hub(hub, record, HUB)
        except (HarnessError, OSError, UnicodeDecodeError):
            continue  # what is damaged is no evidence; `harness verify` says so
    proved.save()
    return verdicts


def _counts(
    project: Project,
    hub: Path,
    record: HubRecord,
    state: history.State,
    datasets: Mapping[str, str],
) -> bool:
    suite = replace(plan.read_plan(hub).suite, parameters=dict(record.parameters))
    now = stamp.environment_of(suite, project.root, may_start=True)
    return (
        not record.stamp.dirty
        and record.verdict is not Verdict.INCONCLUSIVE
        and record.config_sha256 == state.declaration
        and {d.role: d.sha256 for d in record.datasets if not d.generated} == dict(datasets)
        and all(stage.outcome != "interrupted" for stage in record.stages)
        and not stamp.differing_parts(record.environment, now)
    )


def read_cache(path: Path) -> dict[str, SeenVerdict]:
    """Read what earlier searches judged; an unreadable cache holds nothing."""
    value = files.read_cache(path, _SCHEMA)
    try:
        return {
            digest: decode(SeenVerdict, {**seen, "how": "kept"}, path.name)
            for digest, seen in dict(value["seen"]).items()
        }
    except (HarnessError, KeyError, TypeError, ValueError):
        return {}


def write(path: Path, known: Mapping[str, SeenVerdict]) -> None:
    """Keep what was judged; what could not be is tried again next time."""
    conclusive = {
        digest: encode(seen)
        for digest, seen in known.items()
        if seen.verdict is not Verdict.INCONCLUSIVE and seen.how != HUB
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(path, files.json_bytes({"schema": _SCHEMA, "seen": conclusive}))
