"""``harness verify`` and ``harness ledger`` as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import main
from tests.builders import sealed
from tests.builders.sealed import Store


@pytest.fixture
def store(pristine: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a store of this test's own, and work in it."""
    copied = sealed.copy(pristine, tmp_path / "project")
    monkeypatch.chdir(copied.root)
    return copied


@pytest.mark.parametrize("words", ["latest", "tiny:latest", "{hub}", "{run_id}"])
def test_a_hub_is_found_by_its_names(store: Store, words: str) -> None:
    """Folder, run id, latest, and latest of a suite mean the same hub."""
    named = words.format(hub=store.hub.relative_to(store.root), run_id=store.hub.name)

    assert main(["verify", "--hub", named]) == 0


def test_json_holds_a_row_for_each_check(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Programs read what people see."""
    code = main(["verify", "--hub", str(store.hub), "--json"])

    answer = json.loads(capsys.readouterr().out)
    assert (code, answer["exit_code"], answer["rows"][0]["check"]) == (0, 0, "structure")


def test_a_changed_byte_is_exit_code_4_with_the_file_named(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first promise of the harness."""
    sealed.write(store.hub / "cli/measure.log", b"measured 9 rows\n")

    assert main(["verify", "--hub", str(store.hub)]) == 4
    assert "cli/measure.log" in capsys.readouterr().out


def test_a_moved_bound_leaves_a_blocker_whose_command_works(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, the text on the terminal, one file in the register, a retry to paste."""
    store.declare("min = 0.5", "min = 0.9")

    codes = [main(["verify", "--hub", str(store.hub)]) for _ in range(2)]

    retry = next(
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("harness verify")
    )
    notes = list((store.root / "hubs/blockers").glob("B-*.md"))
    assert (codes, len(notes)) == ([1, 1], 1)
    assert "occurrences: 1" in notes[0].read_text()
    assert main(retry.split()[1:]) == 1
    store.declare("min = 0.9", "min = 0.5")
    assert main(retry.split()[1:]) == 0


def test_all_hubs_are_proved_and_the_worst_counts(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """An older hub is an archive; a damaged one decides; an absent one is reported."""
    newer = sealed.run(store.root)
    assert main(["verify", "--all"]) == 0
    store.ledger.append("seal", "tiny/20200101T000000Z-000000", {"verdict": "green"})
    capsys.readouterr()
    assert main(["verify", "--all", "--json"]) == 0
    assert "20200101T000000Z-000000" in capsys.readouterr().out
    sealed.write(store.hub / "hub.json", b"{}")

    assert main(["verify", "--all"]) == 4
    assert main(["verify", "--hub", str(newer.hub)]) == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--all", "--hub", "latest"], 2),
        (["--hub", "/"], 10),
        (["--hub", "no"], 10),
        (["latest", "--sample", "0"], 2),
        (["latest", "--sample", "x%"], 2),
        (["latest", "--sample", "nan"], 2),
        (["other:latest"], 3),
        (["latest~9"], 3),
    ],
)
def test_mistakes_are_one_line_and_a_documented_code(
    store: Store, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    """No traceback, whatever is typed."""
    del store

    assert main(["verify", *arguments]) == code
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_seal_cut_short_is_finished_by_the_next_command(store: Store) -> None:
    """An intent without its entry is completed, and the hub verifies."""
    entry = sealed.seals(store)[0]
    store.ledger.path.write_bytes(b"")
    intent = store.root / "hubs" / f".sealing-{store.hub.name}.json"
    intent.write_text(json.dumps(entry.body))

    assert main(["verify", "--hub", str(store.hub)]) == 0
    assert not intent.exists()


def test_the_ledger_commands_answer(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Log, verify, checkpoint, proof and key, one after the other."""
    subject = f"tiny/{store.hub.name}"
    assert main(["ledger", "key", "new", "ci", "--output", "key"]) == 0
    assert (store.root / "key").stat().st_mode & 0o077 == 0
    for arguments in (["log"], ["checkpoint", "--sign", "key"], ["verify"], ["proof", subject]):
        assert main(["ledger", *arguments]) == 0
    assert "entry 1 of 2" in capsys.readouterr().out
    assert main(["ledger", "proof", "no/such"]) == 3
    assert main(["ledger", "key", "new", "ci", "--output", "key"]) == 2


def test_a_git_merge_of_two_ledgers_is_one_command(store: Store) -> None:
    """In the middle of a conflict, merging MERGE_HEAD keeps both hubs."""
    names = {"GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "e@x"}
    names |= {"GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "e@x"}

    def git(*arguments: str, check: bool = True) -> None:
        argv = ["git", "-C", str(store.root), *arguments]
        subprocess.run(argv, check=check, env={**os.environ, **names}, capture_output=True)

    (store.root / ".gitignore").write_text(".harness/\n")
    git("init", "-q", "-b", "ours")
    assert main(["publish", "latest"]) == 0
    git("add", "-A")
    git("commit", "-qm", "first")
    git("switch", "-qc", "theirs")
    theirs = sealed.run(store.root)
    assert main(["publish", "latest"]) == 0
    git("add", "-A")
    git("commit", "-qm", "theirs")
    git("switch", "-q", "ours")
    ours = sealed.run(store.root)
    assert main(["publish", "latest"]) == 0
    git("add", "-A")
    git("commit", "-qm", "ours")
    git("merge", "theirs", check=False)

    assert main(["ledger", "merge", "MERGE_HEAD"]) == 0
    assert main(["ledger", "verify"]) == 0
    for made in (store, theirs, ours):
        assert main(["verify", "--hub", str(made.hub), "--allow-stale"]) == 0
    # Published ones are archives: newer runs make the oldest stale only where that is asked.
    assert main(["verify", "--hub", str(store.hub)]) == 0
    assert main(["verify", "--hub", str(store.hub), "--require-fresh"]) == 3


def test_the_module_of_the_command_is_light() -> None:
    """At most 150 modules, and nothing heavy, in a fresh interpreter."""
    code = "import sys, harness.cli.verify; print(len(sys.modules), *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    count, *names = done.stdout.split()
    assert int(count) <= 150
    assert not {"torch", "numpy", "git", "lightning", "ptycho_torch", "cryptography"} & set(
        names
    )


def test_the_command_takes_less_than_half_a_second_of_cpu(store: Store) -> None:
    """From the shell, in all."""
    before = os.times()
    argv = [sys.executable, "-m", "harness", "verify", "--hub", str(store.hub)]
    subprocess.run(argv, check=True, capture_output=True)
    after = os.times()

    spent = after.children_user + after.children_system
    assert spent - before.children_user - before.children_system < 0.5
