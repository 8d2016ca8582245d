"""Hubs pushed to a store and pulled from it: the same bytes, or a refusal by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.evidence.hub import comparison, inventory
from harness.sharing.remote.store import RemoteStore
from tests.builders import sealed
from tests.builders.sealed import Store
from tests.harness.sharing.remote.conftest import Place

fsspec = pytest.importorskip("fsspec", reason="needs the extra 'remote'")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store of two hubs that no test may change."""
    root = tmp_path_factory.mktemp("pristine") / "project"
    sealed.make(root)
    return sealed.run(root)


@pytest.fixture
def here(pristine: Store, tmp_path: Path) -> Store:
    """Return a project with two hubs."""
    return sealed.copy(pristine, tmp_path / "here")


@pytest.fixture
def bare(here: Store, tmp_path: Path) -> Path:
    """Return the same project without hubs and without a ledger."""
    root = tmp_path / "bare"
    root.mkdir()
    for name in ("harness.toml", "source.py"):
        shutil.copy(here.root / name, root / name)
    return root


def run_command(capsys: Any, root: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Give a command in a project; return its exit code and its answer or its error."""
    capsys.readouterr()
    code = main(["store", *words, "--json", "-C", str(root)])
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == (1 if code else 0)
    return code, json.loads(out) if out else {"error": err}


def whole(root: Path) -> list[str]:
    """Return the undamaged hubs of a project, and require that each is sealed once."""
    store = Store(root, root)
    hubs = sorted((root / "hubs").glob("tiny/2*"))
    names = [f"tiny/{hub.name}" for hub in hubs]
    assert sorted(entry.subject for entry in sealed.seals(store)) == names
    assert [comparison.compare(hub).damages for hub in hubs] == [()] * len(hubs)
    assert [p.name for p in (root / "hubs").glob(".[!l]*")] == []
    return names


def test_pulled_hubs_are_the_pushed_ones(
    here: Store, bare: Path, away: Place, capsys: Any
) -> None:
    """Both hubs arrive whole, verify, and their seals keep body and time."""
    pushed, pulled = (
        run_command(capsys, here.root, "push", away.url),
        run_command(capsys, bare, "pull", away.url),
    )

    assert (pushed[0], pulled[0]) == (0, 0)
    assert len(whole(bare)) == 2
    theirs = [(e.subject, e.time, e.body) for e in sealed.seals(Store(bare, bare))]
    assert theirs == [(e.subject, e.time, e.body) for e in sealed.seals(here)]
    copied = bare / here.hub.relative_to(here.root)
    assert main(["verify", "--hub", str(copied), "--allow-stale", "-q", "-C", str(bare)]) == 0


def test_a_second_time_nothing_is_copied(
    here: Store, bare: Path, away: Place, capsys: Any
) -> None:
    """What is there and equal is skipped, in both directions."""
    for root, verb in ((here.root, "push"), (bare, "pull")):
        run_command(capsys, root, verb, away.url)
        code, again = run_command(capsys, root, verb, away.url)

        assert code == 0
        assert [hub["was_there"] for hub in again["hubs"]] == [True, True]
    assert len(whole(bare)) == 2


def test_named_hubs_and_suites_alone_are_moved(
    here: Store, bare: Path, away: Place, capsys: Any
) -> None:
    """One named hub goes; a suite that is not there is nothing to pull."""
    run_command(capsys, here.root, "push", "latest", away.url)

    assert run_command(capsys, bare, "pull", away.url, "--suite", "other")[0] == 5
    assert run_command(capsys, bare, "pull", away.url, "--suite", "tiny")[0] == 0
    assert whole(bare) == [f"tiny/{here.hub.name}"]


def test_hubs_return_to_a_ledger_that_has_them(here: Store, away: Place, capsys: Any) -> None:
    """Where git carried the ledger but not the hubs, nothing is logged twice."""
    run_command(capsys, here.root, "push", away.url)
    before = here.ledger.path.read_bytes()
    sealed_hubs = here.hub.parent
    for folder in sealed_hubs.rglob("*"):
        folder.chmod(0o755)
    shutil.rmtree(sealed_hubs)

    assert run_command(capsys, here.root, "pull", away.url)[0] == 0
    assert here.ledger.path.read_bytes() == before
    assert len(whole(here.root)) == 2


def plug_pulled(monkeypatch: pytest.MonkeyPatch, method: str, after: int) -> None:
    """Let a method of the store end the process at its call number ``after``."""
    real, calls = getattr(RemoteStore, method), [0]

    def until(self: RemoteStore, *args: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] > after:
            raise KeyboardInterrupt
        return real(self, *args, **named)

    monkeypatch.setattr(RemoteStore, method, until)


@pytest.mark.parametrize("after", [1, 5])
def test_an_interrupted_push_goes_on(
    here: Store,
    bare: Path,
    away: Place,
    capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    """Half a hub is none to a reader; what arrived is not sent again, what was cut is."""
    with monkeypatch.context() as planted:
        plug_pulled(planted, "send", after)
        assert main(["store", "push", "latest", away.url, "-q", "-C", str(here.root)]) == 130
    assert run_command(capsys, bare, "pull", away.url)[0] == 5
    cut = away.files()[0]
    away.write(cut, away.read(cut)[:-1])

    code, answer = run_command(capsys, here.root, "push", "latest", away.url)

    count = len(inventory.read_manifest(here.hub)) + 1
    assert code == 0
    assert answer["hubs"][0]["files_kept"] == after - 1
    assert answer["hubs"][0]["files_copied"] == count - after + 1
    assert run_command(capsys, bare, "pull", away.url)[0] == 0
    assert len(whole(bare)) == 1


@pytest.mark.parametrize("after", [1, 5])
def test_an_interrupted_pull_goes_on(
    here: Store,
    bare: Path,
    away: Place,
    capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    """No hub is named before it is whole; the files that arrived are not fetched again."""
    run_command(capsys, here.root, "push", "latest", away.url)
    with monkeypatch.context() as planted:
        plug_pulled(planted, "fetch", after)
        assert main(["store", "pull", away.url, "-q", "-C", str(bare)]) == 130
    assert list((bare / "hubs").glob("tiny/*")) == []

    code, answer = run_command(capsys, bare, "pull", away.url)

    assert (code, answer["hubs"][0]["files_kept"]) == (0, after)
    assert len(whole(bare)) == 1


def test_each_flipped_byte_is_refused_by_name(
    here: Store, bare: Path, away: Place, capsys: Any
) -> None:
    """Whichever file changed there, pull ends with 4 and its name, and takes nothing in."""
    run_command(capsys, here.root, "push", "latest", away.url)
    files = away.files()
    assert len(files) > 10
    for path in files:
        content = away.read(path)
        shutil.rmtree(bare / "hubs" / ".arriving", ignore_errors=True)
        away.write(path, bytes([content[0] ^ 1, *content[1:]]) if content else b"x")

        code, answer = run_command(capsys, bare, "pull", away.url)

        assert code == 4
        assert path.removeprefix(f"{away.root}/") in answer["error"]["where"]
        away.write(path, content)
        assert list((bare / "hubs").glob("tiny/*")) == []
    assert run_command(capsys, bare, "pull", away.url)[0] == 0


def test_a_damaged_hub_is_not_pushed(here: Store, away: Place, capsys: Any) -> None:
    """A store elsewhere does not launder a hub that was changed here, forged list or not."""
    sealed.write(here.hub / "cli/measure.log", b"measured 9 rows\n")
    code, answer = run_command(capsys, here.root, "push", "latest", away.url)
    assert code == 4
    assert "cli/measure.log" in answer["error"]["where"]

    sealed.remanifest(here.hub)
    assert run_command(capsys, here.root, "push", "latest", away.url)[0] == 4
    assert away.files() == []


def test_another_hub_of_the_name_is_refused(
    here: Store, bare: Path, away: Place, capsys: Any
) -> None:
    """A seal that differs from ours is refused by push and by pull, and nothing changes."""
    run_command(capsys, here.root, "push", "latest", away.url)
    run_command(capsys, bare, "pull", away.url)
    marker = next(name for name in away.files() if name.endswith(".seal.json"))
    digest = str(sealed.seals(here)[-1].body["manifest_sha256"])
    away.write(marker, away.read(marker).replace(digest.encode(), b"0" * 64))

    for root, words in ((here.root, ("push", "latest")), (bare, ("pull",))):
        code, answer = run_command(capsys, root, *words, away.url)
        assert code == 4
        assert here.hub.name in answer["error"]["where"]
    assert len(whole(bare)) == 1
