"""A hub in, the one row that the site remembers of it out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from harness.errors import HarnessError, IntegrityError
from harness.evidence.hub import blockers, models
from harness.files import json_bytes, read_bounded, sha256_bytes
from harness.frozen import dataclass
from harness.judgement import quarantine
from harness.records import HubRecord
from harness.verdict import Verdict

UNREADABLE = "unreadable"
_NOTE_LIMIT = 1 << 20
_NOTES_READ = 100
_BLOCKER = re.compile(r"B-[0-9a-f]{8}")
_SEED = "seed"
_PLAIN = ("device", "platform", "machine")  # their values speak for themselves
_LEAST = ("implementation", "cpu_count", "python", *_PLAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What index, trends, blockers and feed say about one run.

    ``digest`` is the SHA-256 of its record; a row with another one is read again. ``verdict``
    is a verdict or ``unreadable``. ``bands`` hold, per metric, the bounds the run was judged
    by; ``group`` names what makes its numbers comparable with those of other runs; ``beside``
    says what the verdict leaves out; ``models`` are digests of the models that it made.
    """

    suite: str
    run_id: str
    digest: str
    verdict: str
    reason: str
    finished: str = ""
    duration_s: float = 0.0
    commit: str = ""
    dirty: bool = False
    environment: str = ""
    group: str = ""
    green_guards: int = 0
    guards: int = 0
    blockers: tuple[str, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    bands: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    beside: str = ""
    models: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Path of the run's page in the site."""
        return f"hubs/{self.suite}/{self.run_id}.html"

    @property
    def is_readable(self) -> bool:
        """Say whether there is a page of this run."""
        return self.verdict != UNREADABLE


def make_row(hub: Path, record: HubRecord, digest: str) -> Row:
    """Make the row of a readable hub."""
    return Row(
        suite=record.suite,
        run_id=record.run_id,
        digest=digest,
        verdict=record.verdict.value,
        reason=record.reason,
        finished=record.finished,
        duration_s=record.duration_s,
        commit=record.stamp.commit,
        dirty=record.stamp.dirty,
        environment=environment(record.environment),
        group=group(record),
        green_guards=sum(g.verdict is Verdict.GREEN for g in record.guards),
        guards=len(record.guards),
        blockers=blocked_by(hub),
        metrics=dict(record.metrics),
        bands=bands(record),
        beside=quarantine.standing_out(record),
        models=tuple(artifact.sha256 for artifact in models.list_models(record)),
    )


def bands(record: HubRecord) -> dict[str, tuple[float | None, ...]]:
    """Return, per metric, the narrowest bounds that its guards judged it by."""
    limits: dict[str, tuple[float | None, ...]] = {}
    for guard in record.guards:
        if guard.metric and (guard.low is not None or guard.high is not None):
            low, high = limits.get(guard.metric, (None, None))
            lows = [bound for bound in (low, guard.low) if bound is not None]
            highs = [bound for bound in (high, guard.high) if bound is not None]
            limits[guard.metric] = (max(lows, default=None), min(highs, default=None))
    return limits


def make_damaged_row(hub: Path, digest: str, error: HarnessError) -> Row:
    """Make the row of a hub whose record cannot be read: it is listed, never left out."""
    return Row(
        suite=hub.parent.name,
        run_id=hub.name,
        digest=digest,
        verdict=UNREADABLE,
        reason=f"{error.found}; expected {error.expected}",
    )


def environment(recorded: Mapping[str, str]) -> str:
    """Name an environment by what moves numbers most: ``cpu · torch 2.13.0 · python 3.11``."""
    packages = [k for k in recorded if k not in _LEAST and not k.startswith("env.")]
    named = [
        recorded[key] if key in _PLAIN else f"{key} {recorded[key]}"
        for key in ("device", *packages, "python", "platform", "machine")
        if recorded.get(key, "none") != "none"
    ]
    return " · ".join(named) or "not recorded"


def group(record: HubRecord) -> str:
    """Name what must be equal before two runs' numbers may be drawn as one line.

    Datasets by digest, the device class, and every parameter but the seed.
    """
    datasets = {d.role: d.sha256 for d in record.datasets}
    parameters = {k: v for k, v in record.parameters.items() if k != _SEED}
    device = record.environment.get("device", "")
    digest = sha256_bytes(json_bytes([datasets, parameters, device]))[:8]
    settings = [f"{key} {value}" for key, value in sorted(parameters.items())]
    data = [f"{role} data {sha[:8]}" for role, sha in sorted(datasets.items())]
    return " · ".join([device or "any device", *data, *settings])[:300] + f" · {digest}"


def blocked_by(hub: Path) -> tuple[str, ...]:
    """Return the ids of the blockers that a hub's notes name; damaged notes name none."""
    named = (entry.id for entry, _ in notes(hub))
    return tuple(dict.fromkeys(name for name in named if _BLOCKER.fullmatch(name)))


def notes(hub: Path) -> list[tuple[blockers.Blocker, str]]:
    """Read the blocker notes of a hub, head and body; damaged ones are left out."""
    notes_ = []
    red = hub / "red"
    paths = [] if red.is_symlink() else sorted(red.glob("blocked_*.md"))
    for path in paths[:_NOTES_READ]:
        try:
            notes_.append(
                blockers.split_note(
                    read_bounded(path, _NOTE_LIMIT).decode(errors="replace"), path
                )
            )
        except (IntegrityError, OSError):
            continue  # the run's own page shows the note as it is
    return notes_
