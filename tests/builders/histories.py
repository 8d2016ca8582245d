"""Projects with many sealed runs: one real run, told again with other numbers and sealed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness.config.project import Project
from harness.evidence.hub import digest, inventory, layout, seal
from harness.evidence.ledger.log import Ledger
from harness.files import json_bytes
from harness.judgement.declaration import load_project
from harness.records import HubRecord, encode
from harness.verdict import Verdict
from tests.builders import hubs

SUITE, METRIC, GUARD = "tiny", "out:value", "floor"
_BEGIN = datetime(2026, 1, 2, tzinfo=UTC)


@dataclass(slots=True)
class Growing:
    """A project whose history grows run by run; ``runs`` are the run ids in their order."""

    root: Path
    project: Project
    pattern: Path
    record: HubRecord
    runs: list[str] = field(default_factory=list)

    def extend(self, values: Sequence[float], **facts: Any) -> None:
        """Seal a run for each value of the guarded number, all by one write of the ledger.

        Facts change the records: ``verdict``, ``commit``, ``dirty``, ``seed``, ``environment``,
        ``kind`` of the guard.
        """
        promised = [seal.read_staged(self._stage(self._tell(v, **facts))) for v in values]
        seal.adopt(self.project.hubs, Ledger(self.project.work / layout.LEDGER), promised)

    def _tell(
        self, value: float, *, verdict: Verdict = Verdict.GREEN, **facts: Any
    ) -> HubRecord:
        number = len(self.runs)
        begun = _BEGIN + timedelta(hours=number)
        run_id = f"{begun:%Y%m%dT%H%M%SZ}-{number:06x}"
        stamp = replace(
            self.record.stamp,
            commit=facts.get("commit", f"{number:040x}"),
            dirty=facts.get("dirty", False),
        )
        (guard,) = (g for g in self.record.guards if g.id == GUARD)
        others = tuple(g for g in self.record.guards if g.id != GUARD)
        self.runs.append(run_id)
        return replace(
            self.record,
            run_id=run_id,
            started=f"{begun:%Y-%m-%dT%H:%M:%SZ}",
            finished=f"{begun:%Y-%m-%dT%H:%M:%SZ}",
            verdict=verdict,
            stamp=stamp,
            parameters={**self.record.parameters, "seed": facts.get("seed", str(number))},
            environment={**self.record.environment, **facts.get("environment", {})},
            guards=(
                replace(
                    guard, value=value, verdict=verdict, kind=facts.get("kind", guard.kind)
                ),
                *others,
            ),
        )

    def _stage(self, made: HubRecord) -> Path:
        final = self.root.with_name(f"{self.root.name}-staged") / SUITE / made.run_id
        temporary = final.with_name(f"{layout.TEMPORARY}{made.run_id}")
        shutil.copytree(self.pattern, temporary)
        for path in (temporary, *temporary.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        for name in (inventory.MANIFEST, inventory.INVENTORY):
            (temporary / name).unlink()
        (temporary / layout.RECORD).write_bytes(json_bytes(encode(made)))
        plan = temporary / "plan/plan.json"
        planned = json.loads(plan.read_text())
        planned |= {"run_id": made.run_id, "stamp": encode(made.stamp)}
        plan.write_bytes(json_bytes(planned))
        names = {"suite": SUITE, "run_id": made.run_id, "verdict": made.verdict}
        notes = {"commit": made.stamp.commit}
        seal.stage(temporary, final, made.finished, **names, notes=notes)
        return final


def begin(root: Path) -> Growing:
    """Make a project without runs from one that ran once."""
    made = hubs.project(root)
    outcome = hubs.run(made)
    pattern = root.with_name(f"{root.name}-pattern")
    outcome.hub.rename(pattern)
    record = outcome.record
    (made.work / layout.LEDGER).unlink()
    shutil.rmtree(made.hubs)
    return Growing(root=root, project=made, pattern=pattern, record=record)


def read_answer(text: str) -> dict[str, Any]:
    """Read what ``harness history --json`` printed of the one suite."""
    (suite,) = json.loads(text)["suites"]
    answer: dict[str, Any] = suite
    return answer


def copy(made: Growing, root: Path) -> Growing:
    """Copy a history, modes and all; its pattern is shared."""
    shutil.copytree(made.root, root, symlinks=True)
    project = load_project(root)
    return replace(made, root=root, project=project, runs=list(made.runs))


def change_parameter(record: HubRecord, name: str, value: str) -> HubRecord:
    """Return a record of a run with another parameter."""
    return replace(record, parameters={**record.parameters, name: value})


def manifest_digest(hub: Path) -> str:
    """Return the digest by which other entries name a hub."""
    return digest.sha256(hub / inventory.MANIFEST)
