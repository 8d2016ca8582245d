"""Unsealed hubs as a run leaves them before its page is rendered: small, honest files."""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from harness import records
from harness.evidence.hub import blockers, causes
from harness.evidence.hub.causes import Cause
from harness.records import (
    ArtifactRecord,
    DatasetRecord,
    GuardResult,
    HubRecord,
    QuarantineRecord,
    StageRecord,
    Stamp,
)
from harness.verdict import Verdict

NOON = datetime(2026, 1, 3, 12, tzinfo=UTC)
RUN, BEFORE = "20260102T030405Z-a1b2c3", "20260101T030405Z-0f0f0f"


@cache
def png(width: int, height: int, phase: float = 0.0) -> bytes:
    """Make a grey picture with structure in it."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            wave = math.sin(math.atan2(y - height / 2, x - width / 2) * 16 + phase)
            rows.append(int(127 + 120 * wave))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(rows))),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def guard(name: str, verdict: Verdict = Verdict.GREEN, **changes: Any) -> GuardResult:
    """Make the result of a floor guard."""
    result = GuardResult(
        id=name,
        kind="bound",
        verdict=verdict,
        severity="fail",
        found="0.00217",
        expected="≥ 1e-06",
        reason="",
        remedy="Look at the patch grid and the amplitude head.",
        policies=("POLICY-001",),
        metric="train-stats:var_zero_mean",
        value=0.00217,
        low=1e-6,
        high=None,
    )
    return replace(result, **changes)


def stage(name: str, start: int, **changes: Any) -> StageRecord:
    """Make the record of a command stage that began ``start`` seconds into the run."""
    result = StageRecord(
        id=name,
        kind="command",
        argv=("python", "-m", f"package.{name}", "--seed", "42"),
        outcome="passed",
        verdict=Verdict.GREEN,
        exit_code=0,
        started=f"2026-01-02T03:04:{5 + start:02d}Z",
        duration_s=9.5,
        peak_memory_bytes=734_003_200,
        log=f"cli/{name}.log",
        reason="",
    )
    return replace(result, **changes)


def failed_stage(reason: str, **changes: Any) -> StageRecord:
    """Make the record of a command stage that ended with exit code 1."""
    red = {"outcome": "failed", "verdict": Verdict.RED, "exit_code": 1, "reason": reason}
    return stage("train", 0, **{**red, **changes})


def quarantined(kind: str, id_: str, **changes: Any) -> QuarantineRecord:
    """Make the record of a quarantine whose stage, guard or test failed."""
    result = QuarantineRecord(
        kind=kind,
        id=id_,
        owner="tess",
        reason="flaky",
        expires="2999-01-01",
        clean_runs=3,
        state="active",
        outcome="failed",
        clean=0,
    )
    return replace(result, **changes)


def record(**changes: Any) -> HubRecord:
    """Make the record of a green run of three stages and four guards."""
    result = HubRecord(
        schema=records.SCHEMA,
        suite="forward-parity",
        run_id=RUN,
        started="2026-01-02T03:04:05Z",
        finished="2026-01-02T03:04:36Z",
        duration_s=31.0,
        verdict=Verdict.GREEN,
        reason="",
        stamp=Stamp(
            commit="4be1c0ffee" * 4,
            tree="7ee" * 13 + "7",
            branch="main",
            dirty=False,
            diff_sha256=None,
        ),
        environment={"python": "3.11.9", "torch": "2.13.0", "device": "cpu"},
        parameters={"epochs": "10", "groups": "256"},
        datasets=(
            DatasetRecord(
                role="train", name="train.npz", sha256="ab" * 32, size=7_340_032, generated=True
            ),
        ),
        stages=(
            stage("selectors", 0, kind="pytest", tests={"passed": 5, "failed": 0}),
            stage("train", 10, duration_s=15.0),
            stage("inference", 25, duration_s=6.0),
        ),
        artifacts=(),
        guards=(
            guard("train-variance-floor"),
            guard(
                "train-variance-golden",
                kind="golden",
                low=0.0011,
                high=0.0043,
                expected="0.0011 … 0.0043",
            ),
            guard(
                "forward-parity",
                found="2.1e-08",
                expected="≤ 1e-06",
                value=2.1e-8,
                low=None,
                high=1e-6,
            ),
            guard(
                "grid-is-a-picture",
                kind="image",
                found="a picture",
                expected="a picture",
                value=None,
                low=None,
            ),
        ),
        metrics={"train-stats:var_zero_mean": 0.00217, "parity:relative_l2": 2.1e-8},
        config_sha256="cd" * 32,
        golden_sha256=None,
        inputs_sha256="ef" * 32,
        previous=None,
    )
    return replace(result, **changes)


def red_record(**changes: Any) -> HubRecord:
    """Make the record of a run whose inference variance blew up."""
    base = record()
    reason = "inference-variance found 3.1e+07; expected 0.001 … 0.01"
    failed = guard(
        "inference-variance",
        Verdict.RED,
        kind="golden",
        found="3.1e+07",
        expected="0.001 … 0.01",
        value=3.1e7,
        low=0.001,
        high=0.01,
        reason="Above the golden band.",
        remedy="Training and inference disagree on the scale: read it in the bundle.",
    )
    unknown = guard(
        "frc-floor",
        Verdict.INCONCLUSIVE,
        found="no metric",
        value=None,
        reason="metrics.json was not written.",
    )
    guards = (*base.guards, failed, unknown)
    broken = replace(base, verdict=Verdict.RED, reason=reason, guards=guards)
    return replace(broken, **changes)


def write(store: Path, made: HubRecord, *, inputs: dict[str, str] | None = None) -> Path:
    """Write a hub folder with logs, pictures, a training history and, when red, a blocker."""
    hub = store / made.suite / made.run_id
    for folder in ("plan", "cli", "green", "red", "analysis/train", "analysis/inference"):
        (hub / folder).mkdir(parents=True)
    contents = {
        ("train-grid", "train", "torch_patch_grid.png"): png(180, 120),
        ("inference-grid", "inference", "torch_patch_grid.png"): png(180, 120, 2.0),
        ("amplitude", "inference", "reconstructed_amplitude.png"): png(160, 150),
        ("phase", "inference", "reconstructed_phase.png"): png(160, 150, 1.0),
        ("history", "train", "history.csv"): _history(),
    }
    artifacts = []
    for (name, stage_id, file), content in contents.items():
        path = f"analysis/{stage_id}/{file}"
        (hub / path).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        artifacts.append(
            ArtifactRecord(
                id=name,
                stage=stage_id,
                path=path,
                sha256=digest,
                size=len(content),
                external=False,
                fresh=True,
            )
        )
    for made_stage in made.stages:
        lines = "\n".join(f"{made_stage.id} line {i}" for i in range(1, 41))
        (hub / str(made_stage.log)).write_text(lines + "\n")
    if made.verdict is Verdict.RED:
        block(hub, made, cause(made.suite))
    (hub / "plan" / "plan.json").write_text(json.dumps({"schema": 1, "inputs": inputs or {}}))
    whole = replace(made, artifacts=(*made.artifacts, *artifacts))
    (hub / "hub.json").write_text(json.dumps(records.encode(whole)))
    return hub


def _history() -> bytes:
    rows = ["epoch,step,lr,train_loss,val_loss,grad_norm"]
    for epoch in range(10):
        loss = 900.0 * math.exp(-epoch / 2) + 4
        rows.append(
            f"{epoch},{64 * epoch},0.001,{loss:.4f},{loss * 1.1:.4f},{3 / (epoch + 1):.4f}"
        )
    return "\n".join(rows).encode()


def cause(suite: str = "forward-parity") -> Cause:
    """Make the cause of the red guard of a red record."""
    parts = ("guard", suite, "inference-variance")
    return Cause(
        signature=causes.signature(*parts),
        title="guard-inference-variance",
        suite=suite,
        stage=None,
        guard="inference-variance",
        issue=f"Guard `inference-variance` of suite `{suite}` is red.",
        excerpt="inference-stats:var_zero_mean is 3.1e+07; expected 0.001 … 0.01",
        evidence=("analysis/train/history.csv",),
        fix="Training and inference disagree on the scale: read it in the bundle.",
        policies=("POLICY-001",),
    )


def block(hub: Path, made: HubRecord, hostile: Cause) -> blockers.Blocker:
    """Write the note of a cause into a hub and count it in the register of its store."""
    register = blockers.Register(hub.parent.parent)
    sighting = blockers.Sighting(
        run_id=made.run_id,
        commit=made.stamp.commit,
        dirty=made.stamp.dirty,
        instant=made.finished,
    )
    seen = register.count_sighting(hostile, sighting)
    retry = (
        f"harness verify --hub hubs/{made.suite}/{made.run_id}",
        f"harness run {made.suite}",
    )
    body = blockers.body(hostile, hub, retry)
    note = blockers.head(seen) + body
    (hub / "red" / blockers.note_name(hostile, made.run_id)).write_text(note)
    register.keep(seen, body)
    return seen
