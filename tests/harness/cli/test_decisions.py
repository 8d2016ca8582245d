"""What decides is proved first, follows the ledgers, and leaves nothing out in silence."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.evidence.hub import ledgers
from harness.evidence.ledger.log import Ledger
from harness.runner import workflow
from tests.builders import hubs, sealed


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one suite, in which commands are typed."""
    made = hubs.declare(tmp_path / "p")
    monkeypatch.chdir(made)
    monkeypatch.delenv("CI", raising=False)
    return made


@pytest.fixture
def ask(root: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Type a command; return its exit code and its answer."""
    del root

    def run_command(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main.main([*words, "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return run_command


def run(ask: Any, value: str = "3") -> Path:
    """Run the suite with a value, which is green from 1 on."""
    return Path(ask("run", "tiny", "--set", f"value={value}")[1]["hub"])


def test_newest_is_of_the_ledger(root: Path, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A green run of a clock that was two hours ahead does not hide the red one after it."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=2)

    with monkeypatch.context() as clock:
        clock.setattr(workflow, "datetime", Ahead)
        green = run(ask)
    red = run(ask, "0")

    assert green.name > red.name
    assert ask("status", "--check")[0] == 1
    assert ask("status")[1]["suites"][0]["run_id"] == red.name
    assert ask("verify", "latest", "--allow-stale")[0] == 1
    assert ask("run", "tiny", "--if-stale")[1]["reused"] is False
    assert ask("diff", "latest~2", "latest~1")[1] is not None
    assert root.is_dir()


def test_red_run_without_its_folder_counts(root: Path, ask: Any) -> None:
    """The seal of the newest red run decides when its hub was removed."""
    run(ask)
    red = run(ask, "0")
    sealed_folder = root / red
    shutil.rmtree(sealed_folder)

    code, answer = ask("status", "--check")

    assert (code, answer["suites"][0]["fresh"]) == (1, False)
    assert answer["suites"][0]["gone"]["hub"] == red.relative_to("hubs").as_posix()
    assert ask("verify", "latest")[0] == 3
    assert ask("verify", "--all")[0] == 1
    assert ask("run", "tiny", "--if-stale")[1]["reused"] is False
    assert ask("status", "--check")[0] == 0  # the run that was made has mended it


@pytest.mark.parametrize("verdict", ["red", "green"])
def test_edited_record_decides_nothing(root: Path, ask: Any, verdict: str) -> None:
    """A verdict that somebody wrote into a record is damage, whatever it says."""
    hub = run(ask, "0" if verdict == "red" else "3")
    ask("status")  # what was proved before is no excuse
    other = {"red": b'"green"', "green": b'"red"'}[verdict]
    path = root / hub / "hub.json"
    status = path.stat()
    content = path.read_bytes().replace(f'"{verdict}"'.encode(), other)
    sealed.write(path, content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert ask("status", "--check")[0] == 4
    assert ask("run", "tiny", "--if-stale")[1]["reused"] is False


def test_planted_hub_decides_nothing(root: Path, ask: Any) -> None:
    """A folder that nobody sealed is not the newest green run."""
    red = root / run(ask, "0")
    green = root / run(ask)
    ask("run", "tiny", "--set", "value=0")
    shutil.copytree(green, green.with_name("29990101T000000Z-ffffff"))

    assert red.is_dir()
    assert ask("status", "--check")[0] == 4
    assert ask("run", "tiny", "--if-stale")[1]["reused"] is False


def test_cells_of_a_matrix_count(root: Path, ask: Any) -> None:
    """Red cells make status red, cells that are not done leave it open; all are verified."""
    suite = hubs.suite(matrix={"values": {"value": ["3", "0"]}})
    hubs.declare(root, tiny=suite)
    ask("run", "tiny")
    code, answer = ask("status", "--check")
    assert (code, answer["matrices"][0]["verdicts"]) == (3, {})

    ask("run", "tiny", "--matrix", "values")

    assert ask("status", "--check")[0] == 1
    code, answer = ask("verify", "--all")
    assert (code, len(answer["hubs"])) == (1, 3)
    cell = next(path for path in (root / "hubs/matrix").glob("*/tiny/*") if path.is_dir())
    sealed.write(cell / "summary.md", b"x")
    assert ask("verify", "--all")[0] == 4


def test_sample_never_judges_what_was_not_read(
    root: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guard's artifact is proved even where no file of the sample is."""
    monkeypatch.setattr("random.random", lambda: 1.0)
    hub = run(ask)
    assert ask("verify", "latest", "--sample", "1%")[0] == 0
    path = root / hub / "analysis/make/out.json"
    size = path.stat().st_size
    sealed.write(path, b'{"value": 9.0}'.ljust(size)[:size])

    code, answer = ask("verify", "latest", "--sample", "1%")

    assert code == 4
    assert any("out.json" in row["found"] for row in answer["rows"])


def test_what_is_not_checked_has_a_row(root: Path, ask: Any) -> None:
    """Commit, tree, acceptance and quarantine are told; an accepted cause is not 'fresh'."""
    hubs.commit(root)
    (root / "source/model.py").write_text("GAIN = 2\n")
    ask("run", "tiny")
    (root / "source/model.py").write_text("GAIN = 3\n")
    ask("status", "tiny", "--accept", "source", "--reason", "looked at it")

    code, answer = ask("verify", "latest")

    rows = {row["check"]: row for row in answer["rows"]}
    assert code == 0
    assert (rows["commit"]["outcome"], rows["tree"]["outcome"]) == ("ok", "note")
    assert "looked at it" in rows["accepted"]["found"]
    assert "source" in rows["accepted"]["found"]
    assert rows["freshness"]["outcome"] == "note"
    assert rows["quarantine"]["found"] == "nothing"
    for kind, head in (("md", "## Accepted since"), ("html", "<dt>accepted since</dt>")):
        assert main.main(["report", "--format", kind, "-o", "page", "-q"]) == 0
        written = (root / "page").read_text()
        assert head in written
        assert "looked at it" in written


def test_accepting_reaches_all_named_suites_or_none(root: Path, ask: Any) -> None:
    """Several suites are accepted at once; one that is not stale stops them all."""
    hubs.declare(root, a=hubs.suite(), b=hubs.suite(), c=hubs.suite(inputs=["harness.toml"]))
    for name in "abc":
        ask("run", name)
    (root / "source/model.py").write_text("GAIN = 2\n")
    words = ("--accept", "source", "--reason", "looked at it")
    before = (root / ".harness/ledger.jsonl").read_bytes()

    assert ask("status", "a", "b", "c", *words)[0] == 2
    assert (root / ".harness/ledger.jsonl").read_bytes() == before
    code, answer = ask("status", "a", "b", *words, "--check")
    assert (code, [one["fresh"] for one in answer["suites"]]) == (0, [True, True])


def test_order_of_both_ledgers(tmp_path: Path) -> None:
    """A run that was published elsewhere stands where it became known, whatever its time."""
    both = ledgers.of_store(tmp_path / "hubs", tmp_path / ".harness")
    late = (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    both.local.append("seal", "s/a", {})
    both.published.append_all([("seal", "s/b", {}, late)])
    both.local.append("seal", "s/c", {ledgers.AFTER: both.published.count()})
    both.published.append_all([("seal", "s/a", {}, late), ("seal", "s/d", {}, "2001")])

    assert list(both.runs()) == ["s/a", "s/b", "s/c", "s/d"]
    assert both.runs()["s/a"].is_local
    assert both.runs()["s/a"].is_published
    both.published.path.unlink()  # another branch
    assert list(both.runs()) == ["s/a", "s/c"]


def test_closing_and_removing_are_local(root: Path, ask: Any) -> None:
    """Nothing that is done to local evidence reaches the published ledger."""
    for _ in range(3):
        run(ask, "0")
    (blocker,) = ask("blockers", "list")[1]["blockers"]
    ask("blockers", "close", blocker["id"], "--reason", "known")
    ask("gc", "--keep", "1", "--apply")

    kinds = {entry.kind for entry in Ledger(root / ".harness/ledger.jsonl").walk()}
    assert kinds == {"start", "seal", "blocker-closed", "gc"}
    assert not (root / "hubs/ledger.jsonl").exists()
