"""Verdicts, coverage and freshness of an intact hub, and of one forged from end to end."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from harness.errors import NotAProjectError
from harness.evidence.hub import inventory
from harness.evidence.ledger import canonical, checkpoint, keys
from harness.judgement.verify import Outcome, verify
from harness.judgement.verify import report as reports
from harness.sharing.publish import publish_hub
from tests.builders import sealed
from tests.builders.sealed import Store


def forge(store: Store, name: str, change: dict[str, Any]) -> None:
    """Change a record, and manifest and ledger with it: what no byte check can see."""
    path = store.hub / name
    value = json.loads(path.read_bytes())
    value.update(change)
    sealed.write(path, json.dumps(value).encode())
    sealed.remanifest(store.hub)
    start, last = store.ledger.path.read_bytes().splitlines(keepends=True)
    entry = json.loads(last)
    manifest = (store.hub / inventory.MANIFEST).read_bytes()
    entry["body"]["manifest_sha256"] = hashlib.sha256(manifest).hexdigest()
    entry["body"]["verdict"] = json.loads((store.hub / "hub.json").read_bytes())["verdict"]
    store.ledger.path.write_bytes(start + canonical.dumps(entry) + b"\n")


def bad(store: Store, **options: Any) -> dict[str, list[str]]:
    """Return what is not as it should be, by check."""
    by_check: dict[str, list[str]] = {}
    for row in verify(store.project, store.hub, **options).rows:
        if row.outcome not in (Outcome.PASSED, Outcome.NOTE):
            by_check.setdefault(row.check, []).append(f"{row.outcome} {row.found}")
    return by_check


def test_the_rows_come_in_the_order_of_the_design(store: Store) -> None:
    """Structure, bytes, ledger, coverage, guards, freshness."""
    checks = [row.check for row in verify(store.project, store.hub).rows]

    assert list(dict.fromkeys(checks))[:5] == [
        "structure",
        "bytes",
        "ledger",
        "coverage",
        "guards",
    ]
    assert checks[-1] == "freshness"


def test_a_forgery_without_a_change_is_no_damage(store: Store) -> None:
    """What the forged cases below find is what they change, not how."""
    forge(store, "hub.json", {})

    assert verify(store.project, store.hub).exit_code == 0


def test_the_verdict_is_made_again_from_the_artifacts(store: Store) -> None:
    """An artifact forged below the bound contradicts its recorded green guard."""
    stats = store.hub / "analysis/measure/stats.json"
    content = b'{"variance": 0.25, "count": 3}'
    sealed.write(stats, content)
    record = json.loads((store.hub / "hub.json").read_bytes())
    for artifact in record["artifacts"]:
        if artifact["id"] == "stats":
            artifact["sha256"] = hashlib.sha256(content).hexdigest()
    forge(store, "hub.json", {"artifacts": record["artifacts"]})

    by_check = bad(store)
    assert any("variance-floor: recorded green" in row for row in by_check["guards"])
    assert verify(store.project, store.hub).exit_code == 4


def test_a_recorded_verdict_better_than_its_parts_is_damage(store: Store) -> None:
    """Green over a red guard cannot be what a run wrote."""
    record = json.loads((store.hub / "hub.json").read_bytes())
    record["guards"][0]["verdict"] = "red"
    forge(store, "hub.json", {"guards": record["guards"]})

    assert "structure" in bad(store)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stages", []),
        ("guards", []),
        ("artifacts", []),
        ("run_id", "20260102T030405Z-a1b2c3"),
        ("suite", "other"),
        ("finished", "2999-01-01T00:00:00Z"),
        ("inputs_sha256", "0" * 64),
        ("config_sha256", "0" * 64),
        ("started", "not a time"),
        ("golden_sha256", "0" * 64),
    ],
)
def test_a_forged_record_contradicts_the_plan_or_itself(
    store: Store, field: str, value: object
) -> None:
    """Even with manifest and ledger made to fit, what was promised is missing."""
    forge(store, "hub.json", {field: value})

    assert verify(store.project, store.hub).exit_code == 4


def test_a_bound_moved_today_is_red_and_only_that(store: Store) -> None:
    """The recorded guards hold; today's do not, and the exit code is 1."""
    store.declare("min = 0.5", "min = 0.9")

    verified = verify(store.project, store.hub)

    assert verified.exit_code == 1
    assert [result.id for result in verified.red_today] == ["variance-floor"]


def test_an_archive_is_judged_at_its_own_commit(store: Store) -> None:
    """With --allow-stale today's bounds and sources only inform."""
    store.declare("min = 0.5", "min = 0.9")
    (store.root / "source.py").write_text("changed")

    assert verify(store.project, store.hub, allow_stale=True).exit_code == 0


def test_a_changed_input_is_stale_and_named(store: Store) -> None:
    """Exit code 3 with the file that changed."""
    (store.root / "source.py").write_text("changed")

    by_check = bad(store)

    assert verify(store.project, store.hub).exit_code == 3
    assert "source.py" in by_check["freshness"][0]


def test_damage_outranks_red_and_red_outranks_stale() -> None:
    """The order of the design: 4, 1, 3."""
    ranked = [Outcome.STALE, Outcome.RED, Outcome.DAMAGED]

    assert [reports.worst(ranked[: i + 1]).exit_code for i in range(3)] == [3, 1, 4]
    assert reports.worst([]).exit_code == 3


def test_a_red_hub_that_is_intact_is_red(store: Store) -> None:
    """Evidence of a failure verifies as what it is."""
    store.declare("min = 0.5", "min = 0.9")
    red = sealed.run(store.root)

    assert verify(red.project, red.hub).exit_code == 1


def test_an_external_artifact_that_is_not_here_only_informs(store: Store) -> None:
    """Another place has no bundles; what is known by digest may be elsewhere."""
    shutil.rmtree(store.root / ".harness/runs")

    verified = verify(store.project, store.hub)

    assert verified.exit_code == 0
    assert any("weights" in row.found for row in verified.rows if row.outcome == "note")


def test_a_hub_checked_out_of_git_verifies(store: Store, tmp_path: Path) -> None:
    """Git keeps neither read-only modes nor empty folders, and that is no damage."""
    (store.root / ".gitignore").write_text(".harness/\n")
    publish_hub(store.project, store.hub)
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, "-C", str(store.root), *arguments], check=True)
    clone = tmp_path / "clone"
    subprocess.run([*git, "clone", "-q", str(store.root), str(clone)], check=True)
    cloned = Store(clone, clone / store.hub.relative_to(store.root))

    assert verify(cloned.project, cloned.hub).exit_code == 0


def test_a_signed_checkpoint_that_covers_the_hub_is_accepted(store: Store) -> None:
    """With trusted keys the row says who signed; an uncovered hub is damage."""
    key = keys.new("ci")
    store.declare('name = "small"', f'name = "small"\ntrusted_keys = ["{key.public.encode()}"]')
    note = checkpoint.write(checkpoint.take(store.ledger.leaves(), "small"), [key])
    store.ledger.path.with_name("checkpoint.txt").write_text(note)
    later = sealed.run(store.root)

    assert verify(store.project, store.hub, allow_stale=True).exit_code == 0
    assert verify(store.project, later.hub).exit_code == 4


@pytest.mark.parametrize("name", ["empty", "nothing", "file"])
def test_what_is_no_hub_is_refused(tmp_path: Path, name: str) -> None:
    """An empty folder, nothing at all, or a file."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")

    with pytest.raises(NotAProjectError):
        verify(None, tmp_path / name)


def test_a_sample_still_reads_records_and_sees_sizes(store: Store) -> None:
    """Sampling leaves out bytes of the payload only."""
    sealed.write(store.hub / "plan/plan.md", b"short")
    sealed.write(store.hub / "analysis/metrics.json", b"{} ")

    rows = " ".join(bad(store, fraction=1e-9)["bytes"])

    assert "plan.md" in rows
    assert "metrics.json" in rows


def test_a_small_hub_is_proved_in_a_tenth_of_the_budget(store: Store) -> None:
    """The whole proof takes 50 ms of CPU at most."""
    project = store.project
    verify(project, store.hub)
    started = time.process_time()
    verify(project, store.hub)

    assert time.process_time() - started < 0.05
