"""Claims that are sealed well, true ones and lies: a rerun tells them apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main as program
from harness.evidence.ledger import keys
from harness.evidence.ledger.log import Ledger
from harness.judgement.verify import reproductions, verify
from harness.judgement.verify.report import Outcome
from tests.builders import claims, hubs, sealed
from tests.builders.claims import Claim

Lie = Callable[[Path], dict[str, Any] | None]
LIES: dict[str, tuple[Lie, dict[str, Any], str]] = {}


def lie(word: str, **changes: Any) -> Callable[[Lie], Lie]:
    """Register a lie, the changes of the declaration it needs, and what must be named."""

    def register(function: Lie) -> Lie:
        LIES[function.__name__] = (function, changes, word)
        return function

    return register


def edit(root: Path, name: str, before: str, after: str) -> None:
    """Replace text in a file of the liar's tree."""
    path = root / name
    content = path.read_text()
    assert before in content
    path.write_text(content.replace(before, after))


@lie("artifact out: value")
def typed_numbers(root: Path) -> None:
    """Type a better number in."""
    edit(root, "source/model.py", '"value": total(terms, lanes)', '"value": 7000.5')


@lie("artifact out: value")
def another_commit(root: Path) -> None:
    """Show the artifacts that another commit gives."""
    edit(root, "source/model.py", "GAIN = 1.0", "GAIN = 1.25")
    hubs.commit(root, "gain")


@lie("artifact out: value")
def another_parameter(root: Path) -> dict[str, Any]:
    """Run with a parameter that the record does not tell."""
    del root
    return {"parameters": {"value": "5"}}


@lie("artifact out: value")
def another_dataset(root: Path) -> dict[str, Any]:
    """Run on easier data, and name the digest of the hard ones."""
    easier = root / ".harness/easier.npz"
    easier.write_bytes(b"easy")
    return {"datasets": {"train": easier}}


@lie("declaration of the commit", guards=[{**claims.FLOOR, "min": 1e6}])
def loosened_bound(root: Path) -> None:
    """Lower the bound that the commit misses."""
    edit(root, "harness.toml", '"min" = 1000000.0', '"min" = 1.0')


@lie("artifact bundle")
def another_bundle(root: Path) -> None:
    """Ship a bundle that no stage made."""
    edit(root, "source/model.py", 'bytes(str(round(answer["value"], 2)), "ascii")', 'b"other"')


@lie("artifact out: rows")
def fewer_rows(root: Path) -> None:
    """Count what was not computed."""
    edit(root, "source/model.py", '"rows": 300', '"rows": 3000')


@lie("stage make")
def failing_stage(root: Path) -> None:
    """Show a run that passed where the commit's fails."""
    edit(root, "source/model.py", "raise SystemExit(3)  # broken here\n", "")


@lie("stage tests", has_tests=True)
def never_ran(root: Path) -> None:
    """Let the test that fails at the commit pass, for once."""
    edit(root, "tests/test_model.py", "assert 0", "assert 2")


@lie("tests of stage tests", has_tests=True)
def fewer_tests(root: Path) -> None:
    """Drop the test that takes so long."""
    path = root / "tests/test_model.py"
    path.write_text(path.read_text().partition("\n\n\ndef test_two")[0] + "\n")


def prepared(name: str, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Make the project that a lie is about."""
    changes = LIES[name][1]
    root = claims.make(tmp_path / "p", **changes)
    if name == "failing_stage":
        path = root / "source/model.py"
        path.write_text("raise SystemExit(3)  # broken here\n" + path.read_text())
        hubs.commit(root, "break it")
    if name == "never_ran":
        edit(root, "tests/test_model.py", "assert 2", "assert 0")
        hubs.commit(root, "break it")
    return root, changes


def ask(claim: Claim, *words: str) -> tuple[int, list[str]]:
    """Reproduce a claim; return the exit code."""
    words_ = ["--hub", str(claim.hub), "--with", f"train={claim.data}"]
    code = program.main(["-C", str(claim.root), "reproduce", *words_, *words])
    (entry,) = list(Ledger(claim.root / ".harness/ledger.jsonl").walk())[-1:]
    assert entry.kind == "reproduction"
    return code, [entry.body["answer"], *entry.body["differences"]]


_SOME = ("typed_numbers", "another_dataset", "another_bundle")


@pytest.mark.parametrize(
    "name", [n if n in _SOME else pytest.param(n, marks=pytest.mark.long) for n in LIES]
)
def test_a_lie_that_is_sealed_well_is_found(name: str, tmp_path: Path) -> None:
    """Verify finds nothing; the rerun names what the commit does not give."""
    root, _ = prepared(name, tmp_path)
    claim = claims.forge(root, claims.scan(tmp_path), LIES[name][0])
    sealed_rows = verify(claim.project, claim.hub, allow_stale=True).rows
    assert Outcome.DAMAGED not in {row.outcome for row in sealed_rows}
    recorded = json.loads((claim.hub / "hub.json").read_bytes())
    assert (recorded["verdict"], recorded["stamp"]["dirty"]) == ("green", False)

    code, answer = ask(claim)

    assert (code, answer[0]) == (1, "changed")
    assert any(line.startswith(LIES[name][2]) for line in answer[1:]), answer


def honest_plain(root: Path, data: Path) -> Claim:
    """Run what is committed."""
    return claims.honest(root, data)


def honest_parameter(root: Path, data: Path) -> Claim:
    """Run with a parameter, and say so."""
    return claims.honest(root, data, parameters={"value": "5"})


def honest_older(root: Path, data: Path) -> Claim:
    """Run an older commit than HEAD."""
    claim = claims.honest(root, data)
    edit(root, "source/model.py", "GAIN = 1.0", "GAIN = 1.5")
    hubs.commit(root, "later")
    return claim


def honest_dirty_now(root: Path, data: Path) -> Claim:
    """Let the tree be under work since."""
    claim = claims.honest(root, data)
    edit(root, "source/model.py", "GAIN = 1.0", "GAIN = 1.5")
    return claim


def honest_red(root: Path, data: Path) -> Claim:
    """Claim a red run, truly."""
    edit(root, "harness.toml", '"min" = 100.0', '"min" = 1000000.0')
    hubs.commit(root, "strict")
    return claims.honest(root, data)


HONEST = [honest_plain, honest_parameter, honest_older, honest_dirty_now, honest_red]


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize(
    "run",
    [f if f is honest_older else pytest.param(f, marks=pytest.mark.long) for f in HONEST],
    ids=lambda f: f.__name__,
)
def test_an_honest_run_is_reproduced_on_two_numeric_classes(
    run: Callable[[Path, Path], Claim],
    threads: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bit for bit on the machine of the run; but for rounding where sums go otherwise."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    claim = run(claims.make(tmp_path / "p"), claims.scan(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", threads)

    code, answer = ask(claim)

    assert (code, answer[0]) == (0, "bit-identical" if threads == "1" else "rounding")


@pytest.fixture
def claim(tmp_path: Path) -> Claim:
    """Make an honest claim."""
    return claims.honest(claims.make(tmp_path / "p"), claims.scan(tmp_path))


def refused(claim: Claim, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Ask for a rerun that must not happen; return exit code and the one line."""
    words_ = ["--hub", str(claim.hub), "--with", f"train={claim.data}"]
    code = program.main(["-C", str(claim.root), "reproduce", *words_, *words])
    (line,) = capsys.readouterr().err.splitlines()
    assert not list(Ledger(claim.root / ".harness/ledger.jsonl").walk())[2:]
    return code, line


def test_code_from_others_runs_only_when_it_is_named(
    claim: Claim, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hub that no ledger here saw begin names the commit that it wants to be run."""
    ledger = Ledger(claim.root / ".harness/ledger.jsonl")
    _, sealing = ledger.entries()
    ledger.path.unlink()
    ledger.append(sealing.kind, sealing.subject, sealing.body)
    commit = sealing.body["commit"]

    code, line = refused(claim, capsys)
    assert (code, f"--commit {commit}" in line) == (2, True)
    assert refused(claim, capsys, "--commit", "0" * 40)[0] == 2
    assert ask(claim, "--commit", commit)[0] == 0


def test_a_commit_of_another_branch_runs_only_when_it_is_named(
    claim: Claim, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was fetched and never merged is not run because a hub says so."""
    hubs.git(claim.root, "checkout", "--quiet", "--orphan", "other")
    hubs.commit(claim.root, "another history")

    code, line = refused(claim, capsys)

    assert (code, "outside of HEAD's history" in line) == (2, True)


def test_what_cannot_be_rerun_is_said_in_a_line(
    claim: Claim, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Other data, no data, a role too many, a damaged hub, a dirty tree."""
    other = claims.scan(tmp_path / "p", b"another scan")
    assert refused(claim, capsys, "--with", f"test={other}")[0] == 2
    lost = Claim(claim.root, claim.hub, other)
    assert refused(lost, capsys)[0] == 2
    stats = claim.hub / "analysis/make/out.json"
    sealed.write(stats, b"{}")
    assert refused(claim, capsys)[0] == 4


def test_a_dirty_run_has_no_commit_to_be_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its commit is not what ran: 3, and nothing is run."""
    root = claims.make(tmp_path / "p")
    edit(root, "source/model.py", "GAIN = 1.0", "GAIN = 1.5")
    dirty = claims.honest(root, claims.scan(tmp_path))

    assert refused(dirty, capsys)[0] == 3


def test_only_another_trusted_key_counts(
    claim: Claim, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Unsigned, forged, of another hub, by the producer: none counts; a second key does."""
    pytest.importorskip("cryptography")
    project = claim.project

    def counted(required: int = 1) -> Outcome:
        rows = reproductions.check(claim.hub, project, required)
        return rows[-1].outcome

    assert counted() is Outcome.INCONCLUSIVE
    assert ask(claim)[0] == 0
    assert counted() is Outcome.INCONCLUSIVE
    key = tmp_path / "key"
    key.write_text(keys.new("other").encode())
    assert ask(claim, "--sign", str(key))[0] == 0
    assert ask(claim, "--sign", str(key))[0] == 0
    assert counted() is Outcome.PASSED
    assert counted(2) is Outcome.INCONCLUSIVE  # one key, however often
    ledger = Ledger(claim.root / ".harness/ledger.jsonl")
    good = ledger.entries()[-1]
    forged = {**good.body, "answer": "bit-identical", "commit": "0" * 40}
    ledger.append(good.kind, good.subject, forged)
    assert "does not count" in reproductions.check(claim.hub, project)[-1].found
    capsys.readouterr()
    words = ["verify", "--hub", str(claim.hub), "--allow-stale", "--require-reproduced"]
    assert program.main(["-C", str(claim.root), *words, "1"]) == 0
    assert program.main(["-C", str(claim.root), *words, "2"]) == 3
    signed = ["ledger", "checkpoint", "--sign", str(key)]
    assert program.main(["-C", str(claim.root), *signed]) == 0
    text = (claim.root / "harness.toml").read_text()
    trusted = f'trusted_keys = ["{keys.read_secret(key.read_text()).public.encode()}"]\n'
    (claim.root / "harness.toml").write_text(trusted + text)
    project = claim.project
    assert counted() is Outcome.INCONCLUSIVE  # now it is the producer's own
